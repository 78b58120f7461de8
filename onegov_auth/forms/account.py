"""The forms of one's own account."""

from __future__ import annotations

from typing import Any

from wtforms.fields import EmailField, PasswordField, SelectField, StringField
from wtforms.validators import EqualTo, InputRequired, Length, Optional

from onegov_auth.forms.base import Form
from onegov_auth.i18n import LANGUAGES, _

__all__ = ["ChangeEmailForm", "ChangePasswordForm", "ConfirmForm", "ProfileForm"]

#: Nobody's name is longer, and a page has to show it.
MAX_NAME = 200

#: RFC 5321 §4.5.3.1.
MAX_ADDRESS = 254


class ProfileForm(Form):
    """How somebody is called here, and which language they read."""

    realname = StringField(
        _("Name"),
        [Optional(), Length(max=MAX_NAME)],
        render_kw={"autocomplete": "name"},
    )
    language = SelectField(_("Language"))

    def __init__(self, formdata: Any = None, **kwargs: Any) -> None:
        super().__init__(formdata, **kwargs)
        self.language.choices = [("", self.translate(_("As the browser says"))), *LANGUAGES.items()]


class ChangePasswordForm(Form):
    """The password of now and the one to come; what it has to be like is the policy's business."""

    old = PasswordField(
        _("Current password"),
        [InputRequired(_("Please enter your current password."))],
        render_kw={"autocomplete": "current-password"},
    )
    password = PasswordField(
        _("New password"),
        [InputRequired(_("Please enter a new password."))],
        render_kw={"autocomplete": "new-password"},
    )
    confirm = PasswordField(
        _("New password, once more"),
        [EqualTo("password", _("Both new passwords have to be the same."))],
        render_kw={"autocomplete": "new-password", "required": True},
    )


class ChangeEmailForm(Form):
    """A new e-mail address."""

    email = EmailField(
        _("New e-mail address"),
        [
            InputRequired(_("Please enter an e-mail address.")),
            Length(max=MAX_ADDRESS),
        ],
        render_kw={"autocomplete": "email"},
    )


class ConfirmForm(Form):
    """The password once more, before what is for its owner only."""

    password = PasswordField(
        _("Password"),
        [InputRequired(_("Please enter your password."))],
        render_kw={"autocomplete": "current-password", "autofocus": True},
    )
