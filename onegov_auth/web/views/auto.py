"""``/auth/provider/auto``: the auto-login script asks whether the browser can prove by itself who it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webob import Response

from onegov_auth.outcomes import LoggedIn, Redirect
from onegov_auth.providers import RedirectProvider
from onegov_auth.web.answers import complete_login, going
from onegov_auth.web.csrf import assert_own_origin
from onegov_auth.web.pages import AuthPages, AutoLogin
from onegov_auth.web.redirects import safe_path
from onegov_auth.web.unasked import SILENTLY, has_left, may_begin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onegov_auth.web.request import AuthRequest

__all__ = ["log_in"]


@AuthPages.view(model=AutoLogin)
def log_in(self: AutoLogin, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """
    200 and a session if it can; 401 if it can't, or if there is no such provider.

    A redirect provider is gone to and asked in silence, with a page in a window only; who would have to be asked
    something comes back to the login page.
    """
    provider = request.root_app.auto_login_provider
    if isinstance(provider, RedirectProvider):
        return _go_silently(provider.name, request)
    assert_own_origin(request)
    if provider is None:
        return _answer(401)
    headers = {name.lower(): value for name, value in request.headers.items()}
    to = safe_path(request.GET.get("to"))
    outcome, proof = request.root_app.auth.authenticate_request(provider.name, headers, request.client, to)
    if not isinstance(outcome, LoggedIn):
        return _answer(401, proof)
    response = _answer(200, proof)
    for cookie in complete_login(request, outcome).headers.getall("Set-Cookie"):
        response.headers.add("Set-Cookie", cookie)
    return response


def _go_silently(name: str, request: AuthRequest) -> Response:
    if not may_begin(request) or has_left(request):
        return _answer(401)
    to = safe_path(request.GET.get("to"))
    outcome = request.root_app.auth.start(name, request.client, to, hints=SILENTLY)
    return going(request, outcome.url) if isinstance(outcome, Redirect) else _answer(401)


def _answer(status: int, headers: Mapping[str, str] | None = None) -> Response:
    response = Response("", status=status, content_type="text/plain")
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response
