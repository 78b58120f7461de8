"""What the tests of this adapter share: a provider that deviates, and a login at it."""

from __future__ import annotations

import json
import secrets
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from onegov_auth.providers import (
    Callback,
    Redirect,
    Refused,
    Resources,
    Services,
    Transaction,
    Unavailable,
    VerifiedIdentity,
)
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.servers.certificates import Authority
from onegov_auth.testing.servers.hostile_http import Call, HostileServer, Reply
from onegov_auth.testing.servers.hostile_oidc import HostileOidcProvider
from onegov_auth_oidc import OIDCProvider, OIDCSettings

CALLBACK = "https://app.example.org/auth/provider/company/callback"


@pytest.fixture(name="op")
def _op(clock: FakeClock) -> Iterator[HostileOidcProvider]:
    """An OpenID provider that does everything right until it is told otherwise."""
    op = HostileOidcProvider(clock)
    yield op
    op.close()


class Friendly(HostileServer):
    """Says "ok" to everything."""

    def right(self, call: Call) -> Reply:
        """Say so."""
        return Reply(200, [b"ok"])


@pytest.fixture(name="tls_server")
def _tls_server() -> Iterator[Callable[[Authority, str], int]]:
    """Call it with who vouches and for which name: the port of a server on this machine that says "ok"."""
    servers: list[Friendly] = []

    def start(authority: Authority, name: str) -> int:
        issued = authority.issue(name)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(issued.certificate, issued.key)
        servers.append(Friendly(tls=context))
        return urlsplit(servers[-1].address).port or 0

    yield start
    for server in servers:
        server.close()


@pytest.fixture(name="services")
def _services(clock: FakeClock) -> Iterator[Services]:
    """What a provider is handed."""
    services = Services(resources=Resources(), clock=clock, callback_url=CALLBACK)
    yield services
    services.resources.clear()


@pytest.fixture(name="make")
def _make(op: HostileOidcProvider, services: Services) -> Callable[..., OIDCProvider]:
    """Makes a relying party of ``op``; the arguments change its block."""

    def make(**block: Any) -> OIDCProvider:
        right = {"kind": "oidc", "issuer": op.issuer, "client_id": op.client_id, "client_secret": op.client_secret}
        return OIDCProvider.create("company", OIDCSettings.model_validate({**right, **block}), services)

    return make


@pytest.fixture(name="begin")
def _begin(clock: FakeClock) -> Callable[[OIDCProvider], tuple[Redirect, Transaction]]:
    """Begins a login as ``Auth`` does: what is remembered goes through JSON."""

    def begin(provider: OIDCProvider) -> tuple[Redirect, Transaction]:
        state, expires = secrets.token_urlsafe(32), clock() + timedelta(minutes=10)
        pending = Transaction(state, "redirect", provider.name, "/", {}, expires)
        redirect = provider.start(pending)
        assert isinstance(redirect, Redirect), redirect
        return redirect, replace(pending, data=json.loads(json.dumps(dict(redirect.remember))))

    return begin


@pytest.fixture(name="log_in")
def _log_in(
    op: HostileOidcProvider, begin: Callable[[OIDCProvider], tuple[Redirect, Transaction]]
) -> Callable[..., VerifiedIdentity | Refused | Unavailable]:
    """A whole login; the arguments change the callback's parameters, ``None`` leaves one out."""

    def log_in(provider: OIDCProvider, **changes: str | None) -> VerifiedIdentity | Refused | Unavailable:
        redirect, transaction = begin(provider)
        params: Mapping[str, str | None] = {**op.authorize(redirect.url), **changes}
        brought = {name: value for name, value in params.items() if value is not None}
        return provider.finish(Callback(brought, url=CALLBACK), transaction)

    return log_in
