"""Whether a person is still there, asked with the refresh token of their session (OpenID Connect Core §12)."""

from __future__ import annotations

from onegov_auth.providers import Rechecked, Refused, SessionInfo, Step
from onegov_auth_oidc.discovery import Metadata
from onegov_auth_oidc.flow import Tokens, refresh
from onegov_auth_oidc.id_token import Expected, VerifiedClaims, verify
from onegov_auth_oidc.jws import same
from onegov_auth_oidc.server import Server
from onegov_auth_oidc.texts import look_up
from onegov_auth_oidc.userinfo import fetch_userinfo

__all__ = ["recheck"]


def recheck(server: Server, token: str, session: SessionInfo) -> Rechecked | Refused:
    """
    Use the refresh *token* of *session*.

    A new ID token has to be of the same issuer and person (§12.2, OIDC-41, OIDC-42, AUTHLIB-12), and is checked as at
    a login but for the nonce. Providers may leave it out; that the refresh token still works is then all they say.

    Raises:
        OIDCUnreachableError: If the provider can't be asked.
    """
    metadata = server.discovery.current()
    tokens = refresh(server.http, server.credentials, metadata, token)
    if isinstance(tokens, Refused):
        return tokens
    if tokens.id_token is not None:
        claims = _verified(server, tokens, tokens.id_token, metadata.jwks_uri)
        fault = claims if isinstance(claims, Refused) else _fault(server, metadata, tokens, claims, session)
        if fault is not None:
            return fault
    return Rechecked(tokens.refresh_token or token, id_token=tokens.id_token)


def _verified(server: Server, tokens: Tokens, id_token: str, jwks_uri: str) -> VerifiedClaims | Refused:
    settings = server.credentials.settings
    expected = Expected(
        issuer=settings.expected_issuer,
        client_id=settings.client_id,
        nonce=None,
        alg=settings.id_token_alg,
        now=server.credentials.clock(),
        leeway=settings.leeway,
        access_token=tokens.access_token,
    )
    return verify(id_token, server.keys, jwks_uri, expected)


def _fault(
    server: Server, metadata: Metadata, tokens: Tokens, claims: VerifiedClaims, session: SessionInfo
) -> Refused | None:
    if session.issuer is not None and claims.get("iss") != session.issuer:
        return Refused("recheck_other_issuer", steps=(Step("recheck", "of another issuer"),))
    key = _key(server, metadata, tokens, claims)
    if isinstance(key, Refused):
        return key
    if session.source_id is None or not same(key, session.source_id):
        return Refused("recheck_other_person", steps=(Step("recheck", "of somebody else"),))
    return None


def _key(server: Server, metadata: Metadata, tokens: Tokens, claims: VerifiedClaims) -> object | Refused:
    """Who it is; the key may be another claim than ``sub``, which is told where it was at the login."""
    settings = server.credentials.settings
    key = look_up(claims, settings.claims.id)
    if key is not None or settings.userinfo == "never" or metadata.userinfo_endpoint is None:
        return key
    told = fetch_userinfo(server, metadata, tokens.access_token, claims)
    return told if isinstance(told, Refused) else look_up(told, settings.claims.id)
