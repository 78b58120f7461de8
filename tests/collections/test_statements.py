"""Tests of what finding users costs: statements and indexes, with many users."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, insert, inspect, text
from sqlalchemy.orm import Session

from onegov_auth.collections import UserCollection
from onegov_auth.database import Database
from onegov_auth.models import User, UserFactor

COUNT = 3000


@pytest.fixture(name="crowd")
def _crowd(database: Database, session: Session) -> Session:
    """Three thousand users, each with a YubiKey, a provider and a tag."""
    ids = [uuid4() for _ in range(COUNT)]
    session.execute(insert(User), [_user(number, id_) for number, id_ in enumerate(ids)])
    session.execute(insert(UserFactor), [_yubikey(number, id_) for number, id_ in enumerate(ids)])
    session.commit()
    session.execute(text("ANALYZE"))
    session.commit()
    return session


def _user(number: int, id_: UUID) -> dict[str, object]:
    return {
        "id": id_,
        "username": f"user{number}",
        "password_hash": "",
        "role": "member",
        "source": "ldap",
        "source_id": str(number),
        "data": {"tags": [f"tag{number}"]},
    }


def _yubikey(number: int, id_: UUID) -> dict[str, object]:
    digits = "".join("cbdefghijk"[int(digit)] for digit in f"{number:012}")
    return {"id": uuid4(), "user_id": id_, "type": "yubikey", "key": digits, "data": {}}


@contextmanager
def statements(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """The statements that are sent meanwhile."""
    sent: list[tuple[str, Any]] = []

    def listen(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        sent.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", listen)
    yield sent
    event.remove(database.engine, "before_cursor_execute", listen)


INDEXED: dict[str, Callable[[UserCollection], object]] = {
    "by_yubikey": lambda users: users.by_yubikey("cccccccccbbb"),
    "by_yubikey_inactive": lambda users: users.by_yubikey("cccccccccbbb", active_only=False),
    "by_source_id": lambda users: users.by_source_id("ldap", "111"),
    "exists": lambda users: users.exists("User111"),
    "by_username": lambda users: users.by_username("User111"),
}

AT_ONCE: dict[str, Callable[[UserCollection], object]] = {
    "usernames_by_tags": lambda users: users.usernames_by_tags(["tag111"]) == ("user111",),
    "tags": lambda users: len(users.tags) == COUNT,
    "sources": lambda users: users.sources == ("ldap",),
    "usernames": lambda users: len(users.usernames) == COUNT,
}


@pytest.mark.parametrize("find", INDEXED.values(), ids=list(INDEXED))
def test_a_user_is_found_by_one_indexed_statement(
    database: Database, crowd: Session, find: Callable[[UserCollection], object]
) -> None:
    """However many users there are, the database looks at one, and says so."""
    with statements(database) as sent:
        assert find(UserCollection(crowd))
    assert len(sent) == 1
    explain = "EXPLAIN QUERY PLAN " if database.dialect == "sqlite" else "EXPLAIN "
    rows = crowd.connection().exec_driver_sql(explain + sent[0][0], sent[0][1])
    plan = "\n".join(str(row) for row in rows)
    scans = ("SCAN users", "SCAN user_factors", "Seq Scan")
    assert not any(scan in plan for scan in scans), plan
    assert "ndex" in plan.replace("INDEX", "Index"), plan


@pytest.mark.parametrize("ask", AT_ONCE.values(), ids=list(AT_ONCE))
def test_a_list_is_one_statement_and_loads_no_user(
    database: Database, crowd: Session, ask: Callable[[UserCollection], object]
) -> None:
    """Lists are made by the database."""
    with statements(database) as sent:
        assert ask(UserCollection(crowd))
    assert len(sent) == 1
    assert [thing for thing in crowd if isinstance(thing, User)] == []


def test_exists_loads_no_user(database: Database, crowd: Session) -> None:
    """Whether there is somebody is answered without the user."""
    assert UserCollection(crowd).exists("user1")
    assert list(crowd) == []


def test_lookups_have_their_indexes(database: Database) -> None:
    """The indexes that lookups rely on are there on both databases."""
    inspector = inspect(database.engine)

    def indexed(table: str) -> set[tuple[str, ...]]:
        names: list[list[str | None]] = [index["column_names"] for index in inspector.get_indexes(table)]
        names.extend(list(unique["column_names"]) for unique in inspector.get_unique_constraints(table))
        return {tuple(map(str, columns)) for columns in names}

    with pytest.warns() if database.dialect == "sqlite" else _quiet():
        users = indexed("users")
    assert {("username",), ("username_key",), ("source", "source_id")} <= users
    assert ("source", "source_id") in indexed("user_identities")
    assert ("type", "key") in indexed("user_factors")
    assert ("token_hash",) in indexed("user_sessions")


@contextmanager
def _quiet() -> Iterator[None]:
    yield
