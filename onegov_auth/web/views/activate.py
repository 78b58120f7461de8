"""``/auth/activate``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onegov_auth.i18n import _
from onegov_auth.outcomes import Refused
from onegov_auth.web.answers import too_many
from onegov_auth.web.carried import carried, carry, put_down
from onegov_auth.web.csrf import assert_own_try
from onegov_auth.web.fields import posted_fields, query_fields
from onegov_auth.web.links import login_url, page_url
from onegov_auth.web.names import visible
from onegov_auth.web.own_pages import Activation, reading
from onegov_auth.web.pages import AuthPages
from onegov_auth.web.redirects import redirect_to
from onegov_auth.web.render import page

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.web.request import AuthRequest

__all__ = ["activate", "show"]

_PURPOSE = "activate"
_ACTIVE = _("Your account is active. You can log in now.")
_NO_PASSWORD = _("Your account is active. Another mail is on its way to you, with a link to choose your password.")


@reading(Activation)
def show(self: Activation, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """Whose account waits, and a button: what only looks at the links of a mail activates nothing (LINK-26)."""
    given = query_fields(request).get("token")
    if given is not None:
        return carry(request, _PURPOSE, given, page_url(request, "activate"))
    token = carried(request, _PURPOSE)
    username = request.root_app.auth.pending_activation(token) if token else None
    return _page(request, token if username else None, visible(username or ""))


@AuthPages.view(model=Activation, request_method="POST")
def activate(self: Activation, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """Activate it; nobody is logged in by that."""
    assert_own_try(request, "signup")
    outcome = request.root_app.auth.activate(posted_fields(request).get("token", ""), request.client)
    put_down(request)
    if isinstance(outcome, Refused):
        return too_many(_page(request, None, ""), outcome)
    request.success(request.translate(_NO_PASSWORD if outcome.code == "activated_without_password" else _ACTIVE))
    return redirect_to(request, login_url(request, local="1"))


def _page(request: AuthRequest, token: str | None, username: str) -> Response:
    return page(
        request,
        "activate",
        token=token,
        username=username,
        action=page_url(request, "activate"),
        csrf_token=request.csrf_token,
        login_url=login_url(request, local="1"),
        resend_url=page_url(request, "resend"),
    )
