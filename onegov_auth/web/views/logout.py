"""``/auth/logout``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onegov_auth.web.fields import all_fields, query_fields
from onegov_auth.web.links import login_url, logout_url
from onegov_auth.web.pages import AuthPages, Logout
from onegov_auth.web.redirects import safe_path
from onegov_auth.web.render import page

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.web.request import AuthRequest

__all__ = ["ask", "log_out"]


@AuthPages.view(model=Logout, request_method="HEAD")
@AuthPages.view(model=Logout)
def ask(self: Logout, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """A page with a button: an image on another site must not log anybody out (CSRF-03)."""
    return page(
        request,
        "logout",
        action=logout_url(request),
        to=safe_path(query_fields(request).get("to")),
        login_url=login_url(request, local="1"),
        logged_in=request.is_logged_in,
        csrf_token=request.csrf_token if request.is_logged_in else None,
    )


@AuthPages.view(model=Logout, request_method="POST")
def log_out(self: Logout, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """End the session."""
    request.assert_valid_csrf_token()
    return request.auth.logout_to(all_fields(request).get("to"))
