"""Addresses of our own pages: paths without a host, found through the mount, so that ``auth_path`` counts."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from onegov_auth.web.static import VERSIONS

if TYPE_CHECKING:
    from onegov_auth.web.request import AuthRequest

__all__ = ["home_url", "login_url", "logout_url", "look_url", "page_url", "provider_url", "static_url"]


def page_url(request: AuthRequest, path: str, **query: str | None) -> str:
    """
    The path of one of our pages.

    Args:
        request: The request; its ``SCRIPT_NAME`` is part of the path.
        path: Below the mount point, such as ``"login"``.
        query: What to add; None is left out.
    """
    given = {name: value for name, value in query.items() if value is not None}
    address = f"{quote(request.script_name)}/{request.root_app.auth_path}/{path}"
    return f"{address}?{urlencode(given)}" if given else address


def home_url(request: AuthRequest) -> str:
    """The path of the site's front page."""
    return f"{quote(request.script_name)}/"


def login_url(request: AuthRequest, to: str | None = None, **query: str | None) -> str:
    """The path of the login page, from which somebody comes back to *to*."""
    return page_url(request, "login", to=None if to == "/" else to, **query)


def logout_url(request: AuthRequest) -> str:
    """The path of the logout page."""
    return page_url(request, "logout")


def provider_url(request: AuthRequest, name: str, suffix: str = "") -> str:
    """The path of a provider's page."""
    return page_url(request, f"provider/{quote(name, safe='')}{suffix}")


def static_url(request: AuthRequest, name: str) -> str:
    """The path of a file of ours; its version makes a browser fetch a new one at once."""
    return page_url(request, f"static/{name}", v=VERSIONS[name])


def look_url(request: AuthRequest) -> str | None:
    """The path of the style sheet of the settings' colours; None where there is none."""
    sheet = request.root_app.look
    return None if sheet is None else page_url(request, f"static/{sheet.name}", v=sheet.version)
