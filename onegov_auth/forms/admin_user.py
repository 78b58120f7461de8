"""The form of an account, for those who run the site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from wtforms.fields import BooleanField, DateTimeLocalField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

from onegov_auth.forms.base import Form
from onegov_auth.forms.fields import ChecksField
from onegov_auth.i18n import LANGUAGES, _
from onegov_auth.models import key_of

__all__ = ["AdminUserForm"]

#: RFC 5321 §4.5.3.1.
MAX_ADDRESS = 254
MAX_NAME = 200

#: What belongs to whom by keys.
RIGHTS = ("groups", "bundles", "permissions")


class AdminUserForm(Form):
    """
    What those who run the site may say of an account. There is no field for a password (ASVS 6.4.6).

    A subclass may have fields of columns that an application's own class has beside ours.

    Args:
        formdata: As for :class:`Form`.
        obj: The user; None for a new one.
        roles: The roles to choose from, the weakest last; a new account gets that one unless another is chosen.
        rights: The keys and names of the ``groups``, ``bundles`` and ``permissions`` to choose from.
        superuser: Whether one may be made a superuser here.
        kwargs: As for :class:`Form`.
    """

    username = StringField(
        _("Username"),
        [InputRequired(_("Please enter a username.")), Length(max=MAX_ADDRESS)],
        description=_("Usually the e-mail address."),
        render_kw={"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"},
    )
    realname = StringField(_("Name"), [Optional(), Length(max=MAX_NAME)], render_kw={"autocomplete": "off"})
    email = StringField(
        _("E-mail address"),
        [Optional(), Length(max=MAX_ADDRESS)],
        render_kw={"type": "email", "autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"},
    )
    email_verified = BooleanField(_("This address is surely the person's own"), default=True)
    phone_number = StringField(
        _("Phone number"), [Optional(), Length(max=MAX_NAME)], render_kw={"type": "tel", "autocomplete": "off"}
    )
    language = SelectField(_("Language"))
    role = SelectField(_("Role"))
    groups = ChecksField(_("Groups"))
    bundles = ChecksField(_("Bundles"))
    permissions = ChecksField(_("Permissions"))
    is_superuser = BooleanField(_("Superuser: has all permissions"))
    tags = StringField(
        _("Tags"),
        [Optional(), Length(max=2000)],
        description=_("With commas between them."),
        render_kw={"autocomplete": "off"},
    )
    active = BooleanField(_("May log in"), default=True)
    disabled_utc = DateTimeLocalField(
        _("Until when (UTC)"),
        [Optional()],
        format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        description=_("From then on, the person can't log in any more."),
    )
    invite = BooleanField(_("Send an invitation by mail now"), default=True)

    def __init__(
        self,
        formdata: Any = None,
        *,
        obj: Any = None,
        roles: Sequence[str] = (),
        rights: Mapping[str, Mapping[str, str]] | None = None,
        superuser: bool = False,
        **kwargs: Any,
    ) -> None:
        self._rights = rights or {}
        super().__init__(formdata, obj=None if obj is None else _Shown(obj), **kwargs)
        # A role that is none any more is shown as it is.
        known = [*roles, *([obj.role] if obj is not None and obj.role not in roles else [])]
        self.role.choices = [(role, self.translate(role.capitalize())) for role in known]
        if formdata is None and obj is None and roles:
            # The weakest: nobody becomes an administrator because a choice was overlooked.
            self.role.data = roles[-1]
        self.language.choices = [("", self.translate(_("As the browser says"))), *LANGUAGES.items()]
        for name in RIGHTS:
            if not self._rights.get(name):
                del self[name]
        if not superuser:
            del self.is_superuser
        del self[("invite" if obj is not None else "active")]

    def process(self, *args: Any, **kwargs: Any) -> None:
        """Fill in the fields; which boxes there are is known before."""
        for name in RIGHTS:
            boxes: Any = self[name]
            boxes.choices = list(self._rights.get(name, {}).items())
        super().process(*args, **kwargs)

    def changes(self) -> dict[str, Any]:
        """Attributes of a user and their new values."""
        values = {field.short_name: field.data for field in self}
        values.pop("invite", None)
        values["language"] = values.get("language") or None
        values["email"] = (values.get("email") or "").strip() or None
        if "tags" in values:
            values["tags"] = [tag for tag in (part.strip() for part in (values["tags"] or "").split(",")) if tag]
        until = values.get("disabled_utc")
        values["disabled_utc"] = until.replace(tzinfo=UTC) if isinstance(until, datetime) else None
        return values


class _Shown:
    """A user, with what the form shows in another way than the attribute has it."""

    def __init__(self, user: Any) -> None:
        until = user.disabled_utc
        self._user = user
        self.tags = ", ".join(user.tags or ())
        self.language = user.language or ""
        self.disabled_utc = None if until is None else until.astimezone(UTC).replace(tzinfo=None)
        for name in RIGHTS:
            setattr(self, name, [str(key_of(one)) for one in getattr(user, name)])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._user, name)
