"""The login form."""

from __future__ import annotations

from typing import TypedDict

from wtforms.fields import BooleanField, PasswordField, StringField
from wtforms.validators import InputRequired

from onegov_auth.forms.base import Form
from onegov_auth.i18n import _

__all__ = ["LoginData", "LoginForm"]


class LoginData(TypedDict):
    """What :attr:`LoginForm.login_data` gives, as :meth:`onegov_auth.auth.Auth.login` takes it."""

    username: str
    password: str
    second_factor: str | None


class LoginForm(Form):
    """A generic login form; the page deletes ``yubikey`` where no such factor is configured."""

    username = StringField(
        _("E-Mail Address"),
        [InputRequired(_("Please enter your username."))],
        render_kw={
            "autofocus": True,
            "autocomplete": "username",
            "autocapitalize": "none",
            "autocorrect": "off",
            "spellcheck": "false",
        },
    )
    password = PasswordField(
        _("Password"),
        [InputRequired(_("Please enter your password."))],
        render_kw={"autocomplete": "current-password"},
    )
    yubikey = StringField(_("YubiKey"), render_kw={"autocomplete": "off", "spellcheck": "false"})
    remember = BooleanField(_("Stay logged in"))

    @property
    def login_data(self) -> LoginData:
        """The username, the password as typed, and the second factor or None if there is none."""
        code = self.yubikey.data if "yubikey" in self else None
        return LoginData(
            username=self.username.data or "",
            password=self.password.data or "",
            second_factor=(code or "").strip() or None,
        )
