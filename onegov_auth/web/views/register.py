"""``/auth/register`` and ``/auth/resend``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webob.exc import HTTPNotFound

from onegov_auth.errors import ExpiredSignupLinkError, InsecurePasswordError, InvalidPasswordError
from onegov_auth.forms import RegistrationForm, RequestPasswordResetForm
from onegov_auth.i18n import Text, _
from onegov_auth.outcomes import Refused
from onegov_auth.web.answers import not_filled_in, too_many
from onegov_auth.web.csrf import assert_own_try
from onegov_auth.web.fields import FormFields, all_fields, posted_fields, query_fields
from onegov_auth.web.links import login_url, page_url
from onegov_auth.web.messages import wait_message
from onegov_auth.web.new_password import ask_for_password, say_why
from onegov_auth.web.own_pages import Registration, Resending, reading
from onegov_auth.web.pages import AuthPages
from onegov_auth.web.redirects import redirect_to
from onegov_auth.web.render import page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from webob import Response

    from onegov_auth.web.request import AuthRequest

__all__ = ["ask_again", "register", "send_again", "show"]

_EXPIRED_LINK = _("This signup link is no longer good. Please ask whoever gave it to you for another one.")
_REFUSED = _("The account could not be made. Please check what you typed.")
_FOREIGN = _("This link is for e-mail addresses of {domain} only.")
_USERNAME = _("This can't be a username here. Please enter your e-mail address.")


@reading(Registration)
def show(self: Registration, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """The form; without it if the signup link is none any more, and 404 if nobody may register."""
    token = query_fields(request).get("token")
    if token and request.root_app.auth.permitted_role_for_registration(token) is None:
        return _page(request, None, token, alert=_EXPIRED_LINK)
    _assert_open(request, token)
    return _page(request, _form(request), token)


@AuthPages.view(model=Registration, request_method="POST")
def register(self: Registration, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """Make the account; whether the address was taken is told to its owner only (ENUM-05)."""
    assert_own_try(request, "signup", "username")
    fields = all_fields(request)
    token = fields.get("token") or None
    form = _form(request, fields)
    if token is None:
        _assert_open(request, token)
    if not form.validate():
        return not_filled_in(request, _page(request, form, token), "signup", fields.get("username"))
    try:
        outcome = request.root_app.auth.register(form, request.client, token)
    except ExpiredSignupLinkError:
        return _page(request, None, token, alert=_EXPIRED_LINK)
    except (InsecurePasswordError, InvalidPasswordError) as error:
        say_why(request, form.password, error)
        return _page(request, form, token)
    if isinstance(outcome, Refused):
        return _refused(request, outcome, form, token)
    return redirect_to(request, page_url(request, "resend", sent="1"))


@reading(Resending)
def ask_again(self: Resending, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """What to do now; and a form to have the mail sent again."""
    return _resending(request, RequestPasswordResetForm(language=request.language))


@AuthPages.view(model=Resending, request_method="POST")
def send_again(self: Resending, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """Send it again, if somebody waits for it; the answer is the same for every address."""
    assert_own_try(request, "signup", "email")
    form = RequestPasswordResetForm(FormFields(posted_fields(request)), language=request.language)
    if not form.validate():
        return not_filled_in(request, _resending(request, form), "signup", form.email.data)
    request.root_app.auth.resend(form.email.data or "", request.client)
    return redirect_to(request, page_url(request, "resend", sent="1"))


def _assert_open(request: AuthRequest, token: str | None) -> None:
    if not request.root_app.auth.registration_open(token):
        raise HTTPNotFound


def _form(request: AuthRequest, fields: Mapping[str, str] | None = None) -> RegistrationForm:
    return RegistrationForm(None if fields is None else FormFields(fields), language=request.language)


def _refused(request: AuthRequest, refused: Refused, form: RegistrationForm, token: str | None) -> Response:
    if refused.code == "robot":
        # Who fills in what nobody sees learns nothing.
        return redirect_to(request, page_url(request, "resend", sent="1"))
    if refused.code == "registration_disabled":
        raise HTTPNotFound
    if refused.code == "invalid_username":
        form.username.errors = [request.translate(_USERNAME)]
        return _page(request, form, token)
    if refused.code == "foreign_address":
        domain = request.root_app.auth.foreign_domain(token, form.username.data or "")
        form.username.errors = [request.translate(Text(_FOREIGN, domain=domain))]
        return _page(request, form, token)
    response = _page(request, form, token, alert=wait_message(refused) or _REFUSED)
    return too_many(response, refused)


def _page(request: AuthRequest, form: RegistrationForm | None, token: str | None, alert: str | None = None) -> Response:
    hint = None if form is None else request.translate(ask_for_password(request, form.password, form.confirm))
    return page(
        request,
        "register",
        form=form,
        hint=hint,
        alert=alert,
        token=token,
        action=page_url(request, "register"),
        csrf_token=request.csrf_token,
        login_url=login_url(request, local="1"),
    )


def _resending(request: AuthRequest, form: RequestPasswordResetForm) -> Response:
    return page(
        request,
        "resend",
        form=form,
        sent="sent" in query_fields(request),
        action=page_url(request, "resend"),
        csrf_token=request.csrf_token,
        login_url=login_url(request, local="1"),
    )
