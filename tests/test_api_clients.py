from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import OperationalError

from onegov_auth.api_clients import TokenPair
from onegov_auth.collections import UserCollection
from onegov_auth.domain import Client
from onegov_auth.models import AuthEvent
from onegov_auth.outcomes import FactorRequired, Refused

PASSWORD = "correct horse battery staple"
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
ANN = ("ann@example.org", PASSWORD)


@pytest.fixture(name="make")
def _make(make_auth: Any) -> Any:
    """Make an application with access tokens and somebody with an account."""

    def make(second_factor: Any = None, **changes: Any) -> Any:
        auth = make_auth(tokens={"jwt": {"enabled": True}}, **changes)
        with auth.database.unit() as db:
            UserCollection(db).add(*ANN, "member").second_factor = second_factor
        return auth

    return make


@pytest.mark.sec("RACE-17", "LOG-01")
def test_reuse_is_an_event(make: Any, client: Client) -> None:
    """The log has it that a used refresh token came back."""
    auth = make()
    first = auth.token_login(*ANN, client)
    assert isinstance(auth.token_refresh(first.refresh, client), TokenPair)
    assert auth.token_refresh(first.refresh, client) == Refused("token_reused")
    with auth.database.read() as db:
        found = [(row.type, row.code) for row in db.scalars(select(AuthEvent).order_by(AuthEvent.created))]
    assert ("token_refreshed", "token_reused") in found


def test_a_token_of_a_session_lasts_no_longer(make: Any, client: Client, clock: Any) -> None:
    """Tokens for a browser's session end with its lifetime, and leave it as it was."""
    auth = make()
    identity = auth.sessions.lookup(auth.login(*ANN, client).token)
    pair = auth.token_session(identity)
    clock.advance(12 * 3600)

    assert auth.token_refresh(pair.refresh, client) == Refused("unknown_token")
    assert auth.token_session(replace(identity, by_token=True)) == Refused("unknown_session")


def test_an_idle_session(make: Any, client: Client, clock: Any) -> None:
    """Tokens of a browser's session end when it is idle as well."""
    auth = make()
    pair = auth.token_session(auth.sessions.lookup(auth.login(*ANN, client).token))
    clock.advance(3600)

    assert auth.token_refresh(pair.refresh, client) == Refused("unknown_session")


@pytest.mark.sec("MFA-01")
def test_factor_in_two_steps(make: Any, client: Client, clock: Any) -> None:
    """The login waits for this client alone; asking again changes its number, and what is unknown is refused."""
    import pyotp  # noqa: PLC0415 - an extra

    auth = make({"type": "totp", "data": SECRET}, second_factors={"totp": {}})
    asked = auth.token_login(*ANN, client)
    assert isinstance(asked, FactorRequired)
    again = auth.token_factor(asked.transaction.id, None, None, client)
    assert isinstance(again, FactorRequired)
    other = replace(client, browser="another value")
    assert auth.token_factor(again.transaction.id, None, "000000", other) == Refused("unknown_transaction")
    assert auth.token_factor(again.transaction.id, "nonsense", None, client).code == "unknown_factor"

    pair = auth.token_factor(again.transaction.id, "totp", pyotp.TOTP(SECRET).at(clock()), client, scope=["a"])
    assert isinstance(pair, TokenPair)
    assert pair.scope == ("a",)


@pytest.mark.sec("RACE-15", "RACE-17", "SESS-05", "TOK-09")
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("how", ["login", "session", "refresh"])
def test_nothing_changes_while_tokens_are_made(make: Any, client: Client, how: str) -> None:
    """
    Session and user are held before a refresh token is touched, so that no end of theirs misses the next one.

    SQLite has one writer at a time, and needs no such thing.
    """
    auth = make()
    identity = auth.sessions.lookup(auth.login(*ANN, client).token)
    first = auth.token_session(identity)
    free: list[str] = []
    asked: list[str] = []

    def look(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if "refresh_tokens" in statement and not statement.startswith("SELECT"):
            for table in ("users", "user_sessions"):
                asked.append(table)
                with contextlib.suppress(OperationalError), auth.database.unit() as db:
                    db.execute(text(f"SELECT 1 FROM {table} ORDER BY id DESC FOR NO KEY UPDATE NOWAIT"))
                    free.append(table)

    event.listen(auth.database.engine, "before_cursor_execute", look)
    make_tokens = {
        "login": lambda: auth.token_login(*ANN, client),
        "session": lambda: auth.token_session(identity),
        "refresh": lambda: auth.token_refresh(first.refresh, client),
    }
    assert isinstance(make_tokens[how](), TokenPair)
    assert asked
    assert free == []


@pytest.mark.sec("RACE-15")
def test_a_login_whose_session_is_ended_at_once(make: Any, client: Client, monkeypatch: Any) -> None:
    """Who logs everybody out between a login and its tokens is not answered by an error."""
    auth = make()
    log_in = auth.login

    def login(*arguments: Any, **more: Any) -> Any:
        outcome = log_in(*arguments, **more)
        with auth.database.unit() as db:
            auth.sessions.end_all(db)
        return outcome

    monkeypatch.setattr(auth, "login", login)
    assert auth.token_login(*ANN, client) == Refused("unknown_session")
