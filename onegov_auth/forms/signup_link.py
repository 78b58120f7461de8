"""The form to make a signup link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from wtforms.fields import IntegerField, RadioField, SelectField, StringField
from wtforms.validators import InputRequired, NumberRange, Optional, ValidationError

from onegov_auth.addresses import as_address
from onegov_auth.forms.base import Form
from onegov_auth.i18n import _

if TYPE_CHECKING:
    from onegov_auth.auth import Auth
    from onegov_auth.domain import Identity

__all__ = ["SignupLinkForm"]

#: The roles of the first seed.
ROLES = ("member", "editor", "admin")

#: In seconds; a month has 30 days.
AGES: Mapping[str, int] = {"hour": 3600, "day": 86400, "week": 604800, "month": 2592000}

AGE_NAMES: Mapping[str, str] = {"hour": _("An hour"), "day": _("A day"), "week": _("A week"), "month": _("A month")}


class SignupLinkForm(Form):
    """
    Role, age and number of uses of a signup link.

    Args:
        roles: The roles to choose from, with what they are called if that is something else.
        groups: The ids and names of the groups to choose from; without any, nobody is asked.
        args: As for :class:`Form`.
        kwargs: As for :class:`Form`.
    """

    role = RadioField(_("Role"), [InputRequired()], default="member")
    max_age = RadioField(
        _("How long may the link be used?"),
        [InputRequired()],
        default="week",
    )
    max_uses = IntegerField(
        _("How many people may register by it?"),
        [InputRequired(), NumberRange(min=1, max=10000)],
        default=100,
        render_kw={"min": "1", "max": "10000"},
    )
    group = SelectField(_("Group"), [Optional()], default="")
    domain = StringField(
        _("Only e-mail addresses of this domain"),
        render_kw={"autocapitalize": "none", "spellcheck": "false", "placeholder": "example.org"},
    )

    def __init__(
        self,
        *args: Any,
        roles: Mapping[str, str] | Sequence[str] = ROLES,
        groups: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        named = roles if isinstance(roles, Mapping) else {role: role.capitalize() for role in roles}
        self.role.choices = [(role, self.translate(name)) for role, name in named.items()]
        self.max_age.choices = [(age, self.translate(name)) for age, name in AGE_NAMES.items()]
        self.group.choices = [("", "–"), *(groups or {}).items()]
        if not groups:
            del self.group

    def validate_domain(self, field: StringField) -> None:
        """
        Nothing, or a domain.

        Raises:
            ValidationError: If it is neither.
        """
        domain = (field.data or "").strip().lstrip("@")
        if domain and as_address(f"anybody@{domain}") is None:
            raise ValidationError(_("Please enter a domain such as example.org."))

    def signup_token(self, auth: Auth, by: Identity | None = None) -> str:
        """
        Make the link, and return its token.

        Args:
            auth: The application's.
            by: Who makes it; ``None`` for the application itself.

        Raises:
            ForbiddenRoleError: If that role is not theirs to give.
            ValueError: If there is no such role here.
        """
        group = self.group.data if "group" in self else None
        domain = (self.domain.data or "").strip() if "domain" in self else ""
        return auth.new_signup_token(
            self.role.data,
            AGES[self.max_age.data],
            self.max_uses.data or 1,
            group=group or None,
            domain=domain or None,
            by=by,
        )
