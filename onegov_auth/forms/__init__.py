"""The forms of the pages, free of the web framework; an application may use and extend them."""

from onegov_auth.forms.account import ChangeEmailForm, ChangePasswordForm, ConfirmForm, ProfileForm
from onegov_auth.forms.admin_user import AdminUserForm
from onegov_auth.forms.api_token import ApiTokenForm
from onegov_auth.forms.base import Form
from onegov_auth.forms.login import LoginForm
from onegov_auth.forms.recovery import ChoosePasswordForm, PasswordResetForm, RequestPasswordResetForm
from onegov_auth.forms.registration import RegistrationForm
from onegov_auth.forms.rights import BundleForm, GroupForm
from onegov_auth.forms.second_factors import FactorNameForm, MTANForm, RequestMTANForm, TOTPForm
from onegov_auth.forms.signup_link import SignupLinkForm
from onegov_auth.forms.steps import AcceptTermsForm, NewPasswordForm, step_form
from onegov_auth.forms.user_group import UserGroupForm

__all__ = [
    "AcceptTermsForm",
    "AdminUserForm",
    "ApiTokenForm",
    "BundleForm",
    "ChangeEmailForm",
    "ChangePasswordForm",
    "ChoosePasswordForm",
    "ConfirmForm",
    "FactorNameForm",
    "Form",
    "GroupForm",
    "LoginForm",
    "MTANForm",
    "NewPasswordForm",
    "PasswordResetForm",
    "ProfileForm",
    "RegistrationForm",
    "RequestMTANForm",
    "RequestPasswordResetForm",
    "SignupLinkForm",
    "TOTPForm",
    "UserGroupForm",
    "step_form",
]
