"""The three questions of the code flow, asked by Authlib's OAuth 2 client over our own connections."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote_plus, urlencode

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.client import OAuth2Client

from onegov_auth.providers import Refused, Step
from onegov_auth_oidc.callback import Begun
from onegov_auth_oidc.claims import Claims
from onegov_auth_oidc.discovery import Metadata
from onegov_auth_oidc.errors import OIDCUnreachableError
from onegov_auth_oidc.http import Http
from onegov_auth_oidc.settings import OIDCSettings

__all__ = ["Tokens", "authorization_url", "exchange", "fetch_userinfo", "logout_url"]

#: Browsers and servers take addresses up to about eight kilobytes; a longer hint would break the logout.
MAX_HINT = 6000


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint gave; used at once and stored nowhere but for the logout (OAUTH-16)."""

    id_token: str = field(repr=False)
    access_token: str = field(repr=False)


def authorization_url(settings: OIDCSettings, begun: Begun, state: str, redirect_uri: str) -> str:
    """Where to send the browser: always code flow, always with state, nonce and PKCE S256 (RFC 9700 §2.1.1)."""
    more = {"acr_values": " ".join(settings.acr)} if settings.acr else {}
    url, _ = _client(settings, None, redirect_uri).create_authorization_url(
        begun.metadata.authorization_endpoint,
        state=state,
        code_verifier=begun.verifier,
        response_type="code",
        nonce=begun.nonce,
        **more,
    )
    return str(url)


def exchange(http: Http, settings: OIDCSettings, begun: Begun, code: str, redirect_uri: str) -> Tokens | Refused:
    """
    Exchange the code, once (RFC 6749 §4.1.3).

    Raises:
        OIDCUnreachableError: If the endpoint gives no answer that can be used, or does not know this client.
    """
    session = _Session(http)
    try:
        answer = _client(settings, session, redirect_uri).fetch_token(
            begun.metadata.token_endpoint,
            grant_type="authorization_code",
            code=code,
            code_verifier=begun.verifier,
        )
    except OAuth2Error as error:
        return _refusal(error.error)
    return _tokens(answer)


def fetch_userinfo(http: Http, metadata: Metadata, access_token: str) -> Claims:
    """
    What the UserInfo endpoint tells; the caller compares ``sub``.

    Raises:
        OIDCUnreachableError: If there is no such endpoint, or no answer.
    """
    if metadata.userinfo_endpoint is None:
        raise OIDCUnreachableError("userinfo", "the issuer has no UserInfo endpoint")
    answer = http.get(metadata.userinfo_endpoint, {"Authorization": f"Bearer {access_token}"})
    return answer.ok().json()


def logout_url(
    settings: OIDCSettings, metadata: Metadata, hint: str | None, back_to: str, state: str = ""
) -> str | None:
    """Where the session at the provider is ended (OpenID Connect RP-Initiated Logout §2); ``None`` = nowhere."""
    if metadata.end_session_endpoint is None:
        return None
    params = {"client_id": settings.client_id, "post_logout_redirect_uri": back_to}
    if hint is not None and len(hint) <= MAX_HINT:
        params["id_token_hint"] = hint
    if state:
        params["state"] = state
    separator = "&" if "?" in metadata.end_session_endpoint else "?"
    return f"{metadata.end_session_endpoint}{separator}{urlencode(params)}"


def _client(settings: OIDCSettings, session: _Session | None, redirect_uri: str) -> Any:
    client = OAuth2Client(
        session,
        client_id=settings.client_id,
        # Read at each use, so that a secret in a file can be replaced while the application runs.
        client_secret=settings.client_secret_text() if session is not None else None,
        token_endpoint_auth_method=settings.client_auth,
        scope=" ".join(settings.scope),
        redirect_uri=redirect_uri,
        code_challenge_method="S256",
    )
    client.register_client_auth_method(("client_secret_basic", _basic))
    return client


def _basic(client: Any, _method: str, uri: str, headers: dict[str, str], body: str) -> tuple[str, dict[str, str], str]:
    # RFC 6749 §2.3.1: both are form-encoded first; Authlib leaves that out, and fails beyond Latin-1.
    text = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
    headers["Authorization"] = f"Basic {base64.b64encode(text.encode('ascii')).decode('ascii')}"
    return uri, headers, body


@dataclass(frozen=True)
class _Answer:
    """An answer in the shape Authlib reads."""

    status_code: int
    content: Mapping[str, object]

    def json(self) -> dict[str, object]:
        # Authlib counts with the lifetimes, and stumbles over what is no number. They are not needed here.
        return {name: value for name, value in self.content.items() if name not in {"expires_at", "expires_in"}}


@dataclass(frozen=True)
class _Session:
    """What Authlib sends its requests by."""

    http: Http

    def post(self, url: str, data: Mapping[str, str], headers: Mapping[str, str], auth: Any) -> _Answer:
        # A copy: Authlib hands out one dictionary of headers to all clients of the process.
        uri, prepared, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        answer = self.http.post(uri, prepared, body)
        if answer.status == HTTPStatus.OK:
            return _Answer(answer.status, answer.json())
        # RFC 6749 §5.2: a refusal is a 400, or a 401 if the client is not known.
        if answer.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}:
            content = answer.json()
            if "error" in content:
                return _Answer(answer.status, content)
        raise OIDCUnreachableError("http_status", f"{answer.host} answered {answer.status}")


def _refusal(error: object) -> Refused:
    # Only the code itself was refused; everything else is between the two servers, and no fault of the person.
    if error == "invalid_grant":
        return Refused("invalid_grant", steps=(Step("token", "the code was not accepted"),))
    if error == "invalid_client":
        raise OIDCUnreachableError("invalid_client", "the token endpoint does not accept client_id and client_secret")
    raise OIDCUnreachableError("token_error", "the token endpoint refused the request")


def _tokens(answer: Mapping[str, object]) -> Tokens | Refused:
    access_token, token_type = answer.get("access_token"), answer.get("token_type")
    # RFC 6749 §7.1: the type is not case-sensitive, and a token of an unknown type must not be used.
    if not isinstance(token_type, str) or token_type.lower() != "bearer" or not _is_bearer(access_token):
        raise OIDCUnreachableError("token_response", "the token endpoint gave no bearer token")
    id_token = answer.get("id_token")
    if not isinstance(id_token, str) or not id_token:
        # The access token alone proves nothing of who is here (OIDCX-26, OAUTH-18).
        return Refused("missing_id_token", steps=(Step("token", "no id_token"),))
    return Tokens(id_token, str(access_token))


def _is_bearer(token: object) -> bool:
    # RFC 6749 A.12; it goes into a header line.
    return isinstance(token, str) and bool(token) and token.isascii() and token.isprintable() and " " not in token
