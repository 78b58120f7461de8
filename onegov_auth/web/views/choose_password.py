"""``/auth/choose-password``: where an invitation leads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onegov_auth.errors import InsecurePasswordError, InvalidPasswordError
from onegov_auth.forms import ChoosePasswordForm
from onegov_auth.i18n import _
from onegov_auth.outcomes import Refused
from onegov_auth.web.answers import too_many
from onegov_auth.web.carried import carried, carry, put_down
from onegov_auth.web.fields import FormFields, posted_fields, query_fields
from onegov_auth.web.links import login_url, page_url
from onegov_auth.web.messages import wait_message
from onegov_auth.web.names import visible
from onegov_auth.web.new_password import ask_for_password, say_why
from onegov_auth.web.own_pages import ChoosePassword, reading
from onegov_auth.web.pages import AuthPages
from onegov_auth.web.redirects import redirect_to
from onegov_auth.web.render import page

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.web.request import AuthRequest

__all__ = ["choose", "show"]

_PURPOSE = "choose-password"
_DONE = _("Your password is saved. Please log in with it.")
_WRONG = _("The password could not be saved. Please ask for another link.")


@reading(ChoosePassword)
def show(self: ChoosePassword, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """The form; the link's token goes out of the address first (RESET-03), and is not used up by looking (RESET-04)."""
    given = query_fields(request).get("token")
    if given is not None:
        return carry(request, _PURPOSE, given, page_url(request, _PURPOSE))
    token = carried(request, _PURPOSE)
    return _page(request, None if token is None else ChoosePasswordForm(language=request.language), token)


@AuthPages.view(model=ChoosePassword, request_method="POST")
def choose(self: ChoosePassword, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """Save the password; nobody is logged in by that (RESET-05)."""
    request.assert_valid_csrf_token()
    form = ChoosePasswordForm(FormFields(posted_fields(request)), language=request.language)
    token = form.token.data or ""
    if not form.validate():
        return _page(request, form, token)
    try:
        outcome = request.root_app.auth.choose_password(token, form.password.data or "", request.client)
    except (InsecurePasswordError, InvalidPasswordError) as error:
        say_why(request, form.password, error)
        return _page(request, form, token)
    if isinstance(outcome, Refused):
        return too_many(_page(request, form, token, alert=wait_message(outcome) or _WRONG), outcome)
    put_down(request)
    request.success(request.translate(_DONE))
    return redirect_to(request, login_url(request, local="1"))


def _page(
    request: AuthRequest, form: ChoosePasswordForm | None, token: str | None, alert: str | None = None
) -> Response:
    username = None if token is None else request.root_app.auth.invitation_of(token)
    return page(
        request,
        "choose_password",
        form=None if username is None else form,
        token=token,
        username=visible(username or ""),
        hint=None if form is None else request.translate(ask_for_password(request, form.password)),
        alert=alert,
        action=page_url(request, _PURPOSE),
        csrf_token=request.csrf_token,
        login_url=login_url(request, local="1"),
    )
