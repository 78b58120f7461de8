"""Puts the auto-login script on the pages of people who are not logged in, where a provider can log them in unasked."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from markupsafe import escape

from onegov_auth.providers import RequestProvider
from onegov_auth.web.links import home_url, login_url, provider_url, static_url

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.web.app import AuthApp
    from onegov_auth.web.request import AuthRequest

__all__ = ["autologin_tween_factory"]

Handler = Callable[[Any], "Response"]

_BOT = re.compile(r"bot|crawl|spider|slurp|preview|monitor|curl|wget|python-requests", re.IGNORECASE)


def autologin_tween_factory(app: AuthApp, handler: Handler) -> Handler:
    """Without an auto-login provider there is no tween, and no page pays for it."""
    if not isinstance(app.auto_login_provider, RequestProvider):
        # A redirect provider can't be asked by a script: its own cookies are absent in what is no page of a window.
        return handler

    def autologin_tween(request: AuthRequest) -> Response:
        response = handler(request)
        if _is_wanted(request, response):
            script = (
                f'<script src="{escape(static_url(request, "auto-login.js"))}" defer'
                f' data-url="{escape(provider_url(request, "auto"))}" data-login="{escape(login_url(request))}"'
                f' data-home="{escape(home_url(request))}"></script></head>'
            )
            response.text = response.text.replace("</head>", script, 1)
        return response

    return autologin_tween


def _is_wanted(request: AuthRequest, response: Response) -> bool:
    return (
        response.content_type == "text/html"
        and bool(response.charset)
        and "</head>" in response.text
        and not request.is_logged_in
        and not _BOT.search(request.user_agent or "bot")
    )
