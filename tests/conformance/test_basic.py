"""Certification profile Basic RP: the authorization code flow."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from onegov_auth.testing.servers.hostile_keys import make_pair, signed, unsigned
from onegov_auth.testing.servers.hostile_oidc import ABSENT, HostileOidcProvider

Serve = Callable[..., None]
StopsAfter = Callable[[str, str], bool]

#: All calls of a login, in order; where the keys come in depends on what is kept.
CALLS = ["/.well-known/openid-configuration", "/authorize", "/token", "/jwks", "/userinfo"]


@pytest.fixture(name="mode", params=["query", "form_post"])
def _mode(request: pytest.FixtureRequest) -> str:
    """How the browser brings the answer back: the profiles Basic RP and Form Post Basic RP."""
    mode: str = request.param
    return mode


@pytest.fixture(name="rp", autouse=True)
def _rp(serve: Serve, mode: str, request: pytest.FixtureRequest) -> None:
    """The relying party; a test's ``block`` marker is not needed, all of the profile works with one block."""
    serve(userinfo="always", response_mode=mode, **getattr(request.function, "block", {}))


def settings(**block: Any) -> Callable[[Any], Any]:
    """The settings this test's relying party has beside the usual ones."""

    def remember(function: Any) -> Any:
        function.block = block
        return function

    return remember


@pytest.mark.sec("OIDC-01")
def test_a_login(op: HostileOidcProvider, visitor: Any) -> None:
    """Every call arrives as registered, and the person is in."""
    assert visitor.log_in().text == "jane@example.org|Jane Doe"
    asked, exchanged = op.call("/authorize").query, op.call("/token").form
    assert op.paths() == CALLS
    assert (asked["client_id"], asked["response_type"]) == ("example-app", "code")
    assert "openid" in asked["scope"].split()
    assert asked["redirect_uri"] == exchanged["redirect_uri"] == f"{visitor.site}/auth/provider/company/callback"


@pytest.mark.sec("OIDC-02")
def test_an_id_token_of_another_issuer(op: HostileOidcProvider, stops_after: StopsAfter) -> None:
    """The issuer with one more character is another one."""
    op.claims = {"iss": f"{op.issuer}1"}

    assert stops_after("/token", "invalid_id_token_iss")


@pytest.mark.sec("OIDC-03")
def test_an_id_token_of_nobody(op: HostileOidcProvider, stops_after: StopsAfter) -> None:
    """Without a subject nobody is here, whatever UserInfo would say."""
    op.claims = {"sub": ABSENT}

    assert stops_after("/token", "invalid_id_token_sub")


@pytest.mark.sec("OIDC-04")
def test_an_id_token_for_somebody_else(op: HostileOidcProvider, stops_after: StopsAfter) -> None:
    """The client id with one more character is another client."""
    op.claims = {"aud": "example-app1"}

    assert stops_after("/token", "invalid_id_token_aud")


@pytest.mark.sec("OIDC-06")
def test_an_id_token_without_a_date(op: HostileOidcProvider, stops_after: StopsAfter) -> None:
    """Nobody knows how old a token is that does not say so."""
    op.claims = {"iat": ABSENT}

    assert stops_after("/token", "invalid_id_token_iat")


@pytest.mark.sec("OIDC-07")
def test_the_only_key_needs_no_name(op: HostileOidcProvider, visitor: Any) -> None:
    """Among keys of other types, the only one that fits checks a token without a key id."""
    op.keys = [make_pair(None), make_pair(None, "EC"), make_pair(None, "OKP"), make_pair(None, number=1, use="enc")]
    visitor.log_in()

    assert visitor.is_in
    assert "kid" not in op.header


@pytest.mark.sec("OIDC-08")
def test_many_keys_without_a_name(op: HostileOidcProvider, stops_after: StopsAfter) -> None:
    """Of several keys that fit, none is tried."""
    kinds = ("RSA", "EC", "secp256k1", "OKP")
    op.keys = [make_pair(None, kind, number) for kind in kinds for number in range(3)]

    assert stops_after("/token", "invalid_id_token_ambiguous_key")


@pytest.mark.sec("OIDC-09")
def test_a_signature_by_rs256(op: HostileOidcProvider, visitor: Any) -> None:
    """The right signature of the registered algorithm is believed."""
    op.header = {"alg": "RS256"}
    visitor.log_in()

    assert visitor.is_in


@pytest.mark.sec("OIDC-10")
def test_an_unsigned_id_token(op: HostileOidcProvider, stops_after: StopsAfter) -> None:
    """The suite lets a relying party of the code flow take it; this one never does."""
    op.forge = lambda header, claims: unsigned({**header, "alg": "none"}, claims)

    assert stops_after("/token", "invalid_id_token_alg")


@pytest.mark.sec("OIDC-11")
def test_a_damaged_signature(op: HostileOidcProvider, stops_after: StopsAfter) -> None:
    """The signature is checked, though the token came by TLS."""

    def forge(header: dict[str, Any], claims: dict[str, Any]) -> str:
        head, payload, signature = signed(header, json.dumps(claims).encode(), op.keys[0].private).split(".")
        wrong = bytes(byte ^ 0xFF for byte in base64.urlsafe_b64decode(signature + "=="))
        return f"{head}.{payload}.{base64.urlsafe_b64encode(wrong).rstrip(b'=').decode()}"

    op.forge = forge

    assert stops_after("/token", "invalid_id_token_signature")


@pytest.mark.sec("OIDC-14")
def test_userinfo_by_header(op: HostileOidcProvider, visitor: Any) -> None:
    """The access token is in the header and nowhere else."""
    visitor.log_in()
    call = op.call("/userinfo")

    assert visitor.is_in
    assert call.headers["authorization"] == "Bearer access"
    assert "access" not in {*call.query.values(), *call.form.values()}


@pytest.mark.sec("OIDC-15")
@settings(userinfo_token="body")
def test_userinfo_by_form(op: HostileOidcProvider, visitor: Any) -> None:
    """Where the provider wants it there, the access token is in the body of a POST, and nowhere else."""
    op.bearer = "body"
    visitor.log_in()
    call = op.call("/userinfo")

    assert visitor.is_in
    assert (call.method, call.form, call.query) == ("POST", {"access_token": "access"}, {})
    assert "authorization" not in call.headers


@pytest.mark.sec("OIDC-16")
def test_userinfo_of_somebody_else(op: HostileOidcProvider, stops_after: StopsAfter) -> None:
    """What is told of another subject is not taken for this one's, and nobody is in."""
    op.userinfo = {"sub": op.person["sub"] + "invalid"}

    assert stops_after("/userinfo", "invalid_userinfo_sub")


@pytest.mark.sec("OIDC-17")
def test_an_id_token_of_another_login(op: HostileOidcProvider, stops_after: StopsAfter) -> None:
    """The nonce with one more character is another login's."""
    op.forge = lambda header, claims: signed(
        header, json.dumps({**claims, "nonce": claims["nonce"] + "1"}).encode(), op.keys[0].private
    )

    assert stops_after("/token", "invalid_id_token_nonce")


@pytest.mark.sec("OIDC-19")
@settings(scope=["openid", "profile", "email"])
def test_claims_by_scope(op: HostileOidcProvider, visitor: Any) -> None:
    """What the scopes release at UserInfo is used."""
    op.in_id_token, op.by_scope = set(), True
    scope = dict(parse_qsl(urlsplit(visitor.leave()).query))["scope"]

    assert visitor.log_in().text == "jane@example.org|Jane Doe"
    assert scope == "openid profile email"


@pytest.mark.sec("OIDC-20")
@settings(client_auth="client_secret_basic")
def test_the_secret_by_header(op: HostileOidcProvider, visitor: Any) -> None:
    """The client shows who it is by HTTP Basic, and by nothing else."""
    visitor.log_in()
    call = op.call("/token")

    assert visitor.is_in
    assert call.headers["authorization"].startswith("Basic ")
    assert not {"client_id", "client_secret", "client_assertion"} & call.form.keys()
