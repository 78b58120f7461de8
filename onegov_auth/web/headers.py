"""The outermost tween: security headers, cookies, and the end of the request's database session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from onegov_auth.web.hosts import own_origin

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.web.app import AuthApp
    from onegov_auth.web.request import AuthRequest

__all__ = ["OWN_PAGE", "headers_tween_factory", "own_page"]

Handler = Callable[[Any], "Response"]

#: No cache keeps what a logged-in person saw (ASVS 14.3.2).
NO_STORE = "no-store"

#: For our own pages: nothing but our own files runs or is loaded, and no other site frames them (ASVS 3.4.3 to 3.4.8).
#: ``same-origin`` and not ``no-referrer``: under the latter browsers post our forms with ``Origin: null``.
OWN_PAGE: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": NO_STORE,
}


def own_page(response: Response) -> Response:
    """Give *response* the headers of our own pages, unless it has its own."""
    framed = _says_who_frames_it(response)
    for name, value in OWN_PAGE.items():
        if not (framed and name == "X-Frame-Options"):
            response.headers.setdefault(name, value)
    return response


def _says_who_frames_it(response: Response) -> bool:
    """Then the older header, which knows no other site, would forbid what the policy allows (CSP 3 §6.4.2.2)."""
    return "frame-ancestors" in response.headers.get("Content-Security-Policy", "")


def headers_tween_factory(app: AuthApp, handler: Handler) -> Handler:
    """
    Complete every response, also those of tweens and exception views below.

    A header that is there already stays: a page knows better. Only ``page_headers`` of the application are added to
    the application's own pages; a stricter policy there would break them.
    """
    standard = tuple((name.lower(), (name, value)) for name, value in app.page_headers.items())

    def headers_tween(request: AuthRequest) -> Response:
        try:
            response = handler(request)
        finally:
            if "db" in request.__dict__:
                request.db.close()
        present = _complete(request, response)
        for name, header in standard:
            if name not in present:
                response.headerlist.append(header)
        return response

    return headers_tween


def _complete(request: AuthRequest, response: Response) -> set[str]:
    """What depends on the request; returns the names of the headers that are there, in lower case."""
    state = request.__dict__
    own = getattr(request.app, "own_pages", False)
    framed = own and _says_who_frames_it(response)
    if own:
        own_page(response)
    headers = response.headerlist
    present = {name.lower() for name, _ in headers}
    if framed:
        present.add("x-frame-options")
    if "location" in present:
        _complete_location(request, response)
    if "cache-control" not in present:
        identity = state.get("identity")
        if identity is not None and identity.userid is not None:
            headers.append(("Cache-Control", NO_STORE))
    if "flash" in state:
        _keep_messages(request)
    for cookie in state.get("new_cookies", ()):
        headers.append(("Set-Cookie", cookie))
    return present


def _complete_location(request: AuthRequest, response: Response) -> None:
    """A path becomes an address of ours here, before WebOb makes one of the Host header."""
    location = response.headers["Location"]
    if location.startswith("/") and not location.startswith("//"):
        response.headers["Location"] = own_origin(request) + location


def _keep_messages(request: AuthRequest) -> None:
    if not request.flash.changed:
        return
    cookies = request.root_app.cookies
    value = request.flash.packed()
    request.add_cookie(cookies.forget(cookies.flash) if value is None else cookies.header(cookies.flash, value, 300))
