"""
``/auth/token``, ``/auth/token/revoke`` and ``/auth/jwks.json``: API clients that log people in without a page.

Answers are JSON. Every refusal is one and the same 401; what a person has to do in a browser first is a 403.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import morepath
from webob import Response

from onegov_auth.api_clients import TokenOutcome, TokenPair
from onegov_auth.domain import Client
from onegov_auth.i18n import _
from onegov_auth.outcomes import EnrolmentRequired, FactorRequired, Refused, StepRequired, Unavailable
from onegov_auth.web.clients import client_address
from onegov_auth.web.csrf import assert_own_origin
from onegov_auth.web.fields import api_fields
from onegov_auth.web.own_pages import reading
from onegov_auth.web.pages import AuthPages
from onegov_auth.web.refusals import api_problem

if TYPE_CHECKING:
    from onegov_auth.domain import Identity
    from onegov_auth.web.request import AuthRequest

__all__ = ["KeySet", "Token", "TokenRevocation", "issue", "keys", "revoke"]

#: Seconds that others may keep the keys; a new one is met by its name before that.
KEEP_KEYS = 300

#: Bytes of a scope: what has more fits into no head of a request.
MAX_SCOPE = 2000

_REFUSED = _("This did not work. Please log in again.")
_SCOPE = _("This is no scope.")
_WAIT = _("There were too many attempts. Please try again later.")
_FACTOR = _("A second factor is needed.")
_BROWSER = _("Please log in with a browser first: something has to be done there.")
_UNAVAILABLE = _("Nobody can be asked right now. Please try again later.")


class Token:
    """``token``: log in, answer a second factor, or get the next pair of tokens."""


class TokenRevocation:
    """``token/revoke``: log out."""


class KeySet:
    """``jwks.json``: the public keys of access tokens (RFC 7517 §5)."""


@AuthPages.path(path="token", model=Token)
def _token(app: AuthPages) -> Token | None:
    return Token() if app.auth.settings.tokens.jwt.enabled else None


@AuthPages.path(path="token/revoke", model=TokenRevocation)
def _token_revocation(app: AuthPages) -> TokenRevocation | None:
    return TokenRevocation() if app.auth.settings.tokens.jwt.enabled else None


@AuthPages.path(path="jwks.json", model=KeySet)
def _key_set(app: AuthPages) -> KeySet | None:
    return KeySet() if app.auth.settings.tokens.jwt.enabled else None


@AuthPages.view(model=Token, request_method="POST")
def issue(self: Token, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """
    Give out tokens.

    The fields say for what: ``refresh_token``; ``username`` and ``password``, with a ``code`` where there is one;
    ``transaction`` with ``code`` and ``factor``; or none for whoever has a session, with a form's token. ``scope``
    narrows what the tokens are good for, to permissions with blanks between.
    """
    fields = api_fields(request)
    scope = fields.get("scope", "")
    # A scope is written down as it is, and not every database takes every character.
    if not scope.isprintable() or len(scope.encode()) > MAX_SCOPE:
        # RFC 6749 §5.2
        return api_problem(request, 400, "invalid_scope", _SCOPE)
    if "refresh_token" in fields:
        assert_own_origin(request)
        return _answer(request, request.root_app.auth.token_refresh(fields["refresh_token"], _client(request)))
    if "username" in fields or "transaction" in fields:
        # A page of another site must not try passwords in its visitors' browsers.
        assert_own_origin(request)
        return _log_in(request, fields)
    request.assert_valid_csrf_token()
    identity = request.identity
    if identity is morepath.NO_IDENTITY:
        return _answer(request, Refused("unknown_session"))
    auth = request.root_app.auth
    return _answer(request, auth.token_session(cast("Identity", identity), _scope(fields)))


@AuthPages.view(model=TokenRevocation, request_method="POST")
def revoke(self: TokenRevocation, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """End the session of a ``refresh_token``; the answer is the same for one that is none (RFC 7009 §2.2)."""
    assert_own_origin(request)
    request.root_app.auth.token_revoke(api_fields(request).get("refresh_token", ""), _client(request))
    return Response(json_body={}, cache_control="no-store")


@reading(KeySet)
def keys(self: KeySet, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """The public keys; there is nothing in them that nobody may know."""
    body = {"keys": request.root_app.auth.signing_keys.published()}
    response = Response(json_body=body, content_type="application/jwk-set+json")
    response.headers["Cache-Control"] = f"public, max-age={KEEP_KEYS}"
    return response


def _log_in(request: AuthRequest, fields: Mapping[str, str]) -> Response:
    auth, scope, code = request.root_app.auth, _scope(fields), fields.get("code") or None
    if "transaction" in fields:
        # The login that waits is bound to a value that this client alone was told, as it would be to a cookie.
        browser, _dot, transaction = fields["transaction"].partition(".")
        client = _client(request, browser)
        outcome = auth.token_factor(transaction, fields.get("factor"), code, client, scope=scope)
    else:
        browser = secrets.token_urlsafe(32)
        client = _client(request, browser)
        outcome = auth.token_login(fields["username"], fields.get("password", ""), client, code=code, scope=scope)
    return _answer(request, outcome, browser)


def _client(request: AuthRequest, browser: str | None = None) -> Client:
    """Not the request's own: no cookie has anything to do with this."""
    return Client(
        address=client_address(request.environ, request.root_app.auth.settings.trusted_proxies),
        user_agent=request.user_agent,
        request_id=request.request_id,
        browser=browser,
    )


def _scope(fields: Mapping[str, str]) -> frozenset[str] | None:
    return frozenset(fields["scope"].split()) if "scope" in fields else None


def _answer(request: AuthRequest, outcome: TokenOutcome, browser: str = "") -> Response:
    if isinstance(outcome, TokenPair):
        body: dict[str, Any] = {"access_token": outcome.access, "token_type": "Bearer", "expires_in": outcome.seconds}
        body["refresh_token"] = outcome.refresh
        if outcome.scope is not None:
            body["scope"] = " ".join(outcome.scope)
        # RFC 6749 §5.1
        return Response(json_body=body, headers={"Cache-Control": "no-store", "Content-Type": "application/json"})
    if isinstance(outcome, FactorRequired):
        more = {"transaction": f"{browser}.{outcome.transaction.id}", "factors": list(outcome.factors)}
        return api_problem(request, 401, "factor_required", _FACTOR, **more)
    if isinstance(outcome, EnrolmentRequired | StepRequired):
        return api_problem(request, 403, "browser_required", _BROWSER)
    if isinstance(outcome, Unavailable):
        return api_problem(request, 503, "unavailable", _UNAVAILABLE)
    wait = outcome.retry_after if isinstance(outcome, Refused) else None
    if wait is not None:
        response = api_problem(request, 429, "too_many_attempts", _WAIT)
        response.headers["Retry-After"] = str(wait)
        return response
    return api_problem(request, 401, "invalid_grant", _REFUSED)
