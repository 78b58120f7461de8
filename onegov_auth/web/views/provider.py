"""``/auth/provider/{name}`` and below."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from webob import Response

from onegov_auth.domain import Callback
from onegov_auth.i18n import _
from onegov_auth.outcomes import Redirect, Refused, Start, Unavailable
from onegov_auth.web.answers import after_callback, after_start, going
from onegov_auth.web.fields import all_fields, posted_fields, query_fields
from onegov_auth.web.hosts import own_origin
from onegov_auth.web.links import login_url, logout_url, provider_url
from onegov_auth.web.pages import AuthPages, Endpoint, ProviderCallback, ProviderLogout, ProviderStart
from onegov_auth.web.redirects import own_path, redirect_to, safe_path
from onegov_auth.web.refusals import problem
from onegov_auth.web.render import page
from onegov_auth.web.unasked import may_begin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onegov_auth.web.request import AuthRequest

__all__ = ["answer", "ask", "come_back", "end", "log_out", "start"]

#: Marks a form that went through our own page once.
_BOUNCED = "onegov_auth_bounced"

_REFUSED = (_("This did not work"), _("The request was refused."))
_UNAVAILABLE = (_("Please try again later"), _("The service can't be reached right now."))


@AuthPages.view(model=ProviderStart, request_method="HEAD")
@AuthPages.view(model=ProviderStart)
def ask(self: ProviderStart, request: AuthRequest) -> Response:
    """A page with the provider's button, for links and bookmarks."""
    return page(
        request,
        "start",
        button=self.provider.button,
        action=provider_url(request, self.provider.name),
        to=safe_path(query_fields(request).get("to")),
        csrf_token=request.csrf_token,
        login_url=login_url(request, local="1"),
    )


@AuthPages.view(model=ProviderStart, request_method="POST")
def start(self: ProviderStart, request: AuthRequest) -> Response:
    """Begin a login there."""
    request.assert_valid_csrf_token()
    fields = all_fields(request)
    to, remember = safe_path(fields.get("to")), bool(fields.get("remember"))
    outcome = request.root_app.auth.start(self.provider.name, request.client, to, remember=remember)
    return after_start(request, outcome, to=to)


@AuthPages.view(model=ProviderCallback)
@AuthPages.view(model=ProviderCallback, request_method="POST")
def come_back(self: ProviderCallback, request: AuthRequest) -> Response:
    """
    The browser is back. No CSRF token: ``state`` is one, bound to this browser (RFC 9700 §4.7.1).

    On a form posted by the provider's site the Lax cookie is absent, so that form goes through our own page first.
    What is no navigation, such as an image of another site, is refused before anything is asked or recorded.
    """
    if not request.is_navigation:
        return after_callback(request, Refused("no_browser"))
    posted = request.method == "POST"
    fields = posted_fields(request) if posted else query_fields(request)
    bounced = fields.pop(_BOUNCED, None)
    if posted and request.known_browser is None and bounced is None:
        response = page(
            request,
            "bounce",
            action=provider_url(request, self.provider.name, "/callback"),
            fields=fields,
            mark=_BOUNCED,
        )
    else:
        url = own_origin(request) + request.path
        callback = Callback(fields, request.method, url)
        outcome = request.root_app.auth.finish(self.provider.name, callback, request.known_client)
        response = after_callback(request, outcome)
        # Code and state are in the address of this page (RFC 9700 §4.2.4).
        response.headers["Referrer-Policy"] = "no-referrer"
    return response


@AuthPages.view(model=ProviderLogout, request_method="HEAD")
@AuthPages.view(model=ProviderLogout)
def end(self: ProviderLogout, request: AuthRequest) -> Response:
    """
    The browser is back from the provider's own logout, or wants to log out.

    Whether the state is right, another or missing: who was logged out is so, and nothing here changes that (OIDC-44).
    """
    to = request.root_app.auth.after_logout(self.provider.name, query_fields(request).get("state", ""))
    return redirect_to(request, logout_url(request) if to is None else to)


@AuthPages.view(model=ProviderLogout, request_method="POST")
def log_out(self: ProviderLogout, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """End the session here and there."""
    request.assert_valid_csrf_token()
    return request.auth.logout_to(all_fields(request).get("to"))


@AuthPages.view(model=Endpoint)
@AuthPages.view(model=Endpoint, request_method="POST")
def answer(self: Endpoint, request: AuthRequest) -> Response:
    """
    What a provider answers itself; each endpoint has a proof of its own, or changes nothing.

    Mostly other servers ask here: who has no value of a browser gets none.
    """
    fields = posted_fields(request) if request.method == "POST" else query_fields(request)
    result = self.handler(Callback(fields, request.method, own_origin(request) + request.path), request.known_client)
    if isinstance(result, Start):
        return _begin(self.provider.name, result, fields, request)
    if isinstance(result, Redirect):
        return going(request, result.url)
    if isinstance(result, Refused):
        return problem(request, 400, result.code, *_REFUSED)
    if isinstance(result, Unavailable):
        return problem(request, 503, result.code, *_UNAVAILABLE)
    response = Response(result.body, status=result.status, content_type=result.content_type, charset="utf-8")
    for name, value in result.headers.items():
        response.headers[name] = value
    return response


def _begin(name: str, asked: Start, fields: Mapping[str, str], request: AuthRequest) -> Response:
    """Somebody else sent the person here to log in (OpenID Connect Core §4)."""
    to = own_path(request, asked.to)
    if request.method == "POST":
        # A form of another site brings no Lax cookie; a new value in its place would end what this browser is at.
        return redirect_to(request, f"{request.path}?{urlencode(fields)}")
    if not may_begin(request):
        # A site may send people here, and they say themselves that they want in.
        return redirect_to(request, f"{provider_url(request, name)}?{urlencode({'to': to})}")
    outcome = request.root_app.auth.start(name, request.client, to, hints=asked.hints)
    return after_start(request, outcome, to=to)
