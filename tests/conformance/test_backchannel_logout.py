"""Certification profile Back-Channel RP: the provider ends a session here by a signed token."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from onegov_auth.testing.servers.browsing import new_browser
from onegov_auth.testing.servers.hostile_keys import make_pair, signed, unsigned
from onegov_auth.testing.servers.hostile_oidc import ABSENT, LOGOUT_EVENT, HostileOidcProvider

ENDPOINT = "/auth/provider/company/backchannel-logout"


@pytest.fixture(name="person")
def _person(serve: Callable[..., None], op: HostileOidcProvider, visitor: Any) -> Any:
    """Somebody who came by the provider, in a session that the provider has a name for."""
    serve(userinfo="always")
    op.claims = {"sid": "session-1"}
    visitor.log_in()
    assert visitor.is_in
    return visitor


@pytest.fixture(name="tell")
def _tell(site: Any, op: HostileOidcProvider) -> Callable[[], httpx.Response]:
    """The provider's server tells ours that a session is over."""

    def tell() -> httpx.Response:
        with new_browser() as server:
            return server.post(f"{site.url}{ENDPOINT}", data={"logout_token": op.logout_token()})

    return tell


@pytest.fixture(name="refuses")
def _refuses(tell: Callable[[], httpx.Response], person: Any) -> Callable[[], bool]:
    """The suite's oracle: 400, not kept by anybody, and the session goes on."""

    def refuses() -> bool:
        answer = tell()
        assert answer.status_code == 400, answer.text
        assert "no-store" in answer.headers["Cache-Control"]
        assert person.is_in
        return True

    return refuses


@pytest.mark.sec("OIDC-47")
@pytest.mark.parametrize("changes", [{}, {"sid": "session-1"}, {"sid": "session-1", "sub": ABSENT}], ids=str)
def test_a_session_is_ended(op: HostileOidcProvider, tell: Any, person: Any, changes: dict[str, Any]) -> None:
    """By the subject, by the session's name, or by both: 200, kept by nobody, and the session is over."""
    op.logout_claims = changes
    answer = tell()

    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    assert not person.is_in


@pytest.mark.sec("OIDC-48")
def test_an_unsigned_logout_token(op: HostileOidcProvider, refuses: Any) -> None:
    """Whoever signed nothing ends nothing."""
    op.forge_logout = lambda header, claims: unsigned({**header, "alg": "none"}, claims)

    assert refuses()


@pytest.mark.sec("OIDC-49")
def test_a_logout_token_by_another_algorithm(op: HostileOidcProvider, refuses: Any) -> None:
    """A right signature by a published key of another type than the registered one is refused."""
    other = make_pair("ec", "EC")
    op.keys = [*op.keys, other]
    op.forge_logout = lambda header, claims: signed(
        {**header, "alg": "ES256", "kid": "ec"}, json.dumps(claims).encode(), other.private
    )

    assert refuses()


@pytest.mark.sec("OIDC-50")
def test_a_logout_token_for_another_client(op: HostileOidcProvider, refuses: Any) -> None:
    """The client id with something after it is another client."""
    op.logout_claims = {"aud": f"{op.client_id}INVALID"}

    assert refuses()


@pytest.mark.sec("OIDC-51")
def test_a_logout_token_of_another_issuer(op: HostileOidcProvider, refuses: Any) -> None:
    """The issuer with something after it is another issuer."""
    op.logout_claims = {"iss": f"{op.issuer}1"}

    assert refuses()


@pytest.mark.sec("OIDC-52")
def test_a_logout_token_without_an_event(op: HostileOidcProvider, refuses: Any) -> None:
    """A token that does not say that it is about a logout is about none."""
    op.logout_claims = {"events": ABSENT}

    assert refuses()


@pytest.mark.sec("OIDC-53")
@pytest.mark.parametrize(
    "events",
    [{"http://schemas.openid.net/event/foobar": {}}, {LOGOUT_EVENT: None}, LOGOUT_EVENT, [LOGOUT_EVENT], {}],
    ids=["another", "no object", "text", "list", "empty"],
)
def test_a_logout_token_of_another_event(op: HostileOidcProvider, refuses: Any, events: object) -> None:
    """Only the event of a back-channel logout ends a session, written as the standard does."""
    op.logout_claims = {"events": events}

    assert refuses()


@pytest.mark.sec("OIDC-54")
def test_a_logout_token_with_a_nonce(op: HostileOidcProvider, refuses: Any) -> None:
    """A nonce belongs into an ID token, which must not be taken for a logout token."""
    op.logout_claims = {"nonce": "nonce"}

    assert refuses()
