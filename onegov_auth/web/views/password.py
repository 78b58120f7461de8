"""``/auth/account/password``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onegov_auth.errors import InsecurePasswordError, InvalidPasswordError
from onegov_auth.forms import ChangePasswordForm
from onegov_auth.i18n import _
from onegov_auth.outcomes import LoggedIn as Entered
from onegov_auth.outcomes import Refused
from onegov_auth.web.account_page import account_page, identity_of, named, person_of
from onegov_auth.web.answers import too_many, with_session
from onegov_auth.web.csrf import assert_own_try
from onegov_auth.web.fields import FormFields, posted_fields
from onegov_auth.web.links import page_url
from onegov_auth.web.messages import wait_message
from onegov_auth.web.new_password import ask_for_password, say_why
from onegov_auth.web.own_pages import LoggedIn, OwnPassword, reading
from onegov_auth.web.pages import AuthPages
from onegov_auth.web.redirects import redirect_to

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.web.request import AuthRequest

__all__ = ["change", "show"]

_PATH = "account/password"
_CHANGED = _("Your password is changed. You are logged out everywhere else.")
_WRONG = _("That is not your current password.")
_REFUSED = _("The password could not be changed.")


@reading(OwnPassword, LoggedIn)
def show(self: OwnPassword, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """The form; for people of a provider, where their password is."""
    return _page(request, ChangePasswordForm(language=request.language))


@AuthPages.view(model=OwnPassword, permission=LoggedIn, request_method="POST")
def change(self: OwnPassword, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """Change it; the form asks for the current one, however fresh the login is (ASVS 6.2.3)."""
    assert_own_try(request, "login")
    form = ChangePasswordForm(FormFields(posted_fields(request)), language=request.language)
    if not form.validate():
        return _page(request, form)
    old, new = form.old.data or "", form.password.data or ""
    try:
        outcome = request.root_app.auth.change_password(identity_of(request), old, new, request.client)
    except (InsecurePasswordError, InvalidPasswordError) as error:
        say_why(request, form.password, error)
        return _page(request, form)
    if isinstance(outcome, Refused):
        if outcome.code == "wrong_password":
            form.old.errors = [request.translate(_WRONG)]
            return _page(request, form)
        return too_many(_page(request, form, alert=wait_message(outcome) or _REFUSED), outcome)
    if not isinstance(outcome, Entered):
        return _page(request, form, alert=_REFUSED)
    request.success(request.translate(_CHANGED))
    return with_session(request, redirect_to(request, page_url(request, _PATH)), outcome)


def _page(request: AuthRequest, form: ChangePasswordForm, alert: str | None = None) -> Response:
    user = person_of(request)
    return account_page(
        request,
        "password",
        _PATH,
        form=form if user.password_hash else None,
        provider=named(request, user.source),
        hint=request.translate(ask_for_password(request, form.password, form.confirm)),
        alert=alert,
    )
