"""The forms for who forgot the password."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from wtforms.fields import HiddenField

from onegov_auth.forms.base import Form
from onegov_auth.forms.fields import address_field, new_password_field
from onegov_auth.i18n import _
from onegov_auth.outcomes import Done

if TYPE_CHECKING:
    from onegov_auth.domain import Client

__all__ = ["ChoosePasswordForm", "PasswordResetForm", "RequestPasswordResetForm", "ResetsPasswords"]


class ResetsPasswords(Protocol):
    """The part of a request that :meth:`PasswordResetForm.update_password` needs."""

    @property
    def auth(self) -> Any:
        """With ``core``, the :class:`onegov_auth.auth.Auth`."""

    @property
    def client(self) -> Client:
        """From where."""


class RequestPasswordResetForm(Form):
    """Where to send a link to."""

    email = address_field(_("E-Mail Address"), autocomplete="username", autofocus=True)


class ChoosePasswordForm(Form):
    """The first password, or another one, with the token of the link."""

    password = new_password_field(_("New password"))
    token = HiddenField()


class PasswordResetForm(Form):
    """The new password, with the token of the link."""

    email = address_field(_("E-Mail Address"), autocomplete="username")
    password = new_password_field(_("New password"))
    token = HiddenField()

    def update_password(self, request: ResetsPasswords) -> bool:
        """
        Save the new password; says whether that was done.

        Raises:
            InsecurePasswordError: If the policy forbids it.
        """
        reset = request.auth.core.reset(
            self.token.data or "", self.email.data or "", self.password.data or "", request.client
        )
        return isinstance(reset, Done)
