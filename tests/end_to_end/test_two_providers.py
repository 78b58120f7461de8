"""What needs no browser, at two OpenID providers of different authors: asking again whether a person is still there."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import pytest

from onegov_auth.providers import (
    Callback,
    Rechecked,
    Redirect,
    Refused,
    Resources,
    Services,
    SessionInfo,
    Transaction,
    VerifiedIdentity,
)
from onegov_auth.testing.plugin import require_server
from onegov_auth.testing.servers import MockOidcProvider, OidcProvider
from onegov_auth_oidc import OIDCProvider, OIDCSettings

CALLBACK = "https://app.example.org/auth/provider/company/callback"


@pytest.fixture(name="op", params=[OidcProvider, MockOidcProvider], ids=["oidc-provider", "oidc-provider-mock"])
def _op(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Each of the two providers."""
    op: Any = require_server(request.param)
    yield op
    op.close()


@pytest.fixture(name="provider")
def _provider(op: Any) -> Iterator[OIDCProvider]:
    """The relying party, which asks again every hour."""
    client = op
    if isinstance(op, OidcProvider):
        grants = ["authorization_code", "refresh_token"]
        client = op.add_client(redirect_uris=[CALLBACK], grant_types=grants)
    block = {"kind": "oidc", "issuer": op.issuer, "client_id": client.client_id, "client_secret": client.client_secret}
    services = Services(resources=Resources(), callback_url=CALLBACK)
    yield OIDCProvider.create("company", OIDCSettings.model_validate({**block, "recheck": "1h"}), services)
    services.resources.clear()


@pytest.fixture(name="alice")
def _alice(op: Any, provider: OIDCProvider) -> VerifiedIdentity:
    """Alice, who just logged in."""
    now = datetime.now(UTC)
    pending = Transaction(secrets.token_urlsafe(32), "redirect", "company", "/", {}, now + timedelta(minutes=10))
    redirect = provider.start(pending)
    assert isinstance(redirect, Redirect)
    brought = dict(parse_qsl(urlsplit(op.log_in(redirect.url, "alice")).query))
    begun = replace(pending, data=json.loads(json.dumps(dict(redirect.remember))))
    outcome = provider.finish(Callback(brought, url=CALLBACK), begun)
    assert isinstance(outcome, VerifiedIdentity), outcome
    return outcome


@pytest.fixture(name="ask")
def _ask(provider: OIDCProvider, alice: VerifiedIdentity) -> Callable[[str], object]:
    """Asks whether she is still there."""
    now = datetime.now(UTC)
    session = SessionInfo(
        id=uuid4(),
        user_id=uuid4(),
        provider="company",
        source_id=alice.source_id,
        issuer=alice.issuer,
        created=now,
        last_seen=now,
        expires=now + timedelta(hours=12),
    )
    return lambda token: provider.recheck(token, session)


@pytest.mark.sec("OIDC-40", "OIDCX-17")
def test_the_person_is_asked_about_twice(ask: Callable[[str], Any], alice: VerifiedIdentity) -> None:
    """Each answer's token is good for the next question."""
    assert alice.authn.refresh_token is not None
    first = ask(alice.authn.refresh_token)
    assert isinstance(first, Rechecked)

    assert isinstance(ask(first.token), Rechecked)


@pytest.mark.sec("OAUTH-23")
def test_a_token_that_is_none(ask: Callable[[str], Any]) -> None:
    """A token the provider does not know ends the session."""
    assert isinstance(ask("somebody-elses"), Refused)
