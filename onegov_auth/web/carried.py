"""
What a mailed link carries, moved out of the address: into a short-lived cookie, and from there into a form.

An address stays in the browser's history, in the proxies' logs, and goes to other sites as a referrer (RESET-03).
Following the link changes nothing: the form does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onegov_auth.web.redirects import redirect_to

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.web.request import AuthRequest

__all__ = ["MAX_AGE", "carried", "carry", "put_down"]

#: Seconds that somebody may take to fill in the form; the link in the mail is good for longer.
MAX_AGE = 3600

#: Longer ones would not fit into a cookie; ours have some hundred characters.
_MAX = 3000

_ALLOWED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._=-")


def carry(request: AuthRequest, purpose: str, token: str, url: str) -> Response:
    """
    Go on to *url* and carry the token along.

    Args:
        request: The request, whose address has the token.
        purpose: What the token is for; it is carried to no other page.
        token: Untrusted.
        url: The page with the form, without the token.
    """
    response = redirect_to(request, url)
    response.headers["Referrer-Policy"] = "no-referrer"
    # What is none of our tokens is carried nowhere; the page then says that the link is no good.
    good = len(token) <= _MAX and _ALLOWED.issuperset(token)
    _keep(request, f"{purpose}~{token}" if good else f"{purpose}~", MAX_AGE)
    return response


def carried(request: AuthRequest, purpose: str) -> str | None:
    """The token that was carried to this page; None without one."""
    kept = request.carried_token
    found, _, token = (kept or "").partition("~")
    return token if found == purpose and token else None


def put_down(request: AuthRequest) -> None:
    """Forget the token: it was used."""
    if request.carried_token is not None:
        _keep(request, "", 0)


def _keep(request: AuthRequest, value: str, max_age: int) -> None:
    cookies = request.root_app.cookies
    request.add_cookie(cookies.header(cookies.carried, value, max_age))
