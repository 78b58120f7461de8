"""What the provider, or the browser at its word, calls here: back-channel and front-channel logout, and a login."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from urllib.parse import urlsplit

from onegov_auth.providers import Answer, Callback, Client, Handler, ProviderSessions, Refused, Services, Start
from onegov_auth_oidc.errors import OIDCUnreachableError
from onegov_auth_oidc.http import TOTAL_SECONDS
from onegov_auth_oidc.jws import is_id
from onegov_auth_oidc.logout_token import MAX_AGE, LogoutToken, Wanted, read_logout_token
from onegov_auth_oidc.network import deadline
from onegov_auth_oidc.server import Server, server_of
from onegov_auth_oidc.settings import OIDCSettings
from onegov_auth_oidc.tenants import TENANT

__all__ = ["endpoints"]

log = logging.getLogger("onegov_auth.oidc")

#: OpenID Connect Back-Channel Logout §2.8.
NO_STORE = {"Cache-Control": "no-store"}

#: What a person types into a login form at most; RFC 5321 §4.5.3.1 ends addresses at 254 characters.
MAX_HINT = 254


def endpoints(name: str, settings: OIDCSettings, services: Services) -> Mapping[str, Handler]:
    """
    The extra endpoints below ``provider/{name}/``.

    Args:
        name: The provider's configured name.
        settings: Its block; what is switched off has no endpoint.
        services: Its services; without sessions there is nothing to end.
    """
    found: dict[str, Handler] = {"initiate": partial(_initiate, settings)}
    if services.sessions is not None and settings.logout.backchannel and not settings.special.oauth2:
        found["backchannel-logout"] = partial(_backchannel, name, settings, services, services.sessions)
    if services.sessions is not None and settings.logout.frontchannel:
        found["frontchannel-logout"] = partial(_frontchannel, settings, services.sessions)
    return found


def _initiate(settings: OIDCSettings, callback: Callback, _client: Client) -> Start | Refused:
    """
    Begin a login because somebody else asks for it (OpenID Connect Core §4).

    The issuer has to be the configured one, character by character: nobody is asked who an unknown one is (OIDCX-34).
    """
    if not _is_issuer(settings, callback.params.get("iss", "")):
        return Refused("unknown_issuer")
    hint = callback.params.get("login_hint", "")
    hints = {"login_hint": hint} if 0 < len(hint) <= MAX_HINT and hint.isprintable() else {}
    return Start(callback.params.get("target_link_uri", "/"), hints)


def _backchannel(
    name: str,
    settings: OIDCSettings,
    services: Services,
    sessions: ProviderSessions,
    callback: Callback,
    client: Client,
) -> Answer:
    """End sessions at the word of a logout token (OpenID Connect Back-Channel Logout §2.5 to §2.8)."""
    if callback.method != "POST":
        return Answer(HTTPStatus.METHOD_NOT_ALLOWED, headers={**NO_STORE, "Allow": "POST"})
    try:
        with deadline(TOTAL_SECONDS):
            token = _read(server_of(name, settings, services), settings, services, callback)
    except OIDCUnreachableError as error:
        log.warning("providers.%s: a logout token can't be checked: %s", name, error)
        return _json(HTTPStatus.SERVICE_UNAVAILABLE, "temporarily_unavailable", "the keys can't be fetched")
    ended = token if isinstance(token, Refused) else _end(settings, sessions, token, client)
    if isinstance(ended, Refused):
        # ASVS 16.3.3. The code names the rule; whoever reads the answer could have known it.
        log.warning("providers.%s: a logout token was refused: %s", name, ended.code)
        return _json(HTTPStatus.BAD_REQUEST, "invalid_request", ended.code)
    log.info("providers.%s: sessions ended by a logout token: %s", name, ended)
    return Answer(HTTPStatus.OK, headers=NO_STORE)


def _read(server: Server, settings: OIDCSettings, services: Services, callback: Callback) -> LogoutToken | Refused:
    given = callback.params.get("logout_token", "")
    if not given:
        return Refused("missing_logout_token")
    wanted = Wanted(
        issuer=settings.issuer,
        client_id=settings.client_id,
        alg=settings.id_token_alg,
        now=services.clock(),
        leeway=settings.leeway,
        drafts=settings.logout.draft_tokens,
    )
    return read_logout_token(given, server.logout_keys, server.discovery.current().jwks_uri, wanted)


def _end(settings: OIDCSettings, sessions: ProviderSessions, token: LogoutToken, client: Client) -> int | Refused:
    # A session knows the person by the mapped claim; what another claim says of them can't be compared with that.
    known_by_sub = settings.claims.id == "sub"
    if token.sid is None and not known_by_sub:
        return Refused("logout_token_without_sid")
    return sessions.end(
        client,
        provider_session=token.sid,
        source_id=token.sub if known_by_sub else None,
        once=token.jti,
        # Until it would be too old in any case.
        valid_for=MAX_AGE + 2 * settings.leeway,
    )


def _frontchannel(settings: OIDCSettings, sessions: ProviderSessions, callback: Callback, client: Client) -> Answer:
    """
    End the session that is named, in a frame of the provider's logout page (OpenID Connect Front-Channel Logout §3).

    Browsers send no Lax cookie into a frame, so that issuer and session id are the only word for it; the id is as hard
    to guess as the provider made it, and without both nothing is ended.
    """
    issuer, sid = callback.params.get("iss", ""), callback.params.get("sid", "")
    right = callback.method == "GET" and _is_issuer(settings, issuer) and is_id(sid)
    if right:
        sessions.end(client, provider_session=sid)
    parts = urlsplit(settings.issuer)
    headers = {
        **NO_STORE,
        # Nobody but the provider frames it.
        "Content-Security-Policy": f"default-src 'none'; frame-ancestors {parts.scheme}://{parts.netloc}",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    status = HTTPStatus.OK if right else HTTPStatus.BAD_REQUEST
    body = "<!doctype html><title>Logout</title>"
    return Answer(status, body, "text/html", headers)


def _is_issuer(settings: OIDCSettings, issuer: str) -> bool:
    """Whether that is the configured issuer, character by character; one that is shared has a tenant's id in it."""
    before, shared, after = settings.issuer.partition(TENANT)
    tenant = issuer.removeprefix(before).removesuffix(after) if shared else ""
    return settings.expected_issuer.is_named_by({"iss": issuer, "tid": tenant})


def _json(status: HTTPStatus, error: str, description: str) -> Answer:
    body = json.dumps({"error": error, "error_description": description})
    return Answer(status, body, "application/json", NO_STORE)
