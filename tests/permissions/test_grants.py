from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, select, text

from onegov_auth.database import Database
from onegov_auth.errors import UnknownRightError
from onegov_auth.models import DEFAULT, Bundle, Grant, PermissionRow, User, UserGroup
from onegov_auth.permissions.effective import Rights
from onegov_auth.permissions.grants import Granted, Grants, Right
from onegov_auth.testing.clock import FakeClock

READ = Right("permission", "invoices.read")


@pytest.fixture(name="grants")
def _grants(clock: FakeClock) -> Grants:
    return Grants(clock=clock)


@pytest.fixture(name="ann")
def _ann(database: Database) -> User:
    """Ann, and something she may be given."""
    with database.unit() as db:
        ann = User(username="ann", password_hash="", role="member")
        db.add_all([ann, PermissionRow(token="invoices.read"), Bundle(name="Bookkeeping"), UserGroup(name="Finance")])
    return ann


@pytest.fixture(name="do")
def _do(database: Database, ann: User) -> Callable[..., Any]:
    """``do(grants.give, permission="…")`` does it to Ann in a unit of its own."""

    def do(what: Callable[..., Any], **named: Any) -> Any:
        return database.once(lambda db: what(db, db.get_one(User, ann.id), **named))

    return do


@pytest.fixture(name="stamp")
def _stamp(database: Database) -> Callable[[], int]:
    """``stamp()`` is Ann's rights stamp."""

    def stamp() -> int:
        with database.read() as db:
            return db.scalars(select(User.rights_stamp)).one()

    return stamp


@pytest.mark.parametrize(
    "named", [{"permission": "invoices.read"}, {"bundle": "Bookkeeping"}, {"group": "Finance"}], ids=str
)
@pytest.mark.parametrize("days", [None, 1])
def test_what_is_given_can_be_withdrawn(
    grants: Grants, do: Callable[..., Any], stamp: Callable[[], int], clock: FakeClock, named: Any, days: int | None
) -> None:
    """Everything can be given by hand, with an end or without, and taken away; both move the rights' stamp."""
    until = None if days is None else clock() + timedelta(days=days)
    ((kind, name),) = named.items()
    before = stamp()

    assert do(grants.give, until=until, **named) is True
    assert do(grants.of) == [Granted(Right(kind, name), expires=until)]
    given = stamp()
    assert do(grants.withdraw, **named) is True
    assert do(grants.of) == []
    assert do(grants.withdraw, **named) is False
    assert before < given < stamp()


def test_what_is_given_counts(database: Database, grants: Grants, do: Callable[..., Any], ann: User) -> None:
    """The relationships of a user who is loaded show at once what was given."""

    def work(db: Any) -> tuple[int, int]:
        user = db.get_one(User, ann.id)
        before = len(user.permissions)
        grants.give(db, user, permission="invoices.read")
        return before, len(user.permissions)

    assert database.once(work) == (0, 1)
    del do


def test_given_twice_is_given_once(grants: Grants, do: Callable[..., Any]) -> None:
    """Who gives again what was given changes nothing."""
    assert [do(grants.give, permission="invoices.read") for _ in range(3)] == [True, False, False]
    assert do(grants.of) == [Granted(READ)]


@pytest.mark.parametrize("days", [None, 1], ids=["timeless", "dated"])
def test_given_at_once_is_given_once(
    grants: Grants, do: Callable[..., Any], clock: FakeClock, database: Database, days: int | None
) -> None:
    """Of several who give the same thing at once one is told that it changed something, and there is one row."""
    until = None if days is None else clock() + timedelta(days=days)
    with ThreadPoolExecutor(4) as threads:
        futures = [threads.submit(do, grants.give, permission="invoices.read", until=until) for _ in range(8)]
        told = [future.result() for future in futures]

    assert sorted(told) == [False] * 7 + [True]
    with database.read() as db:
        rows = [db.scalar(select(func.count()).select_from(table)) for table in (Grant, DEFAULT.user_permissions)]
    assert sum(map(int, map(str, rows))) == 1


def test_the_later_word_on_the_end_counts(grants: Grants, do: Callable[..., Any], clock: FakeClock) -> None:
    """An end can be set, moved and taken away: there is one grant by hand at any time."""
    soon, later = clock() + timedelta(days=1), clock() + timedelta(days=2)
    for until in (soon, later, None, soon):
        assert do(grants.give, bundle="Bookkeeping", until=until) is True
        assert do(grants.of) == [Granted(Right("bundle", "Bookkeeping"), expires=until)]


def test_it_ends_at_its_second(
    grants: Grants, do: Callable[..., Any], clock: FakeClock, database: Database, ann: User, stamp: Callable[[], int]
) -> None:
    """A right with an end counts until then and not from then on, in processes that have asked before as well."""
    do(grants.give, permission="invoices.read", until=clock() + timedelta(seconds=10))
    processes = [Rights(database, clock=clock) for _ in range(2)]

    def answers() -> list[bool]:
        return [rights.has(ann.id.hex, stamp(), "invoices.read") for rights in processes]

    clock.advance(9)
    assert answers() == [True, True]
    clock.advance(1)
    assert answers() == [False, False]
    assert do(grants.of) == []


def test_cleanup(grants: Grants, do: Callable[..., Any], clock: FakeClock, database: Database) -> None:
    """Cleaning up deletes what has ended, and nothing else."""
    do(grants.give, permission="invoices.read", until=clock() + timedelta(seconds=10))
    do(grants.give, bundle="Bookkeeping", until=clock() + timedelta(days=10))
    clock.advance(10)

    assert database.once(grants.cleanup) == 1
    assert database.once(grants.cleanup) == 0
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(Grant)) == 1


def test_what_ended_can_be_given_again(grants: Grants, do: Callable[..., Any], clock: FakeClock) -> None:
    """A row that has ended is in nobody's way."""
    do(grants.give, group="Finance", until=clock() + timedelta(seconds=10))
    clock.advance(10)

    assert do(grants.withdraw, group="Finance") is False
    assert do(grants.give, group="Finance") is True
    assert do(grants.of) == [Granted(Right("group", "Finance"))]


def test_what_is_not_there_is_not_given(grants: Grants, do: Callable[..., Any]) -> None:
    """There is nothing to give or withdraw that isn't there, or that is of another kind."""
    with pytest.raises(UnknownRightError, match=r"There is no bundle invoices\.read\."):
        do(grants.give, bundle="invoices.read")
    with pytest.raises(UnknownRightError):
        do(grants.withdraw, permission="invoices.write")


@pytest.mark.parametrize("named", [{}, {"permission": "invoices.read", "group": "Finance"}], ids=["nothing", "two"])
def test_one_thing_is_named(grants: Grants, do: Callable[..., Any], named: dict[str, str]) -> None:
    """Nothing, and two things at once, are a mistake in the program."""
    with pytest.raises(ValueError, match="name one"):
        do(grants.give, **named)


def test_nothing_is_given_for_the_past(grants: Grants, do: Callable[..., Any], clock: FakeClock) -> None:
    """An end that has passed is refused."""
    with pytest.raises(ValueError, match="over already"):
        do(grants.give, permission="invoices.read", until=clock())


def test_of_two_groups_the_older_one_is_meant(
    grants: Grants, do: Callable[..., Any], database: Database, clock: FakeClock
) -> None:
    """Names of groups need not be unique; the older group of a name is given."""
    with database.unit() as db:
        db.execute(delete(UserGroup))
        old = UserGroup(name="Finance", created=clock() - timedelta(days=9))
        db.add_all([UserGroup(name="Finance", created=clock()), old])
    do(grants.give, group="Finance")

    with database.read() as db:
        assert list(db.scalars(select(DEFAULT.user_groups.c.group_id))) == [old.id]


def test_a_group_without_a_name(grants: Grants, do: Callable[..., Any], database: Database) -> None:
    """A group that lost its name is listed without one."""
    do(grants.give, group="Finance")
    with database.unit() as db:
        db.execute(text("UPDATE groups SET name = NULL"))

    assert do(grants.of) == [Granted(Right("group", ""))]
