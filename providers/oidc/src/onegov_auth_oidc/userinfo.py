"""The UserInfo endpoint (OpenID Connect Core §5.3): more about a person whom an ID token already proved."""

from __future__ import annotations

from urllib.parse import urlencode

from onegov_auth.providers import Refused, Step
from onegov_auth_oidc.claims import Claims
from onegov_auth_oidc.discovery import Metadata
from onegov_auth_oidc.errors import OIDCUnreachableError
from onegov_auth_oidc.http import HttpAnswer
from onegov_auth_oidc.id_token import VerifiedClaims
from onegov_auth_oidc.jws import open_signed, same
from onegov_auth_oidc.keys import ALGORITHMS
from onegov_auth_oidc.server import Server

__all__ = ["fetch_userinfo"]

JWT_TYPE = "application/jwt"


def fetch_userinfo(server: Server, metadata: Metadata, access_token: str, claims: VerifiedClaims) -> Claims | Refused:
    """
    What the UserInfo endpoint tells of the person of *claims*, who are those of the ID token.

    Raises:
        OIDCUnreachableError: If there is no such endpoint, or no answer.
    """
    if metadata.userinfo_endpoint is None:
        raise OIDCUnreachableError("userinfo", "the issuer has no UserInfo endpoint")
    answer = _ask(server, metadata.userinfo_endpoint, access_token).ok()
    if answer.content_type == JWT_TYPE:
        told = _open(server, metadata, answer.body, claims)
        if isinstance(told, Refused):
            return told
    else:
        told = answer.json()
    # §5.3.2: without this somebody else's access token would bring their claims.
    if not same(told.get("sub"), str(claims["sub"])):
        return _refused("sub", "of somebody else")
    return told


def _ask(server: Server, url: str, access_token: str) -> HttpAnswer:
    headers = {"Accept": f"application/json, {JWT_TYPE}"}
    if server.credentials.settings.userinfo_token == "header":
        return server.http.get(url, {**headers, "Authorization": f"Bearer {access_token}"})
    # RFC 6750 §2.2: as a form, and then in no other place.
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    return server.http.post(url, headers, urlencode({"access_token": access_token}))


def _open(server: Server, metadata: Metadata, body: bytes, claims: VerifiedClaims) -> Claims | Refused:
    """§5.3.2: a signed answer names the issuer, and is for this application."""
    settings = server.credentials.settings
    token = body.decode("ascii", "replace").strip()
    opened = open_signed(token, server.keys, metadata.jwks_uri, ALGORITHMS[settings.id_token_alg])
    if isinstance(opened, str):
        return _refused(opened, opened)
    audience = opened.claims.get("aud")
    if opened.claims.get("iss") != claims["iss"]:
        return _refused("iss", "of another issuer")
    if settings.client_id not in (audience if isinstance(audience, list) else [audience]):
        return _refused("aud", "for somebody else")
    return opened.claims


def _refused(rule: str, detail: str) -> Refused:
    return Refused(f"invalid_userinfo_{rule}", steps=(Step("userinfo", detail),))
