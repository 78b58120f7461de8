"""``/auth/request-password`` and ``/auth/reset-password``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onegov_auth.errors import InsecurePasswordError, InvalidPasswordError
from onegov_auth.forms import PasswordResetForm, RequestPasswordResetForm
from onegov_auth.i18n import _
from onegov_auth.outcomes import Refused
from onegov_auth.web.answers import not_filled_in, too_many
from onegov_auth.web.carried import carried, carry, put_down
from onegov_auth.web.csrf import assert_own_try
from onegov_auth.web.fields import FormFields, posted_fields, query_fields
from onegov_auth.web.links import login_url, page_url
from onegov_auth.web.messages import wait_message
from onegov_auth.web.new_password import ask_for_password, say_why
from onegov_auth.web.own_pages import PasswordRequest, PasswordReset, reading
from onegov_auth.web.pages import AuthPages
from onegov_auth.web.redirects import redirect_to
from onegov_auth.web.render import page

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.web.request import AuthRequest

__all__ = ["ask", "reset", "send", "show"]

_PURPOSE = "reset"
_DONE = _("Your new password is saved. Please log in with it.")
_WRONG = _("The password could not be changed. Please check your e-mail address, or ask for another link.")


@reading(PasswordRequest)
def ask(self: PasswordRequest, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """Ask for an address."""
    return _request_page(request, RequestPasswordResetForm(language=request.language))


@AuthPages.view(model=PasswordRequest, request_method="POST")
def send(self: PasswordRequest, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """Send a link, if there is somebody to send it to; the answer is the same for every address (ENUM-04)."""
    assert_own_try(request, "recovery", "email")
    form = RequestPasswordResetForm(FormFields(posted_fields(request)), language=request.language)
    if not form.validate():
        return not_filled_in(request, _request_page(request, form), "recovery", form.email.data)
    request.root_app.auth.recover(form.email.data or "", request.client)
    return redirect_to(request, page_url(request, "request-password", sent="1"))


@reading(PasswordReset)
def show(self: PasswordReset, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """The form; the link's token goes out of the address first (RESET-03), and is not used up by looking (RESET-04)."""
    given = query_fields(request).get("token")
    if given is not None:
        return carry(request, _PURPOSE, given, page_url(request, "reset-password"))
    token = carried(request, _PURPOSE)
    return _reset_page(request, None if token is None else PasswordResetForm(language=request.language), token)


@AuthPages.view(model=PasswordReset, request_method="POST")
def reset(self: PasswordReset, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """Set the password; nobody is logged in by that (RESET-05)."""
    # Not the address in it: anybody could use up somebody else's tries.
    assert_own_try(request, "recovery")
    form = PasswordResetForm(FormFields(posted_fields(request)), language=request.language)
    token = form.token.data or ""
    if not form.validate():
        return not_filled_in(request, _reset_page(request, form, token), "recovery")
    try:
        email, password = form.email.data or "", form.password.data or ""
        outcome = request.root_app.auth.reset(token, email, password, request.client)
    except (InsecurePasswordError, InvalidPasswordError) as error:
        say_why(request, form.password, error)
        return _reset_page(request, form, token)
    if isinstance(outcome, Refused):
        response = _reset_page(request, form, token, alert=wait_message(outcome) or _WRONG)
        return too_many(response, outcome)
    put_down(request)
    request.success(request.translate(_DONE))
    return redirect_to(request, login_url(request, local="1"))


def _request_page(request: AuthRequest, form: RequestPasswordResetForm) -> Response:
    return page(
        request,
        "request_password",
        form=form,
        sent="sent" in query_fields(request),
        action=page_url(request, "request-password"),
        csrf_token=request.csrf_token,
        login_url=login_url(request, local="1"),
    )


def _reset_page(
    request: AuthRequest, form: PasswordResetForm | None, token: str | None, alert: str | None = None
) -> Response:
    return page(
        request,
        "reset_password",
        form=form,
        token=token,
        hint=None if form is None else request.translate(ask_for_password(request, form.password)),
        alert=alert,
        action=page_url(request, "reset-password"),
        csrf_token=request.csrf_token,
        login_url=login_url(request, local="1"),
        request_url=page_url(request, "request-password"),
    )
