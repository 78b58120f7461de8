"""Whatever is asked of a provider has an end: each of these questions meets one that is over already."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from onegov_auth.providers import Callback, Client, Redirect, Services, SessionInfo, Transaction, Unavailable
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.servers.hostile_oidc import HostileOidcProvider
from onegov_auth_oidc import OIDCProvider

Make = Callable[..., OIDCProvider]


@pytest.fixture(name="provider")
def _provider(op: HostileOidcProvider, make: Make) -> OIDCProvider:
    """A relying party that knows nothing of its provider yet."""
    op.refresh_token = "first"
    return make(recheck="1h")


@pytest.fixture(name="session")
def _session(op: HostileOidcProvider, clock: FakeClock) -> SessionInfo:
    """A session of the person the provider tells of."""
    now = clock()
    person = op.person["sub"]
    return SessionInfo(uuid4(), uuid4(), "company", person, now, now, now + timedelta(hours=8), issuer=op.issuer)


@pytest.mark.sec("OIDCX-35")
def test_a_login_begins_in_time(
    op: HostileOidcProvider, provider: OIDCProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The places where metadata may be share their time, however slowly each says that there is nothing."""
    monkeypatch.setattr("onegov_auth_oidc.provider.LOGIN_SECONDS", 0)
    outcome = provider.start(Transaction("state", "redirect", "company", "/", {}, op.clock()))

    assert isinstance(outcome, Unavailable)
    assert outcome.code == "timeout"


@pytest.mark.sec("OIDCX-35")
def test_a_login_ends_in_time(
    op: HostileOidcProvider,
    make: Make,
    begin: Callable[[OIDCProvider], tuple[Redirect, Transaction]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Token, keys, UserInfo and groups share their time: who waits for all of them holds a worker."""
    provider = make(userinfo="always")
    redirect, transaction = begin(provider)
    params = op.authorize(redirect.url)
    monkeypatch.setattr("onegov_auth_oidc.provider.LOGIN_SECONDS", 0)
    outcome = provider.finish(Callback(params), transaction)

    assert isinstance(outcome, Unavailable)
    assert outcome.code == "timeout"
    assert "/token" not in op.paths()


def test_a_session_is_checked_again_in_time(
    provider: OIDCProvider, session: SessionInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before somebody else is let ask with the same refresh token."""
    monkeypatch.setattr("onegov_auth_oidc.provider.LOGIN_SECONDS", 0)
    outcome = provider.recheck("first", session)

    assert isinstance(outcome, Unavailable)
    assert outcome.code == "timeout"


def test_a_logout_waits_for_nobody(
    op: HostileOidcProvider,
    provider: OIDCProvider,
    session: SessionInfo,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who is logged out here is not kept waiting because the provider is."""
    assert isinstance(provider.logout(session, "https://app.example.org/"), Redirect)
    clock.advance(3600)
    op.metadata = {"issuer": "another"}
    monkeypatch.setattr("onegov_auth_oidc.provider.LOGOUT_SECONDS", 0)
    asked = op.paths()
    provider.revoke("first")

    assert provider.logout(session, "https://app.example.org/") is None
    assert op.paths() == asked


@pytest.mark.sec("OIDCX-35")
def test_a_logout_token_is_read_in_time(
    provider: OIDCProvider, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody may post one, and nobody holds a worker by it."""
    monkeypatch.setattr("onegov_auth_oidc.endpoints.TOTAL_SECONDS", 0)
    sessions: Any = object()
    handler = replace(provider, services=replace(services, sessions=sessions)).routes()["backchannel-logout"]
    answer: Any = handler(Callback({"logout_token": "a.b.c"}, "POST"), Client())

    assert answer.status == 503
