"""The questions of the code flow, made by Authlib and asked over our own connections."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from urllib.parse import urlencode

from authlib.oauth2 import ClientAuth
from authlib.oauth2.client import OAuth2Client

from onegov_auth.providers import Refused, Step
from onegov_auth_oidc.callback import Begun
from onegov_auth_oidc.client_auth import Credentials
from onegov_auth_oidc.discovery import Metadata
from onegov_auth_oidc.errors import OIDCUnreachableError
from onegov_auth_oidc.http import Http, HttpAnswer
from onegov_auth_oidc.settings import OIDCSettings

__all__ = ["Tokens", "authorization_url", "exchange", "logout_url", "refresh", "revoke"]

#: Browsers and servers take addresses up to about eight kilobytes; a longer hint would break the logout.
MAX_HINT = 6000

#: A longer refresh token is not kept.
MAX_REFRESH = 8192

OFFLINE = "offline_access"


@dataclass(frozen=True, slots=True)
class Tokens:
    """
    What the token endpoint gave; used at once, and stored only as far as logout and re-check need it (OAUTH-16).

    Attributes:
        access_token: For the provider's own endpoints.
        id_token: The proof, if there is any.
        refresh_token: For the re-check, if there is any.
        scope: What was granted; empty if nobody said.
    """

    access_token: str = field(repr=False)
    id_token: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    scope: str = ""


def authorization_url(
    settings: OIDCSettings, begun: Begun, state: str, redirect_uri: str, hints: Mapping[str, str]
) -> str:
    """
    Where to send the browser: always code flow, always with state and PKCE S256 (RFC 9700 §2.1.1), and with a
    nonce where there is an ID token to repeat it.
    """
    client = OAuth2Client(
        None,
        client_id=settings.client_id,
        scope=" ".join(_scope(settings)),
        redirect_uri=redirect_uri,
        code_challenge_method="S256",
    )
    url, _ = client.create_authorization_url(
        begun.metadata.authorization_endpoint,
        state=state,
        code_verifier=begun.verifier,
        response_type="code",
        **{**_asked(settings, begun), **hints},
    )
    return str(url)


def _scope(settings: OIDCSettings) -> tuple[str, ...]:
    if settings.recheck is None or settings.special.offline is not None or OFFLINE in settings.scope:
        return settings.scope
    return (*settings.scope, OFFLINE)


def _asked(settings: OIDCSettings, begun: Begun) -> dict[str, str]:
    asked = {} if settings.special.oauth2 else {"nonce": begun.nonce}
    if settings.response_mode != "query":
        asked["response_mode"] = settings.response_mode
    acr = begun.acr or settings.acr
    if acr:
        asked["acr_values"] = " ".join(acr)
    wanted = _wanted(settings, acr)
    if wanted and begun.metadata.takes_claims:
        asked["claims"] = json.dumps({"id_token": wanted})
    if begun.max_age is not None:
        asked["max_age"] = str(int(begun.max_age.total_seconds()))
    if settings.recheck is not None and settings.special.offline is not None:
        asked.update(settings.special.offline)
    return asked


def _wanted(settings: OIDCSettings, acr: Sequence[str]) -> dict[str, object]:
    """
    The single claims that are asked for (OpenID Connect Core §5.5.1); the token is checked anyway.

    ``acr_values`` is a wish, an essential claim is a demand; and some providers name the methods only when asked to.
    """
    wanted: dict[str, object] = {"acr": {"essential": True, "values": list(acr)}} if acr else {}
    if settings.amr or settings.trust_amr:
        wanted["amr"] = {"essential": True} if settings.amr else None
    return wanted


def exchange(http: Http, credentials: Credentials, begun: Begun, code: str, redirect_uri: str) -> Tokens | Refused:
    """
    Exchange the code, once (RFC 6749 §4.1.3).

    Raises:
        OIDCUnreachableError: If the endpoint gives no answer that can be used, or does not know this client.
    """
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "code_verifier": begun.verifier,
        "redirect_uri": redirect_uri,
    }
    return _tokens(http, credentials, begun.metadata, form)


def refresh(http: Http, credentials: Credentials, metadata: Metadata, token: str) -> Tokens | Refused:
    """
    Use a refresh token (RFC 6749 §6); without a new one in the answer the old one goes on.

    Raises:
        OIDCUnreachableError: As :func:`exchange`.
    """
    form = {"grant_type": "refresh_token", "refresh_token": token}
    found = _tokens(http, credentials, metadata, form)
    return found if isinstance(found, Refused) or found.refresh_token else replace(found, refresh_token=token)


def revoke(http: Http, credentials: Credentials, metadata: Metadata, token: str) -> None:
    """
    Give a refresh token back, where that is possible (RFC 7009 §2.1); what is answered decides nothing.

    Raises:
        OIDCUnreachableError: If there is no answer.
    """
    if metadata.revocation_endpoint is not None:
        form = {"token": token, "token_type_hint": "refresh_token"}
        _post(http, credentials, metadata, metadata.revocation_endpoint, form)


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


def _post(http: Http, credentials: Credentials, metadata: Metadata, url: str, form: Mapping[str, str]) -> HttpAnswer:
    settings = credentials.settings
    # Read at each use, so that a secret in a file can be replaced while the application runs.
    auth = ClientAuth(settings.client_id, settings.client_secret_text(), credentials.method(metadata))
    headers = {"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"}
    return http.post(*auth.prepare("POST", url, headers, urlencode(form)))


def _tokens(http: Http, credentials: Credentials, metadata: Metadata, form: Mapping[str, str]) -> Tokens | Refused:
    answer = _post(http, credentials, metadata, metadata.token_endpoint, form)
    # RFC 6749 §5.2: a refusal is a 400, or a 401 if the client is not known.
    if answer.status not in {HTTPStatus.OK, HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}:
        raise OIDCUnreachableError("http_status", f"{answer.host} answered {answer.status}")
    content = answer.json()
    if "error" in content:
        # Whatever stands there: the answer is not known to be text.
        return _refusal(credentials.settings.special.errors.get(str(content["error"]), content["error"]))
    answer.ok()
    return _read(content)


def _refusal(error: object) -> Refused:
    # Only the code itself was refused; everything else is between the two servers, and no fault of the person.
    if error == "invalid_grant":
        return Refused("invalid_grant", steps=(Step("token", "the grant was not accepted"),))
    if error == "invalid_client":
        raise OIDCUnreachableError(
            "invalid_client", "the token endpoint does not accept this application's credentials"
        )
    raise OIDCUnreachableError("token_error", "the token endpoint refused the request")


def _read(answer: Mapping[str, object]) -> Tokens:
    access_token, token_type = answer.get("access_token"), answer.get("token_type")
    # RFC 6749 §7.1: the type is not case-sensitive, and a token of an unknown type must not be used.
    if not isinstance(token_type, str) or token_type.lower() != "bearer" or not _is_bearer(access_token):
        raise OIDCUnreachableError("token_response", "the token endpoint gave no bearer token")
    id_token, refresh_token, scope = (answer.get(name) for name in ("id_token", "refresh_token", "scope"))
    return Tokens(
        access_token=str(access_token),
        id_token=id_token if isinstance(id_token, str) and id_token else None,
        refresh_token=refresh_token if isinstance(refresh_token, str) and _is_refresh(refresh_token) else None,
        scope=scope if isinstance(scope, str) else "",
    )


def _is_refresh(token: str) -> bool:
    # RFC 6749 A.17: visible ASCII; half a character could be neither kept nor sent.
    return 0 < len(token) <= MAX_REFRESH and token.isascii() and token.isprintable()


def _is_bearer(token: object) -> bool:
    # RFC 6749 A.12; it goes into a header line.
    return isinstance(token, str) and bool(token) and token.isascii() and token.isprintable() and " " not in token
