"""What may be changed of an account, and how each change is checked, made and written down."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect, select

from onegov_auth.addresses import as_address
from onegov_auth.collections import UserCollection
from onegov_auth.domain import Step
from onegov_auth.i18n import languages
from onegov_auth.models import UserMixin, as_key, canonical_username, key_name, key_of, primary_key
from onegov_auth.outcomes import Refused

if TYPE_CHECKING:
    from onegov_auth.administration.acting import Deed
    from onegov_auth.administration.rules import Rules
    from onegov_auth.models import Entities, User

__all__ = ["Changes"]

#: Names end up in mails and lists.
MAX_NAME = 200
MAX_TAGS = 50

#: What belongs to each kind of right: the attribute of a user, and the attribute of the entities.
RIGHTS = {"groups": "group", "bundles": "bundle", "permissions": "permission"}


class Changes:
    """
    Makes changes to one account.

    Args:
        rules: Who may change whom.
        entities: The mapped classes.
        deed: In which unit of work, by whom.
        user: Whom; new ones are not added yet.
    """

    def __init__(self, rules: Rules, entities: Entities, deed: Deed, user: User) -> None:
        self._rules = rules
        self._entities = entities
        self._deed = deed
        self._user = user
        self.steps: list[Step] = []

    def make(self, wanted: Mapping[str, Any]) -> Refused | None:
        """
        Make them all.

        Args:
            wanted: Attributes and their new values; those of rights hold keys.

        Returns:
            Why not, if one is not allowed.

        Raises:
            TypeError: If something is to be changed that is none of an administrator's business (ASVS 15.3.3).
        """
        for name, value in wanted.items():
            refused = self._way(name)(name, value)
            if refused is not None:
                return refused
        return None

    def _way(self, name: str) -> Callable[[str, Any], Refused | None]:
        known: dict[str, Callable[[str, Any], Refused | None]] = {
            "username": self._username,
            "role": self._role,
            "active": self._active,
            "disabled_utc": self._disabled,
            "is_superuser": self._superuser,
            "email": self._email,
            "email_verified": self._plain,
            "language": self._language,
            "realname": self._text,
            "phone_number": self._text,
            "tags": self._tags,
            **dict.fromkeys(RIGHTS, self._rights),
        }
        if name in known:
            return known[name]
        model = self._entities.user
        if name in inspect(model).column_attrs and not hasattr(UserMixin, name) and name != key_name(model):
            # A column that the application's own class has.
            return self._plain
        raise TypeError(f"not for administrators to change: {name}")

    def _put(self, name: str, value: Any) -> None:
        before = getattr(self._user, name)
        if before != value:
            setattr(self._user, name, value)
            self.steps.append(Step(name, f"{_said(before)} → {_said(value)}"))

    def _plain(self, name: str, value: Any) -> None:
        self._put(name, value)

    def _text(self, name: str, value: str | None) -> None:
        # Nothing that can't be seen, and no line breaks in mails (HOST-06).
        self._put(name, _clean(value or "") or None)

    def _tags(self, name: str, value: Iterable[str] | None) -> Refused | None:
        tags = [tag for tag in dict.fromkeys(_clean(tag) for tag in value or ()) if tag]
        if len(tags) > MAX_TAGS:
            return Refused("too_many_tags")
        if tags != list(self._user.tags or ()):
            self._put(name, tags or None)
        return None

    def _language(self, name: str, value: str | None) -> Refused | None:
        if value and value not in languages():
            return Refused("unknown_language")
        self._put(name, value or None)
        return None

    def _username(self, name: str, value: str) -> Refused | None:
        try:
            key = canonical_username(value)
        except ValueError:
            return Refused("bad_username")
        if key == self._user.username_key:
            return None
        if UserCollection(self._deed.db).exists(value):
            return Refused("username_taken")
        self._put(name, value.lower())
        return None

    def _email(self, name: str, value: str | None) -> Refused | None:
        address = as_address(value) if value else None
        if value and address is None:
            return Refused("bad_address")
        if address != self._user.email:
            self._put(name, address)
            self._user.email_pending = None
            # Another address is nobody's until it is proven, or vouched for.
            self._user.email_verified = False
        return None

    def _role(self, name: str, value: str) -> Refused | None:
        if value == self._user.role:
            return None
        if self._is_actor:
            return Refused("own_role")
        if value not in self._rules.roles_of(self._deed.actor):
            return Refused("role_above_you")
        self._put(name, value)
        return None

    def _active(self, name: str, value: bool) -> Refused | None:
        if self._is_actor and not value:
            return Refused("own_account")
        self._put(name, bool(value))
        return None

    def _disabled(self, name: str, value: datetime | None) -> Refused | None:
        if self._is_actor and value is not None:
            return Refused("own_account")
        self._put(name, value)
        return None

    def _superuser(self, name: str, value: bool) -> Refused | None:
        if bool(value) == self._user.is_superuser:
            return None
        if not self._deed.actor.is_superuser:
            return Refused("not_superuser")
        if self._is_actor:
            return Refused("own_role")
        self._put(name, bool(value))
        return None

    def _rights(self, name: str, value: Iterable[Any]) -> Refused | None:
        model = getattr(self._entities, RIGHTS[name])
        keys = {as_key(model, one) for one in value}
        before = {key_of(one): one for one in getattr(self._user, name)}
        if self._is_actor and before.keys() - keys:
            return Refused("own_rights")
        if before.keys() == keys:
            return None
        wanted = self._deed.db.scalars(select(model).where(primary_key(model).in_(keys))).all() if keys else []
        if len(wanted) != len(keys):
            return Refused(f"unknown_{RIGHTS[name]}")
        gone = [_called(one) for key, one in before.items() if key not in keys]
        new = [_called(one) for one in wanted if key_of(one) not in before]
        setattr(self._user, name, list(wanted))
        self.steps.append(
            Step(name, " ".join([*(f"-{one}" for one in sorted(gone)), *(f"+{one}" for one in sorted(new))]))
        )
        return None

    @property
    def _is_actor(self) -> bool:
        return self._deed.is_about_actor(self._user)


def _clean(text: str) -> str:
    return "".join(char for char in text[:MAX_NAME] if char.isprintable()).strip()


def _called(right: Any) -> str:
    return str(getattr(right, "token", None) or getattr(right, "name", None) or key_of(right))


def _said(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, datetime):
        return value.isoformat(timespec="minutes")
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
