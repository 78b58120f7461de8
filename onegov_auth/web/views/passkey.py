"""``/auth/passkey``: log in with a passkey alone, without a username."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onegov_auth.i18n import _
from onegov_auth.outcomes import Refused, Unavailable
from onegov_auth.web.answers import after_proof, too_many
from onegov_auth.web.csrf import assert_own_try
from onegov_auth.web.factor_pages import Passkey
from onegov_auth.web.fields import posted_fields, query_fields
from onegov_auth.web.links import login_url, page_url
from onegov_auth.web.messages import wait_message
from onegov_auth.web.own_pages import reading
from onegov_auth.web.pages import AuthPages
from onegov_auth.web.redirects import redirect_to, safe_path
from onegov_auth.web.render import page

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.web.request import AuthRequest

__all__ = ["ask", "log_in"]

_REFUSED = _("You could not be logged in with this passkey. Please log in another way.")


@reading(Passkey)
def ask(self: Passkey, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """The page is an answer to a form; who comes by its address begins on the login page."""
    return redirect_to(request, login_url(request, to=safe_path(query_fields(request).get("to"))))


@AuthPages.view(model=Passkey, request_method="POST")
def log_in(self: Passkey, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """Ask the browser for a passkey, or judge what it answered."""
    assert_own_try(request, "factor")
    auth, fields = request.root_app.auth, posted_fields(request)
    to, remember = safe_path(fields.get("to")), bool(fields.get("remember"))
    if not fields.get("code"):
        return _page(request, to)
    outcome = auth.login_with_passkey(fields.get("transaction", ""), fields["code"], request.client, remember=remember)
    if isinstance(outcome, Refused):
        # Nobody learns whose passkey it would be, or what is wrong with the account.
        return too_many(_page(request, to, wait_message(outcome) or _REFUSED), outcome)
    if isinstance(outcome, Unavailable):
        return _page(request, to, _REFUSED, 503)
    return after_proof(request, outcome)


def _page(request: AuthRequest, to: str, alert: str | None = None, status: int = 200) -> Response:
    asked = request.root_app.auth.begin_passkey(request.client, to)
    if isinstance(asked, Refused):
        request.alert(request.translate(wait_message(asked) or _REFUSED))
        return redirect_to(request, login_url(request, to=to))
    return page(
        request,
        "passkey",
        status,
        shown=asked.show,
        transaction=asked.transaction.id,
        to=to,
        alert=alert,
        action=page_url(request, "passkey"),
        csrf_token=request.csrf_token,
        login_url=login_url(request, to=to, local="1"),
    )
