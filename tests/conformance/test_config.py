"""Certification profile Config RP: everything is learnt from the issuer's metadata."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.servers.hostile_keys import make_pair, unsigned
from onegov_auth.testing.servers.hostile_oidc import HostileOidcProvider

DISCOVERY = "/.well-known/openid-configuration"


@pytest.fixture(name="rp", autouse=True)
def _rp(serve: Callable[..., None]) -> None:
    """The relying party, which knows its issuer's name and nothing else."""
    serve(userinfo="always")


@pytest.mark.sec("OIDC-29")
def test_metadata_is_fetched_and_used(op: HostileOidcProvider, visitor: Any) -> None:
    """The addresses are those of the document, wherever they are."""
    op.metadata = {"authorization_endpoint": f"{op.issuer}/authorize?fixed=1"}
    url = visitor.leave()

    assert op.paths() == [DISCOVERY]
    assert url.startswith(f"{op.issuer}/authorize?fixed=1&")
    assert visitor.arrive(visitor.consent(url)).status_code == 200
    assert visitor.is_in


@pytest.mark.sec("OIDC-30")
def test_keys_are_where_the_metadata_says(op: HostileOidcProvider, visitor: Any) -> None:
    """An address nobody could guess is taken from the metadata, and the usual one is not asked."""
    path = f"/keys/{secrets.token_urlsafe(8)}"
    op.metadata = {"jwks_uri": f"{op.issuer}{path}"}
    visitor.log_in()

    assert visitor.is_in
    assert path in op.paths()
    assert "/jwks" not in op.paths()


@pytest.mark.sec("OIDC-31")
def test_metadata_of_another_issuer(op: HostileOidcProvider, site: Any, visitor: Any) -> None:
    """Nobody is sent to an issuer that calls itself something else."""
    op.metadata = {"issuer": f"{op.issuer}1"}
    page = visitor.press()

    assert page.status_code == 503
    assert op.paths() == [DISCOVERY]
    assert op.issuer not in page.text
    assert site.codes() == ["issuer_mismatch"]


@pytest.mark.sec("OIDC-10")
def test_an_unsigned_id_token(op: HostileOidcProvider, stops_after: Callable[[str, str], bool]) -> None:
    """Metadata that announces ``none`` allows nothing."""
    op.metadata = {"id_token_signing_alg_values_supported": ["none", "RS256"]}
    op.forge = lambda header, claims: unsigned({**header, "alg": "none"}, claims)

    assert stops_after("/token", "invalid_id_token_alg")


@pytest.mark.sec("OIDC-32")
def test_keys_change_between_two_logins(op: HostileOidcProvider, clock: FakeClock, visit: Any) -> None:
    """The second login finds the new keys, and asks for them once."""
    visit().log_in()
    clock.advance(3600)
    op.keys = [make_pair("two", number=1)]
    op.calls.clear()
    second = visit()
    second.log_in()

    assert second.is_in
    assert op.paths().count("/jwks") == 1


@pytest.mark.sec("OIDC-32")
def test_keys_change_while_they_are_kept(op: HostileOidcProvider, visit: Any) -> None:
    """Kept keys are not waited for to grow old: an unknown key id fetches the new ones."""
    visit().log_in()
    op.keys = [make_pair("two", number=1)]
    second = visit()
    second.log_in()

    assert second.is_in
    assert op.paths().count("/jwks") == 2


@pytest.mark.sec("OIDC-33")
def test_keys_change_just_before_signing(op: HostileOidcProvider, visit: Any) -> None:
    """Keys that were fetched before the provider signed are fetched again."""
    visit().log_in()

    def rotate() -> None:
        op.keys = [make_pair("three", number=2), *op.keys]

    op.before_signing = rotate
    second = visit()
    second.log_in()

    assert second.is_in
    assert op.paths()[-3:] == ["/token", "/jwks", "/userinfo"]
