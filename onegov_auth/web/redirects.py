"""Where to go next, and never to another site."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from markupsafe import escape
from webob import Response

from onegov_auth.web.hosts import own_origin

if TYPE_CHECKING:
    from onegov_auth.web.request import AuthRequest

__all__ = ["MAX_LENGTH", "is_web_address", "own_path", "redirect_to", "safe_path"]

#: A longer ``to`` is dropped: it travels in addresses and in the transaction table (REDIR-11).
MAX_LENGTH = 2000

# Browsers drop tabs and line ends inside an address and read a backslash as a slash (WHATWG URL §4.4), so
# anything that has them means something else to them than to us.
_SUSPICIOUS = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2000-\u200f\u2028-\u202f\u3000\ufeff\ud800-\udfff]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_HTTP = re.compile(r"https?://[^/?#]", re.IGNORECASE)
_KEEP = "/%:@!$&'()*+,;=~-._?#[]"


def safe_path(to: object, default: str = "/") -> str:
    """
    Reduce *to* to a path on this site.

    Scheme, user, host and port of an address are stripped, as the first seed did; what a browser might read
    as another site, as a script or as two headers becomes *default* (REDIR-01 to REDIR-11).

    Args:
        to: What somebody asked for; untrusted.
        default: A path of our own.

    Returns:
        An ASCII path with its query, beginning with exactly one slash.
    """
    if not isinstance(to, str) or not to or len(to) > MAX_LENGTH or _SUSPICIOUS.search(to):
        return default
    path = _without_origin(to)
    if path is None:
        return default
    if not path.startswith("/"):
        path = f"/{path}"
    # A proxy in front may decode once more before it routes, so the decoded path has to be harmless as well.
    decoded = unquote(path.partition("?")[0])
    if decoded.startswith(("//", "/\\")) or _CONTROL.search(decoded):
        return default
    return quote(path, safe=_KEEP)


def own_path(request: AuthRequest, address: str) -> str:
    """
    The path of an absolute *address* that somebody else names as ours; ``/`` if it is another site's.

    :func:`safe_path` would make a path of ours of another site's address; here that would be made up.
    """
    if address.startswith("/") and not address.startswith("//"):
        return safe_path(address)
    origins = {own_origin(request), request.root_app.origin}
    ours = any(address.lower() == origin or address.lower().startswith(f"{origin}/") for origin in origins)
    return safe_path(address) if ours else "/"


_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def _without_origin(to: str) -> str | None:
    """The path and all that follows; None for what has no path of a web site."""
    if to.startswith("//") or _HTTP.match(to):
        try:
            parts = urlsplit(to)
            # Reading the port checks it.
            _ = parts.port
        except ValueError:
            return None
        if not parts.hostname:
            return None
        path = parts.path or "/"
        path += f"?{parts.query}" if parts.query else ""
        return path + (f"#{parts.fragment}" if parts.fragment else "")
    if _SCHEME.match(to):
        return None
    return to


def is_web_address(url: str) -> bool:
    """Whether a browser may be sent there: ``https`` or ``http``, and nothing it could misread (REDIR-10)."""
    return bool(_HTTP.match(url)) and not _SUSPICIOUS.search(url)


def redirect_to(request: AuthRequest, to: str) -> Response:
    """
    A 303 to *to*, reduced to this site once more.

    The ``Location`` is always absolute and made from our own origin: WebOb completes a path with the Host
    header, which anybody can set, and its joining was bypassed twice (CVE-2024-42353, GHSA-fh3h-vg37-cc95).
    """
    location = own_origin(request) + safe_path(to)
    # The note and link of RFC 9110 §15.4.4; WebOb would make a larger one from templates.
    link = escape(location)
    note = f'<!doctype html><title>303</title><a href="{link}">{link}</a>'
    return Response(note, 303, content_type="text/html", charset="UTF-8", location=location)
