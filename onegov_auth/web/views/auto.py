"""``/auth/provider/auto``: the auto-login script asks whether the browser can prove by itself who it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webob import Response

from onegov_auth.outcomes import LoggedIn
from onegov_auth.web.answers import complete_login
from onegov_auth.web.csrf import assert_own_origin
from onegov_auth.web.pages import AuthPages, AutoLogin
from onegov_auth.web.redirects import safe_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onegov_auth.web.request import AuthRequest

__all__ = ["log_in"]


@AuthPages.view(model=AutoLogin)
def log_in(self: AutoLogin, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """200 and a session if it can; 401 if it can't, or if there is no such provider."""
    assert_own_origin(request)
    provider = request.root_app.auto_login_provider
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


def _answer(status: int, headers: Mapping[str, str] | None = None) -> Response:
    response = Response("", status=status, content_type="text/plain")
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response
