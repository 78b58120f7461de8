from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.servers.hostile_oidc import ABSENT, HostileOidcProvider, Reply

ASKED = {
    "client_id": "example-app",
    "redirect_uri": "https://app.example.org/callback",
    "state": "state",
    "nonce": "nonce",
    # The pair of RFC 7636, appendix B.
    "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    "code_challenge_method": "S256",
}
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


@pytest.fixture(name="op")
def _op(clock: FakeClock) -> Iterator[HostileOidcProvider]:
    op = HostileOidcProvider(clock)
    yield op
    op.close()


def exchange(op: HostileOidcProvider, **changes: str) -> httpx.Response:
    code = op.authorize(str(httpx.URL(op.published()["authorization_endpoint"], params=ASKED)))["code"]
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER} | changes
    form.setdefault("redirect_uri", ASKED["redirect_uri"])
    return httpx.post(f"{op.issuer}/token", data=form, auth=(op.client_id, op.client_secret), trust_env=False)


def test_it_is_a_correct_provider_when_left_alone(op: HostileOidcProvider) -> None:
    """A right request gets an ID token."""
    assert exchange(op).json()["id_token"].count(".") == 2


@pytest.mark.parametrize("name", ["code", "code_verifier", "redirect_uri", "grant_type"])
def test_it_notices_a_wrong_request(op: HostileOidcProvider, name: str) -> None:
    """A relying party that sends something else gets nothing."""
    assert exchange(op, **{name: "other"}).json() == {"error": "invalid_grant"}


def test_it_does_not_know_others(op: HostileOidcProvider) -> None:
    """A client with another secret is not known."""
    op.client_secret = "other"
    answer = httpx.post(f"{op.issuer}/token", data={"client_id": "example-app"}, trust_env=False)

    assert answer.status_code == 401


def test_it_deviates_as_told(op: HostileOidcProvider) -> None:
    """A member is changed or left out, and a whole answer replaced."""
    op.metadata = {"issuer": "other", "jwks_uri": ABSENT}
    op.replies["/jwks"] = Reply(500, [b"x"])

    published = json.loads(httpx.get(f"{op.issuer}/.well-known/openid-configuration", trust_env=False).text)
    assert published["issuer"] == "other"
    assert "jwks_uri" not in published
    assert httpx.get(f"{op.issuer}/jwks", trust_env=False).status_code == 500
    assert op.paths() == ["/.well-known/openid-configuration", "/jwks"]


def test_userinfo_needs_the_access_token(op: HostileOidcProvider) -> None:
    """Without the access token nothing is told of a person."""
    assert httpx.get(f"{op.issuer}/userinfo", trust_env=False).status_code == 401
