from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event, func, select

from onegov_auth.database import Database
from onegov_auth.domain import Step
from onegov_auth.models import Bundle, Grant, PermissionRow, User, UserGroup
from onegov_auth.permissions.grants import Granted, Grants, Right
from onegov_auth.permissions.mapped import Change, MappedGrants, Wanted
from onegov_auth.testing.clock import FakeClock

READ, BOOKS, FINANCE = Right("permission", "invoices.read"), Right("bundle", "Books"), Right("group", "Finance")
ALL = {READ: "accounting", BOOKS: "accounting", FINANCE: "*"}


@pytest.fixture(name="mapped")
def _mapped(clock: FakeClock) -> MappedGrants:
    return MappedGrants(clock=clock)


@pytest.fixture(name="people")
def _people(database: Database) -> list[User]:
    """Three users, and what they may be given."""
    with database.unit() as db:
        users = [User(username=name, password_hash="", role="member") for name in ("ann", "bob", "cleo")]
        db.add_all([*users, PermissionRow(token="invoices.read"), Bundle(name="Books"), UserGroup(name="Finance")])
    return users


@pytest.fixture(name="apply")
def _apply(database: Database, mapped: MappedGrants, people: list[User]) -> Callable[..., Change]:
    """``apply(rules)`` brings Ann up to what *staff* gives her by these rules."""

    def apply(rules: Any, source: str = "staff", *, keep: bool = False) -> Change:
        wanted = {people[0].id: Wanted(rules, keep)}
        return database.once(lambda db: mapped.apply(db, source, wanted)).get(people[0].id, Change())

    return apply


@pytest.fixture(name="held")
def _held(database: Database, people: list[User], clock: FakeClock) -> Callable[[], list[Granted]]:
    """``held()`` is all that Ann has."""

    def held() -> list[Granted]:
        with database.read() as db:
            return Grants(clock=clock).of(db, db.get_one(User, people[0].id))

    return held


def stamps(database: Database) -> list[int]:
    """The rights' stamps of everybody."""
    with database.read() as db:
        return list(db.scalars(select(User.rights_stamp).order_by(User.username)))


def test_they_come_and_go(apply: Callable[..., Change], held: Any, database: Database) -> None:
    """What the groups give is given with its rule, and taken away when they give it no more; stamps move with it."""
    before = stamps(database)
    assert apply(ALL) == Change(given=(BOOKS, FINANCE, READ))
    assert held() == [Granted(right, "staff", ALL[right]) for right in (READ, BOOKS, FINANCE)]
    assert apply({READ: "accounting"}) == Change(taken=(BOOKS, FINANCE))
    assert held() == [Granted(READ, "staff", "accounting")]
    assert apply({}).detail == "- permission invoices.read"
    after = stamps(database)
    assert (after[0], after[1:]) == (before[0] + 3, before[1:])


def test_the_same_again_writes_nothing(apply: Callable[..., Change], database: Database) -> None:
    """Where nothing differs one statement is run, and it reads."""
    apply(ALL)
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))

    assert not apply(ALL)
    assert [statement.split()[0] for statement in statements] == ["SELECT"]


def test_another_group_that_gives_it(apply: Callable[..., Change], held: Any, database: Database) -> None:
    """A right that another group gives now stays the same right, under that group's name."""
    apply({READ: "accounting"})
    before = stamps(database)

    assert not apply({READ: "audit"})
    assert held() == [Granted(READ, "staff", "audit")]
    assert stamps(database) == before


def test_where_nothing_is_said_nothing_is_taken(apply: Callable[..., Change], held: Any) -> None:
    """A source that says nothing of groups takes nothing away; what anybody gets is given all the same."""
    apply({READ: "accounting"})

    assert apply({FINANCE: "*", READ: "*"}, keep=True) == Change(given=(FINANCE,))
    assert held() == [Granted(READ, "staff", "accounting"), Granted(FINANCE, "staff", "*")]


def test_others_are_not_touched(
    apply: Callable[..., Change], held: Any, database: Database, people: list[User], clock: FakeClock
) -> None:
    """What was given by hand, and what another provider gave, lies beside it and stays."""
    by_hand = Grants(clock=clock)
    until = clock() + timedelta(days=1)
    database.once(lambda db: by_hand.give(db, db.get_one(User, people[0].id), permission="invoices.read"))
    database.once(lambda db: by_hand.give(db, db.get_one(User, people[0].id), bundle="Books", until=until))
    apply({READ: "g"}, "company")
    apply({READ: "accounting", BOOKS: "accounting"})
    assert len(held()) == 5

    apply({})
    assert held() == [Granted(READ), Granted(READ, "company", "g"), Granted(BOOKS, expires=until)]
    database.once(lambda db: by_hand.withdraw(db, db.get_one(User, people[0].id), permission="invoices.read"))
    assert held() == [Granted(READ, "company", "g"), Granted(BOOKS, expires=until)]


def test_what_is_not_there_is_left_out(apply: Callable[..., Change], held: Any, mapped: Any, database: Any) -> None:
    """What the settings give and isn't there is named, and keeps nobody from the rest."""
    gone = Right("bundle", "Gone")
    change = apply({gone: "accounting", READ: "accounting"})

    assert change == Change(given=(READ,), missing=(gone,))
    assert change.steps == (Step("grants", "+ permission invoices.read"), Step("grants", "there is no bundle Gone"))
    assert [one.right for one in held()] == [READ]
    with database.read() as db:
        assert mapped.missing(db, [gone, READ]) == [gone]


def test_what_ended_goes(apply: Callable[..., Change], database: Database, people: list[User], clock: Any) -> None:
    """Rows by hand that have ended are deleted by the way."""
    until = clock() + timedelta(seconds=1)
    give = Grants(clock=clock).give
    database.once(lambda db: give(db, db.get_one(User, people[0].id), permission="invoices.read", until=until))
    clock.advance(1)

    assert not apply({})
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(Grant)) == 0


def test_many_at_once(database: Database, mapped: MappedGrants, people: list[User]) -> None:
    """For many people there are as many statements as for one."""
    counts = []
    for keys in ([people[0].id], [user.id for user in people]):
        statements: list[str] = []
        event.listen(database.engine, "before_cursor_execute", lambda *given, to=statements: to.append(given[2]))
        wanted = {key: Wanted(ALL) for key in keys}
        database.once(partial(mapped.apply, source="staff", people=wanted))
        counts.append(len(statements))
        database.once(lambda db: mapped.take_away(db, "staff"))

    assert counts[0] == counts[1]


def test_logins_and_syncs_at_once(apply: Callable[..., Change], held: Any) -> None:
    """Of several who bring the same person up to date at once, one changes something, and there is one row of each."""
    with ThreadPoolExecutor(4) as threads:
        changes = list(threads.map(apply, [ALL] * 8))

    assert sorted(len(change.given) for change in changes) == [0] * 7 + [3]
    assert len(held()) == 3


def test_take_away(database: Database, mapped: MappedGrants, people: list[User]) -> None:
    """What a provider gave can be taken from some, or from everybody; nothing of others is touched."""
    keys = [user.id for user in people]
    for source in ("staff", "company"):
        database.once(partial(mapped.apply, source=source, people={key: Wanted(ALL) for key in keys}))
    before = stamps(database)

    assert database.once(lambda db: mapped.take_away(db, "staff", [])) == {}
    assert database.once(lambda db: mapped.take_away(db, "staff", keys[:1])) == {keys[0]: 3}
    assert database.once(lambda db: mapped.take_away(db, "staff")) == {keys[1]: 3, keys[2]: 3}
    assert stamps(database) == [stamp + 1 for stamp in before]
    with database.read() as db:
        assert (mapped.any(db, "staff"), mapped.any(db, "company")) == (False, True)
        assert mapped.held_of(db, "company") == dict.fromkeys(keys, 3)
