"""Where metadata is found, and providers that have none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from onegov_auth.providers import Redirect, Transaction, Unavailable, VerifiedIdentity
from onegov_auth.testing.servers.hostile_http import json_reply
from onegov_auth.testing.servers.hostile_oidc import HostileOidcProvider, Reply
from onegov_auth_oidc import OIDCProvider

Make = Callable[..., OIDCProvider]
LogIn = Callable[..., Any]

BELOW = "/realm/.well-known/openid-configuration"
OAUTH = "/.well-known/oauth-authorization-server/realm"
BEFORE = "/.well-known/openid-configuration/realm"


def start(provider: OIDCProvider) -> Redirect | Unavailable:
    return provider.start(Transaction("state", "redirect", provider.name, "/", {}, provider.services.clock()))


@pytest.fixture(name="realm")
def _realm(op: HostileOidcProvider, make: Make) -> OIDCProvider:
    """A relying party of an issuer with a path."""
    issuer = f"{op.issuer}/realm"
    op.metadata, op.claims = {"issuer": issuer}, {"iss": issuer}
    return make(issuer=issuer)


@pytest.mark.sec("OIDC-29")
@pytest.mark.parametrize("place", [BELOW, OAUTH, BEFORE])
def test_the_metadata_may_be_in_three_places(
    op: HostileOidcProvider, realm: OIDCProvider, log_in: LogIn, place: str
) -> None:
    """First below the issuer, then where RFC 8414 puts it; the first that is there is taken."""
    op.replies[place] = json_reply(op.published())
    identity = log_in(realm)
    places = [BELOW, OAUTH, BEFORE]

    assert isinstance(identity, VerifiedIdentity), identity
    assert [path for path in op.paths() if path in places] == places[: places.index(place) + 1]


@pytest.mark.sec("OIDC-31", "OIDCX-14")
@pytest.mark.parametrize("place", [OAUTH, BEFORE])
def test_the_issuer_is_exact_everywhere(op: HostileOidcProvider, realm: OIDCProvider, place: str) -> None:
    """A document at another place has to be of the very same issuer."""
    op.replies[place] = json_reply({**op.published(), "issuer": op.issuer})
    outcome = start(realm)

    assert isinstance(outcome, Unavailable)
    assert outcome.code == "issuer_mismatch"


@pytest.mark.parametrize(
    "reply", [Reply(500), Reply(503), Reply(302, [], {"Location": OAUTH}), Reply(200, [b"<html>"])]
)
def test_only_what_is_not_there_leads_on(op: HostileOidcProvider, realm: OIDCProvider, reply: Reply) -> None:
    """A server that is out of order is not asked for something else."""
    op.replies[BELOW] = reply
    op.replies[OAUTH] = json_reply(op.published())

    assert isinstance(start(realm), Unavailable)
    assert op.paths() == [BELOW]


def test_a_provider_is_looked_for_where_it_was_found(op: HostileOidcProvider, realm: OIDCProvider) -> None:
    """Whether it is still there is asked at the address that answered."""
    op.replies[OAUTH] = json_reply(op.published())
    start(realm)
    op.calls.clear()
    start(realm)

    assert [(call.method, call.path) for call in op.calls] == [("HEAD", OAUTH)]


# --- addresses from the settings ---


@pytest.fixture(name="written")
def _written(op: HostileOidcProvider, make: Make) -> Callable[..., OIDCProvider]:
    """A relying party whose addresses are in the settings; the provider has no metadata."""
    op.replies["/.well-known/openid-configuration"] = Reply(404)
    places = {
        "authorization": "/authorize",
        "token": "/token",
        "jwks": "/jwks",
        "userinfo": "/userinfo",
        "end_session": "/logout",
        "revocation": "/revoke",
    }
    endpoints = {name: op.issuer + path for name, path in places.items()}
    return lambda **changes: make(endpoints={**endpoints, **changes})


def test_written_addresses_are_enough(op: HostileOidcProvider, written: Make, log_in: LogIn) -> None:
    """No metadata is asked for; everything else is checked as always."""
    op.in_id_token = {"sub"}
    identity = log_in(written())

    assert isinstance(identity, VerifiedIdentity), identity
    assert identity.realname == "Jane Doe"
    assert op.paths() == ["/token", "/jwks", "/userinfo"]


def test_a_written_provider_that_is_off_is_noticed(op: HostileOidcProvider, written: Make) -> None:
    """Nobody is sent to a server that is not there, though nothing had to be asked of it."""
    provider = written()
    assert isinstance(start(provider), Redirect)
    op.close()

    assert isinstance(start(provider), Unavailable)


@pytest.mark.sec("OAUTH-09", "OAUTH-10")
@pytest.mark.parametrize(("iss", "accepted"), [(None, True), ("{op}", True), ("{op}/", False), ("", False)])
def test_a_written_provider_may_name_itself(
    op: HostileOidcProvider, written: Make, log_in: LogIn, iss: str | None, accepted: bool
) -> None:
    """Nobody said whether answers carry "iss"; one that does has to be right."""
    outcome = log_in(written(), **({} if iss is None else {"iss": iss.format(op=op.issuer)}))

    assert isinstance(outcome, VerifiedIdentity) is accepted
    assert accepted or outcome.code == "wrong_iss"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"jwks": None}, "endpoints.jwks: is required"),
        ({"token": "http://id.example.com/token"}, "endpoints.token: must begin with https"),
        ({"userinfo": "https://id.example.com/#x"}, "endpoints.userinfo: must not have a fragment"),
        ({"token": "/token"}, "endpoints.token: "),
    ],
)
def test_wrong_addresses_stop_the_start(written: Make, changes: dict[str, Any], words: str) -> None:
    """Each address is checked when the settings are."""
    with pytest.raises(ValueError, match=words):
        written(**changes)


def test_the_doctor_says_where_addresses_come_from(written: Make) -> None:
    """The check goes on with the keys, which can be asked for."""
    checks = {check.name: check for check in written().check()}

    assert checks["discovery"].state == "skipped"
    assert checks["keys"].state == "ok"
