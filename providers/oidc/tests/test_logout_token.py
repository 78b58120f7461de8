"""The logout token: a hostile provider changes one detail at a time."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from onegov_auth.providers import Refused
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.servers.hostile_keys import make_pair, signed, unsigned
from onegov_auth.testing.servers.hostile_oidc import ABSENT, LOGOUT_EVENT, HostileOidcProvider
from onegov_auth_oidc import OIDCProvider
from onegov_auth_oidc.logout_token import LogoutToken, Wanted, read_logout_token
from onegov_auth_oidc.server import server_of

Make = Callable[..., OIDCProvider]
Read = Callable[..., LogoutToken | Refused]

MINUTES = 60


@pytest.fixture(name="read")
def _read(op: HostileOidcProvider, make: Make, clock: FakeClock) -> Read:
    """Reads a logout token as the relying party of ``op``; the arguments change what it wants."""
    provider = make()
    server = server_of(provider.name, provider.settings, provider.services)
    leeway = timedelta(seconds=60)

    def read(token: str | None = None, **changes: Any) -> LogoutToken | Refused:
        right = {"issuer": op.issuer, "client_id": op.client_id, "alg": "RS256", "now": clock(), "leeway": leeway}
        wanted = Wanted(**{**right, **changes})
        return read_logout_token(token or op.logout_token(), server.keys, f"{op.issuer}/jwks", wanted)

    return read


def refused(rule: str) -> Callable[[object], bool]:
    return lambda outcome: isinstance(outcome, Refused) and outcome.code == f"invalid_logout_token_{rule}"


@pytest.mark.sec("OIDC-47")
def test_the_right_token(op: HostileOidcProvider, read: Read) -> None:
    """Who and which session it is about; claims nobody knows are ignored."""
    op.logout_claims = {"sid": "s-1", "jti": "j-1"}
    assert read() == LogoutToken("j-1", "s-1", "248289761001")
    op.logout_claims = {"sid": "s-1", "jti": "j-2", "sub": ABSENT}
    assert read() == LogoutToken("j-2", "s-1", None)


@pytest.mark.parametrize(
    ("claims", "rule"),
    [
        pytest.param({"aud": "example-appINVALID"}, "aud", marks=pytest.mark.sec("OIDC-50")),
        pytest.param({"aud": ["example-app", "other"]}, "aud", id="second-audience"),
        pytest.param({"aud": []}, "aud", id="no-audience"),
        pytest.param({"aud": ABSENT}, "aud", id="missing-audience"),
        pytest.param({"iss": "https://id.example.org/1"}, "iss", marks=pytest.mark.sec("OIDC-51")),
        pytest.param({"iss": ABSENT}, "iss", id="missing-iss"),
        pytest.param({"events": ABSENT}, "events", marks=pytest.mark.sec("OIDC-52")),
        pytest.param(
            {"events": {"http://schemas.openid.net/event/foobar": {}}}, "events", marks=pytest.mark.sec("OIDC-53")
        ),
        pytest.param({"events": {LOGOUT_EVENT: "yes"}}, "events", id="event-is-no-object"),
        pytest.param({"events": [LOGOUT_EVENT]}, "events", id="events-are-a-list"),
        pytest.param({"nonce": "fixed"}, "nonce", marks=pytest.mark.sec("OIDC-54")),
        pytest.param({"nonce": None}, "nonce", id="nonce-null"),
        pytest.param({"jti": ABSENT}, "jti", marks=pytest.mark.sec("OIDCX-33")),
        pytest.param({"jti": ""}, "jti", id="empty-jti"),
        pytest.param({"jti": "x" * 256}, "jti", id="long-jti"),
        pytest.param({"jti": 1}, "jti", id="number-jti"),
        pytest.param({"iat": ABSENT}, "iat", marks=pytest.mark.sec("OIDCX-33")),
        pytest.param({"iat": "now"}, "iat", id="text-iat"),
        pytest.param({"exp": ABSENT}, "exp", marks=pytest.mark.sec("ASVS-10.5.5")),
        pytest.param({"exp": True}, "exp", id="bool-exp"),
        pytest.param({"sub": ABSENT}, "who", marks=pytest.mark.sec("OIDCX-33")),
        pytest.param({"sub": ""}, "who", id="empty-sub"),
        pytest.param({"sub": ["248289761001"]}, "who", id="list-sub"),
        pytest.param({"sid": ""}, "who", id="empty-sid"),
        pytest.param({"sid": 7}, "who", id="number-sid"),
    ],
)
def test_one_wrong_claim(op: HostileOidcProvider, read: Read, claims: dict[str, Any], rule: str) -> None:
    """A token that is wrong in one claim is refused by the rule for it."""
    op.logout_claims = claims
    assert refused(rule)(read())


@pytest.mark.sec("OIDCX-33", "ASVS-10.5.5")
@pytest.mark.parametrize(
    ("name", "seconds", "passes"),
    [
        ("iat", -11 * MINUTES + 1, True),
        ("iat", -11 * MINUTES, False),
        ("iat", 60, True),
        ("iat", 61, False),
        ("exp", -59, True),
        ("exp", -60, False),
    ],
)
def test_times(op: HostileOidcProvider, read: Read, clock: FakeClock, name: str, seconds: int, passes: bool) -> None:
    """It is of now: ten minutes old at most, and not expired, with a minute of leeway."""
    op.logout_claims = {name: int(clock().timestamp()) + seconds}
    outcome = read()
    assert isinstance(outcome, LogoutToken) if passes else refused(name)(outcome)


@pytest.mark.sec("OIDC-48")
@pytest.mark.parametrize("alg", ["none", "None", "", None], ids=str)
def test_unsigned(op: HostileOidcProvider, read: Read, alg: str | None) -> None:
    """A token that nobody signed is refused before anything in it is looked at."""
    op.forge_logout = lambda header, claims: unsigned({**header, "alg": alg}, claims)
    assert refused("alg")(read())


@pytest.mark.sec("OIDC-49")
@pytest.mark.parametrize(("alg", "kind"), [("ES256", "EC"), ("PS256", "RSA"), ("RS512", "RSA")])
def test_another_algorithm(op: HostileOidcProvider, read: Read, alg: str, kind: str) -> None:
    """The algorithm is the one of the ID tokens, even when a published key really signed by another one."""
    op.keys.append(make_pair("two", kind, 2))
    op.forge_logout = lambda header, claims: signed(
        {**header, "alg": alg, "kid": "two"}, json.dumps(claims).encode(), op.keys[1].private
    )
    assert refused("alg")(read())


@pytest.mark.sec("OIDCX-18")
def test_another_key(op: HostileOidcProvider, read: Read) -> None:
    """Signed by a key that is not the provider's, under the id of one that is."""
    stranger = make_pair("one", number=9)
    op.forge_logout = lambda header, claims: signed(header, json.dumps(claims).encode(), stranger.private)
    assert refused("signature")(read())


@pytest.mark.sec("OIDCX-30", "ASVS-10.5.5")
@pytest.mark.parametrize("typ", [ABSENT, "JWT", "at+jwt", "jwt"])
def test_another_type(op: HostileOidcProvider, read: Read, typ: Any) -> None:
    """Only what calls itself a logout token is taken for one."""
    op.logout_header = {"typ": typ}
    assert refused("typ")(read())


@pytest.mark.parametrize("typ", ["logout+jwt", "application/logout+jwt", "LOGOUT+JWT"])
def test_its_own_type(op: HostileOidcProvider, read: Read, typ: str) -> None:
    """RFC 8725 §3.11: with or without ``application/``, in any case."""
    op.logout_header = {"typ": typ}
    assert isinstance(read(), LogoutToken)


@pytest.mark.sec("ASVS-10.5.5")
@pytest.mark.parametrize("typ", [ABSENT, "JWT", "logout+jwt"])
def test_a_draft_token_by_a_switch(op: HostileOidcProvider, read: Read, typ: Any) -> None:
    """Tokens as drafts had them are taken where the operator says so; all else still has to be right."""
    op.logout_header, op.logout_claims = {"typ": typ}, {"exp": ABSENT}
    assert isinstance(read(drafts=True), LogoutToken)
    for claims, rule in (({"nonce": "n"}, "nonce"), ({"events": ABSENT}, "events"), ({"exp": 1}, "exp")):
        op.logout_claims = claims
        assert refused(rule)(read(drafts=True))
    op.logout_header = {"typ": "at+jwt"}
    assert refused("typ")(read(drafts=True))
