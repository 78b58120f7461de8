from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from onegov_auth.api_clients import TokenPair
from onegov_auth.collections import UserCollection
from onegov_auth.jwt import Refreshed, RefreshTokens
from onegov_auth.models import RefreshToken, User, UserSession
from onegov_auth.outcomes import Refused

PASSWORD = "correct horse battery staple"


@pytest.fixture(name="auth")
def _auth(make_auth: Any) -> Any:
    """With access tokens, and somebody with an account."""
    auth = make_auth(tokens={"jwt": {"enabled": True}})
    with auth.database.unit() as db:
        UserCollection(db).add("ann@example.org", PASSWORD, "member")
    return auth


@pytest.fixture(name="first")
def _first(auth: Any, client: Any) -> TokenPair:
    """The first pair of a login."""
    pair: TokenPair = auth.token_login("ann@example.org", PASSWORD, client)
    return pair


@pytest.mark.sec("RACE-17")
def test_twenty_at_once(auth: Any, client: Any, first: TokenPair) -> None:
    """Of twenty who come with one refresh token, one is given the next; then it was used twice, and all ends."""
    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(lambda _: auth.token_refresh(first.refresh, client), range(20)))

    # The winner's session may be over before it has been looked at.
    given = [one for one in found if not (isinstance(one, Refused) and one.code in {"token_reused", "unknown_token"})]
    assert len(given) == 1
    with auth.database.read() as db:
        assert db.scalars(select(UserSession)).all() == []
        assert db.scalars(select(RefreshToken)).all() == []


def test_stored_as_a_hash(auth: Any, first: TokenPair) -> None:
    """The table has neither the token, nor does its ``repr`` or that of the pair."""
    with auth.database.read() as db:
        row = db.scalars(select(RefreshToken)).one()

    assert first.refresh not in {row.token_hash, str(row.id)}
    assert first.refresh not in repr(row)
    assert first.refresh not in repr(first)
    assert first.access not in repr(first)


def test_expired_ones(auth: Any, client: Any, first: TokenPair, clock: Any) -> None:
    """They are refused, end nothing, and are deleted when it is time."""
    with auth.database.unit() as db:
        assert auth.refresh_tokens.cleanup(db) == 0
        db.scalars(select(RefreshToken)).one().expires = clock()

    assert auth.token_refresh(first.refresh, client) == Refused("unknown_token")
    with auth.database.unit() as db:
        assert len(db.scalars(select(UserSession)).all()) == 1
        assert auth.refresh_tokens.cleanup(db) == 1


@pytest.mark.sec("ASVS-8.4.1")
def test_another_applications_token(auth: Any, first: TokenPair, clock: Any) -> None:
    """A token of another application that shares the table is none."""
    other = RefreshTokens("other/app", clock=clock)
    with auth.database.unit() as db:
        assert other.rotate(db, first.refresh) == Refused("unknown_token")
        assert isinstance(auth.refresh_tokens.rotate(db, first.refresh), Refreshed)


@pytest.mark.parametrize("token", ["", "x", "ä" * 43, "x" * 100_000, "\x00" * 43])
def test_nonsense(auth: Any, token: str) -> None:
    """What can be no token is looked up nowhere."""
    with auth.database.unit() as db:
        assert auth.refresh_tokens.rotate(db, token) == Refused("unknown_token")
        assert auth.refresh_tokens.session_of(db, token) is None


@pytest.mark.sec("ASVS-7.4.2")
def test_whoever_may_not_be_in(auth: Any, client: Any, first: TokenPair, clock: Any) -> None:
    """A refresh token of somebody who is disabled by now gives nothing."""
    with auth.database.unit() as db:
        db.scalars(select(User)).one().disabled_utc = clock()
        db.flush()
    assert isinstance(auth.token_refresh(first.refresh, client), Refused)


def test_revoking_nothing(auth: Any, client: Any, first: TokenPair) -> None:
    """Logging out with a token that is none ends nothing."""
    assert auth.token_revoke("x" * 43, client) is False
    assert auth.token_revoke(first.refresh, client) is True
    assert auth.token_revoke(first.refresh, client) is False
