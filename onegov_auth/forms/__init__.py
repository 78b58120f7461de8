"""The forms of the pages, free of the web framework; an application may use and extend them."""

from onegov_auth.forms.account import ChangeEmailForm, ChangePasswordForm, ConfirmForm, ProfileForm
from onegov_auth.forms.base import Form
from onegov_auth.forms.login import LoginForm
from onegov_auth.forms.steps import AcceptTermsForm, NewPasswordForm, step_form

__all__ = [
    "AcceptTermsForm",
    "ChangeEmailForm",
    "ChangePasswordForm",
    "ConfirmForm",
    "Form",
    "LoginForm",
    "NewPasswordForm",
    "ProfileForm",
    "step_form",
]
