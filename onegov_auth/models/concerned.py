"""What of a flush changes somebody's rights: any of the objects through which one may have them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import Session

from onegov_auth.models.base import key_of
from onegov_auth.models.bundle import BundleMixin
from onegov_auth.models.entities import Entities
from onegov_auth.models.grant import GrantMixin
from onegov_auth.models.group import GroupMixin
from onegov_auth.models.permission import PermissionMixin
from onegov_auth.models.rights import Concerned
from onegov_auth.models.role_mapping import RoleMappingMixin
from onegov_auth.models.user import UserMixin

__all__ = ["move_concerned"]

#: What a user may do depends on these.
USER_RIGHTS = ("active", "bundles", "disabled_utc", "groups", "is_superuser", "permissions", "role")


def move_concerned(session: Session) -> None:
    """Move the rights stamps of everybody whose rights the objects of *session* change when they are flushed."""
    found = _Found()
    for changed in [*session.new, *session.dirty]:
        collect = _collector(changed)
        if collect is not None:
            collect(changed, found)
    for deleted in session.deleted:
        if _collector(deleted) is not None:
            _deleted(deleted, found)
    for concerned in found.of.values():
        concerned.move(session)
    for user in found.users:
        if inspect(user).persistent:
            # The database counts: two changes at once move it twice.
            user.rights_stamp = type(user).rights_stamp + 1


class _Found:
    def __init__(self) -> None:
        self.users: set[UserMixin] = set()
        self.of: dict[Entities, Concerned] = {}

    def by(self, instance: Any) -> Concerned:
        entities = instance.__entities__ if hasattr(instance, "__entities__") else instance.__user__.__entities__
        return self.of.setdefault(entities, Concerned(entities))


def _user(user: UserMixin, found: _Found) -> None:
    if _changed(user, USER_RIGHTS):
        found.users.add(user)


def _group(group: GroupMixin, found: _Found) -> None:
    # A member added here is not seen on a user whose groups were never loaded; so are the others below.
    found.users.update(_touched(group, "users"))
    if _changed(group, ("bundles", "permissions")):
        _add_persistent([group], found, "groups")


def _bundle(bundle: BundleMixin, found: _Found) -> None:
    found.users.update(_touched(bundle, "users"))
    _add_persistent(_touched(bundle, "groups"), found, "groups")
    if _changed(bundle, ["permissions"]):
        _add_persistent([bundle], found, "bundles")


def _permission(permission: PermissionMixin, found: _Found) -> None:
    found.users.update(_touched(permission, "users"))
    _add_persistent(_touched(permission, "groups"), found, "groups")
    _add_persistent(_touched(permission, "bundles"), found, "bundles")
    if _changed(permission, ["token"]):
        _add_persistent([permission], found, "permissions")
        found.by(permission).superusers = True


def _grant(grant: GrantMixin, found: _Found) -> None:
    if inspect(grant).modified:
        found.users.update(_values(grant, "user"))
        keys = _values(grant, "user_id")
        if keys:
            found.by(grant).users.update(keys)


def _role_mapping(mapping: RoleMappingMixin, found: _Found) -> None:
    if inspect(mapping).modified:
        found.users.update(_values(mapping, "user"))
        _add_persistent(_values(mapping, "group"), found, "groups")
        concerned = found.by(mapping)
        concerned.usernames.update(_values(mapping, "username"))
        concerned.groups.update(_values(mapping, "group_id"))


def _deleted(instance: Any, found: _Found) -> None:
    concerned = None if isinstance(instance, UserMixin) else found.by(instance)
    if concerned is None:
        return
    if isinstance(instance, GroupMixin):
        concerned.groups.add(key_of(instance))
    elif isinstance(instance, BundleMixin):
        concerned.bundles.add(key_of(instance))
    elif isinstance(instance, PermissionMixin):
        concerned.permissions.add(key_of(instance))
        concerned.superusers = True
    elif isinstance(instance, GrantMixin):
        concerned.users.add(instance.user_id)
    elif instance.username is not None:
        concerned.usernames.add(instance.username)
    elif instance.group_id is not None:
        concerned.groups.add(instance.group_id)


_COLLECTORS: tuple[tuple[type[Any], Callable[[Any, _Found], None]], ...] = (
    (UserMixin, _user),
    (GroupMixin, _group),
    (BundleMixin, _bundle),
    (PermissionMixin, _permission),
    (GrantMixin, _grant),
    (RoleMappingMixin, _role_mapping),
)


def _collector(instance: object) -> Callable[[Any, _Found], None] | None:
    return next((collect for mixin, collect in _COLLECTORS if isinstance(instance, mixin)), None)


def _changed(instance: object, names: Iterable[str]) -> bool:
    attributes = inspect(instance).attrs
    return any(attributes[name].history.has_changes() for name in names)


def _touched(instance: object, name: str) -> list[Any]:
    history = inspect(instance).attrs[name].history
    return [*history.added, *history.deleted]


def _values(instance: object, name: str) -> list[Any]:
    # What it was and what it becomes; what is not loaded is asked for, because the change may be of something else.
    return [value for value in inspect(instance).attrs[name].load_history().sum() if value is not None]


def _add_persistent(instances: Iterable[Any], found: _Found, kind: str) -> None:
    for instance in instances:
        if inspect(instance).persistent:
            getattr(found.by(instance), kind).add(key_of(instance))
