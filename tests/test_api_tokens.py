from __future__ import annotations

import hmac
import re
import sqlite3
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError

from onegov_auth.api_tokens import ApiTokens
from onegov_auth.database import Database
from onegov_auth.models import ApiToken, User, UserGroup
from onegov_auth.raw_tokens import new_token, with_username
from onegov_auth.settings.delivery import APITokens
from onegov_auth.testing.clock import FakeClock
from onegov_auth.whose import moment


@pytest.fixture(name="tokens")
def _tokens(database: Database, clock: FakeClock) -> ApiTokens:
    return ApiTokens(database, APITokens(), application="town/app", clock=clock)


@pytest.fixture(name="user")
def _user(database: Database) -> User:
    with database.unit() as db:
        user = User(username="ann@example.org", password_hash="", role="editor", language="de")
        user.groups = [UserGroup(name="staff")]
        db.add(user)
    return user


@pytest.fixture(name="token")
def _token(tokens: ApiTokens, database: Database, user: User) -> str:
    with database.unit() as db:
        return tokens.create(db, user.id, "Backup", scope=["invoices.read", "invoices.read"])[0]


@pytest.mark.sec("TOK-02", "TOK-03")
def test_who_comes_by_it(tokens: ApiTokens, token: str, user: User) -> None:
    """Name, role, groups, language and stamp of the user, no session, and what the token is good for."""
    identity = tokens.lookup(token)

    assert identity is not None
    assert (identity.userid, identity.role, identity.language) == ("ann@example.org", "editor", "de")
    assert identity.uid == user.id.hex
    assert identity.groupids == {user.groups[0].id.hex}
    assert identity.rights == user.rights_stamp
    assert identity.application_id == "town/app"
    assert identity.session_id.int == 0
    assert identity.scope == frozenset({"invoices.read"})
    assert identity.confirmed is None
    assert identity.by_token


@pytest.mark.sec("TOK-01", "TOK-08")
def test_the_table_opens_nothing(tokens: ApiTokens, token: str, database: Database) -> None:
    """Neither what is stored nor its ``repr`` is a token or has the secret of one."""
    with database.read() as db:
        row = db.scalars(select(ApiToken)).one()

    for stored in (row.key, row.token_hash, repr(row), f"oga_{row.key}{row.token_hash}"):
        assert token[16:] not in stored
        assert tokens.lookup(stored) is None


@pytest.mark.sec("TOK-02", "TOK-10")
def test_the_public_part_alone(tokens: ApiTokens, token: str, database: Database, monkeypatch: Any) -> None:
    """Another secret below a public part is nobody's; one that is there costs as much work as one that isn't."""
    compared: list[tuple[str, str]] = []
    real = hmac.compare_digest

    def compare(stored: str, given: str) -> bool:
        compared.append((stored, given))
        return real(stored, given)

    monkeypatch.setattr("hmac.compare_digest", compare)
    other = new_token("oga")
    with database.unit() as db:
        db.scalars(select(ApiToken)).one().key = other[4:16]

    assert tokens.lookup(other) is None
    assert tokens.lookup(new_token("oga")) is None
    assert [len(stored) for stored, _ in compared] == [64, 64]


@pytest.mark.sec("TOK-02")
def test_one_indexed_statement(tokens: ApiTokens, token: str, database: Database, clock: FakeClock) -> None:
    """Finding a token reads no table from end to end."""
    sql = tokens._lookup.prepared.sql
    with database.engine.connect() as connection:
        if database.dialect == "sqlite":
            plan = "EXPLAIN QUERY PLAN " + re.sub(r"\?", "'x'", sql)
        else:
            connection.exec_driver_sql("SET enable_seqscan = off")
            plan = "EXPLAIN " + re.sub(r"%\((now)\)s(::[A-Z ]+)?", "now()::timestamp", sql)
            plan = re.sub(r"%\((at)\)s(::[A-Z ]+)?", "0", plan)
            plan = re.sub(r"%\(\w+\)s(::[A-Z]+)?", "'x'", plan)
        shown = "\n".join(str(row) for row in connection.exec_driver_sql(plan).all())

    assert "key" in shown
    assert "SCAN api_tokens" not in shown
    assert "Seq Scan on api_tokens" not in shown
    assert moment(clock())


@pytest.mark.sec("TOK-04")
def test_last_use(tokens: ApiTokens, token: str, database: Database, user: User, clock: FakeClock) -> None:
    """It is written at once, and then at most once a minute."""
    seen = []
    for seconds in (0, 59, 1):
        clock.advance(seconds)
        tokens.lookup(token)
        with database.read() as db:
            seen.append(tokens.list(db, user.id)[0].last_used)

    assert seen[0] == seen[1] == clock() - timedelta(seconds=60)
    assert seen[2] == clock()


def test_a_busy_database_refuses_nobody(tokens: ApiTokens, token: str, database: Database) -> None:
    """Where the last use can't be written, the request goes on."""

    def busy(*arguments: Any) -> None:
        if arguments[2].startswith("UPDATE api_tokens"):
            raise OperationalError(arguments[2], {}, sqlite3.OperationalError("database is locked"))

    event.listen(database.engine, "before_cursor_execute", busy)
    assert tokens.lookup(token) is not None


@pytest.mark.sec("TOK-04")
def test_end(tokens: ApiTokens, database: Database, user: User, clock: FakeClock) -> None:
    """As asked for, and never later than the settings say; what has expired is deleted in time."""
    with database.unit() as db:
        made = [tokens.create(db, user.id, "x", valid=valid) for valid in (timedelta(1), timedelta(9999), None)]
    ages = [(info.expires - info.created).days for _, info in made]
    assert ages == [1, 365, 365]

    clock.advance(86400)
    assert [tokens.lookup(token) is not None for token, _ in made] == [False, True, True]
    assert database.once(tokens.cleanup) == 1


@pytest.mark.sec("ASVS-8.4.1")
def test_another_applications_token(token: str, database: Database, clock: FakeClock) -> None:
    """A token of one application is none of another that shares the table."""
    other = ApiTokens(database, APITokens(), application="other/app", clock=clock)
    assert other.lookup(token) is None


@pytest.mark.sec("TOK-03")
def test_a_token_that_says_whose_it_is(tokens: ApiTokens, token: str, user: User) -> None:
    """With the name of its user before it, it is good; with another one's, it is nobody's."""
    found = tokens.lookup(with_username(user.username, token))

    assert found is not None
    assert found.userid == user.username
    assert tokens.lookup(with_username("eve@example.org", token)) is None


@pytest.mark.sec("TOK-04")
def test_revoked(tokens: ApiTokens, token: str, database: Database, user: User) -> None:
    """It is over at once; a second time there is nothing to revoke."""
    with database.unit() as db:
        (info,) = tokens.list(db, user.id)
        assert tokens.get(db, info.id) == info
        assert tokens.revoke(db, info.id)
        assert not tokens.revoke(db, info.id)
        assert tokens.get(db, info.id) is None
    assert tokens.lookup(token) is None


@pytest.mark.sec("TOK-07")
@pytest.mark.parametrize("text", ["", "x", "\x00" * 40, "é" * 70, "oga_" + "a" * 1_000_000])
def test_malformed(tokens: ApiTokens, text: str, database: Database) -> None:
    """It is nobody's, and no database is asked."""
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    assert tokens.lookup(text) is None
    assert statements == []
