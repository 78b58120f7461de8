"""The form to register."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from wtforms.fields import StringField
from wtforms.validators import EqualTo, Length

from onegov_auth.forms.base import Form
from onegov_auth.forms.fields import address_field, new_password_field
from onegov_auth.i18n import _

if TYPE_CHECKING:
    from onegov_auth.domain import Client
    from onegov_auth.outcomes import Done, Refused

__all__ = ["RegistersPeople", "RegistrationForm"]


class RegistersPeople(Protocol):
    """The part of a request that :meth:`RegistrationForm.register_user` needs."""

    @property
    def auth(self) -> Any:
        """With ``core``, the :class:`onegov_auth.auth.Auth`, and ``signup_token``."""

    @property
    def client(self) -> Client:
        """From where."""


class RegistrationForm(Form):
    """A generic form to register; which passwords are allowed is said by :meth:`onegov_auth.auth.Auth.register`."""

    username = address_field(_("E-Mail Address"), autocomplete="username", autofocus=True)
    password = new_password_field(_("Password"))
    confirm = new_password_field(
        _("Password again"),
        EqualTo("password", _("The two passwords differ.")),
        missing=_("Please enter the password once more."),
    )
    #: People don't see it; whoever fills it in is a program.
    roboter_falle = StringField(
        _("Please leave this field empty"),
        [Length(max=0, message=_("This field has to stay empty."))],
        render_kw={"autocomplete": "off", "tabindex": "-1"},
    )

    def register_user(self, request: RegistersPeople) -> Done | Refused:
        """
        Register who filled it in.

        Raises:
            ExpiredSignupLinkError: If the signup link lets nobody in any more.
            InsecurePasswordError: If the policy forbids the password.
        """
        registered: Done | Refused = request.auth.core.register(self, request.client, request.auth.signup_token)
        return registered
