"""The steps of ``onegov-auth check`` for an OpenID provider."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from onegov_auth.providers import Check, CheckState, Refused
from onegov_auth_oidc.claims import read_person
from onegov_auth_oidc.discovery import Metadata, fetch_document, read_metadata, written_metadata
from onegov_auth_oidc.errors import OIDCUnreachableError
from onegov_auth_oidc.keys import ALGORITHMS, read_keys
from onegov_auth_oidc.server import Server
from onegov_auth_oidc.settings import OIDCSettings

__all__ = ["examine", "examine_claims"]

HINTS = {
    "address": "the issuer names an address that is further inside the network than itself",
    "dns": "check the issuer's host name and this machine's name server",
    "garbage": "there is no OpenID provider at this address",
    "http_status": "there is no OpenID provider at this address",
    "issuer_mismatch": "write the issuer exactly as the provider does, including a slash at the end",
    "metadata": "every address the provider names has to begin with https://",
    "timeout": "check the firewall between this machine and the provider",
    "tls": "check the provider's certificate and this machine's certificate authorities",
    "unreachable": "check the firewall between this machine and the provider, and that it is running",
}

#: Key of the metadata, what has to be in it, what it stands for if it is left out (Discovery §3), and the setting.
SUPPORTED = (
    ("id_token_signing_alg_values_supported", "id_token_alg", ()),
    ("token_endpoint_auth_methods_supported", "client_auth", ("client_secret_basic",)),
)


def examine(server: Server, settings: OIDCSettings, callback_url: str) -> Iterator[Check]:
    """The provider's answers one after the other, past the cache; nobody is logged in."""
    began = time.perf_counter()
    written = written_metadata(settings)
    if written is not None:
        yield Check("discovery", CheckState.SKIPPED, "the addresses are in the settings")
        if not settings.special.oauth2:
            yield _keys(server, settings, written)
            yield from _logout(settings, written)
        yield Check(
            "redirect URI", CheckState.OK, callback_url, hint="register it with the provider, exactly like this"
        )
        return
    try:
        document = fetch_document(server.http, settings)
        metadata = read_metadata(document.content, settings)
    except OIDCUnreachableError as error:
        yield _failed("discovery", error, began)
        yield Check("keys", CheckState.SKIPPED, "the metadata is missing")
    else:
        yield Check("discovery", CheckState.OK, document.url, seconds=time.perf_counter() - began)
        yield from _supported(document.content, settings)
        yield _keys(server, settings, metadata)
        yield from _logout(settings, metadata)
    yield Check("redirect URI", CheckState.OK, callback_url, hint="register it with the provider, exactly like this")


def examine_claims(settings: OIDCSettings, claims: Mapping[str, object]) -> Iterator[Check]:
    """What would be read from these *claims*."""
    person = read_person(settings, (claims,))
    if isinstance(person, Refused):
        path = person.steps[0].detail
        yield Check("claims", CheckState.FAILED, f"{person.code}: {path}", hint="change claims, or what is released")
        return
    yield Check("claims", CheckState.OK, f"id {person.id}, username {person.username}, e-mail {person.email}")
    if person.groups is None:
        yield Check("groups", CheckState.WARNING, f"there is no claim {' or '.join(settings.claims.groups)}")
    else:
        yield Check("groups", CheckState.OK, ", ".join(sorted(person.groups)) or "none")


def _failed(name: str, error: OIDCUnreachableError, began: float) -> Check:
    hint = HINTS.get(error.reason, "")
    return Check(name, CheckState.FAILED, str(error), hint=hint, seconds=time.perf_counter() - began)


def _supported(document: Mapping[str, object], settings: OIDCSettings) -> Iterator[Check]:
    for key, setting, default in SUPPORTED:
        offered, wanted = document.get(key, default), getattr(settings, setting)
        # Public clients are told apart by having no secret; few providers list that.
        if wanted == "none" or (isinstance(offered, list | tuple) and wanted in offered):
            yield Check(setting, CheckState.OK, wanted)
        else:
            yield Check(setting, CheckState.WARNING, f"{wanted} is not among {key}", hint=f"change {setting}")
    methods = document.get("code_challenge_methods_supported")
    if isinstance(methods, list) and "S256" in methods:
        yield Check("PKCE", CheckState.OK, "S256")
    else:
        yield Check("PKCE", CheckState.WARNING, "S256 is not announced; it is sent all the same")


def _keys(server: Server, settings: OIDCSettings, metadata: Metadata) -> Check:
    began = time.perf_counter()
    try:
        document = server.http.get(metadata.jwks_uri).ok().json()
    except OIDCUnreachableError as error:
        return _failed("keys", error, began)
    count = len(read_keys(document, ALGORITHMS[settings.id_token_alg]))
    if not count:
        hint = "change id_token_alg to what the provider signs with"
        return Check("keys", CheckState.FAILED, f"none is for {settings.id_token_alg}", hint=hint)
    found = f"{count} for {settings.id_token_alg}"
    return Check("keys", CheckState.OK, found, seconds=time.perf_counter() - began)


def _logout(settings: OIDCSettings, metadata: Metadata) -> Iterator[Check]:
    if settings.logout.rp_initiated:
        state = CheckState.OK if metadata.end_session_endpoint else CheckState.WARNING
        yield Check("logout", state, metadata.end_session_endpoint or "the provider has no end_session_endpoint")
    if settings.logout.backchannel:
        yield Check("back-channel logout", CheckState.SKIPPED, "comes with a later version of onegov-auth-oidc")
