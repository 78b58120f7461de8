"""
When may a login begin that nobody asked for by a click on our own pages?

The login page goes straight to a ``primary`` provider, asks an ``auto_login`` one in silence, and another site may
send people here to log in. All of that is handy, and none of it may be forced on somebody (RFC 9700 §4.7, login CSRF).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onegov_auth.web.cookies import read_cookie

if TYPE_CHECKING:
    from onegov_auth.web.request import AuthRequest

__all__ = ["SILENTLY", "forget_leaving", "has_left", "may_begin", "remember_leaving"]

#: OpenID Connect Core §3.1.2.1: the provider asks the person nothing, and says so if it would have to.
SILENTLY = {"prompt": "none"}


def may_begin(request: AuthRequest) -> bool:
    """
    Whether a login may begin with this very request.

    Not for a browser that only fetches ahead, not for what is no page in a window, and not for another site by itself:
    ten logins begun in the person's name would push out the one the person is at (COOKIE-04). A clicked link may.
    """
    environ = request.environ
    return (
        request.method == "GET"
        and request.is_navigation
        and "prefetch" not in environ.get("HTTP_SEC_PURPOSE", "")
        and (
            environ.get("HTTP_SEC_FETCH_SITE") not in {"cross-site", "same-site"}
            or environ.get("HTTP_SEC_FETCH_USER") == "?1"
        )
    )


def has_left(request: AuthRequest) -> bool:
    """Whether somebody logged out in this browser and nobody logged in since: whoever is next decides by a click."""
    return read_cookie(request.environ.get("HTTP_COOKIE"), _cookie(request)) is not None


def remember_leaving(request: AuthRequest) -> None:
    """Log nobody in without asking until somebody did so; the provider's own session may well go on."""
    root = request.root_app
    if root.primary_provider is not None or root.auto_login_provider is not None:
        request.add_cookie(root.cookies.header(_cookie(request), "1"))


def forget_leaving(request: AuthRequest) -> None:
    """Somebody logged in."""
    if has_left(request):
        request.add_cookie(request.root_app.cookies.forget(_cookie(request)))


def _cookie(request: AuthRequest) -> str:
    return f"{request.root_app.cookies.session}-left"
