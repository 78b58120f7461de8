"""
Tokens in the head of a request: ``Authorization: Bearer …`` (RFC 6750 §2.1), or the second seed's ``X-Auth-Token``.

Nowhere else: an address or a form ends up in logs and histories (RFC 6750 §2.2, §2.3, TOK-06). A request that has one
is that token's alone: no cookie counts, and no form needs a token of its own, since no other site can make a browser
send such a header.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import morepath
from webob.exc import HTTPUnauthorized

from onegov_auth.domain import Client
from onegov_auth.outcomes import Refused
from onegov_auth.web.clients import client_address

if TYPE_CHECKING:
    from onegov_auth.domain import Identity
    from onegov_auth.web.request import AuthRequest

__all__ = ["BearerRefused", "bearer_identity", "has_bearer"]

_AUTHORIZATION, _AUTH_TOKEN = "HTTP_AUTHORIZATION", "HTTP_X_AUTH_TOKEN"


class BearerRefused(HTTPUnauthorized):
    """
    Raised when a token was presented that is no good; its own text says nothing of it (TOK-08).

    Attributes:
        wait: The seconds to wait after too many of them.
    """

    def __init__(self, refused: Refused) -> None:
        super().__init__("The token is not good.")
        self.wait = refused.retry_after


def has_bearer(environ: Mapping[str, object]) -> bool:
    """Whether a token speaks for the request, good or not."""
    return _AUTH_TOKEN in environ or _scheme(environ)[0].lower() == "bearer"


def bearer_identity(request: AuthRequest) -> Identity:
    """
    Who comes by the token of the request.

    Raises:
        BearerRefused: If it is malformed, unknown, expired or revoked, or there are several.
    """
    # The page that says so asks as well, for the language.
    request.__dict__["identity"] = morepath.NO_IDENTITY
    auth = request.root_app.auth
    # Not the request's own, which asks who it is for.
    client = Client(
        address=client_address(request.environ, auth.settings.trusted_proxies),
        user_agent=request.user_agent,
        request_id=request.request_id,
    )
    found = auth.by_token(_token(request.environ), client)
    if isinstance(found, Refused):
        raise BearerRefused(found)
    return found


def _token(environ: Mapping[str, object]) -> str:
    """The one token; empty, which is nobody's, if there is none or another one beside it (RFC 6750 §2)."""
    scheme, token = _scheme(environ)
    other = environ.get(_AUTH_TOKEN)
    if other is None:
        return token
    return "" if scheme.lower() == "bearer" else str(other).strip()


def _scheme(environ: Mapping[str, object]) -> tuple[str, str]:
    scheme, _, rest = str(environ.get(_AUTHORIZATION, "")).strip().partition(" ")
    return scheme, rest.strip()
