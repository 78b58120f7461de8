"""Changes that ask for a fresh login, on any page of the site (ASVS 7.5.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onegov_auth.web.account_page import identity_of
from onegov_auth.web.links import page_url
from onegov_auth.web.redirects import redirect_to, safe_path

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.web.request import AuthRequest

__all__ = ["prove_again"]


def prove_again(request: AuthRequest, to: str) -> Response | None:
    """
    The way to the page that asks who one is, if the login is too old for what comes next; None if it is fresh.

    Args:
        request: The request of somebody who is logged in.
        to: The path to come back to.
    """
    if request.root_app.auth.is_fresh(identity_of(request)):
        return None
    return redirect_to(request, page_url(request, "account/confirm", to=safe_path(to)))
