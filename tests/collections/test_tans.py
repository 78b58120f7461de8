"""Tests of making and answering with TANs."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from onegov_auth.collections import TANCollection
from onegov_auth.collections.tans import ALPHABET, MAX_FAILURES, generate_tan
from onegov_auth.database import Database
from onegov_auth.models import TAN
from onegov_auth.models.context import CONTEXT
from onegov_auth.testing.clock import FakeClock


@pytest.fixture(name="tans")
def _tans(session: Session) -> TANCollection:
    return TANCollection(session, "login")


@pytest.mark.sec("ASVS-6.5.3", "ASVS-6.5.4", "NIST-24")
def test_a_tan_can_be_read_out() -> None:
    """Six characters that nobody takes for others, each time different ones."""
    made = {generate_tan() for _ in range(100)}
    assert len(made) == 100
    assert all(len(tan) == 6 and set(tan) <= set(ALPHABET) for tan in made)
    assert not set(ALPHABET) & set("O0")


def test_a_tan_is_found(tans: TANCollection, clock: FakeClock) -> None:
    """By its clear text and by the address, with what it is bound to."""
    made = tans.add(client="192.0.2.1", username="ann")
    assert tans.by_tan(made.tan) is tans.by_client("192.0.2.1").one() is made
    assert (made.meta, made.created, made.scope) == ({"username": "ann"}, clock(), "login")
    assert tans.by_tan("WRONG1") is None
    assert tans.by_client("192.0.2.2").all() == []


def test_a_tan_of_another_scope_is_not_found(tans: TANCollection, session: Session) -> None:
    """A TAN is good for one purpose."""
    made = tans.add(client="x")
    assert TANCollection(session, "other").by_tan(made.tan) is None


@pytest.mark.parametrize(("expires_after", "seconds"), [(timedelta(hours=1), 3600), (timedelta(seconds=5), 5)])
def test_a_tan_expires(session: Session, clock: FakeClock, expires_after: timedelta, seconds: int) -> None:
    """To the second; one made earlier expires earlier."""
    tans = TANCollection(session, "login", expires_after)
    tan = tans.add(client="x").tan
    old = tans.add(client="x", created=clock() - timedelta(seconds=1)).tan
    clock.advance(seconds - 1)
    assert tans.by_tan(tan) is not None
    assert tans.by_tan(old) is None
    clock.advance(1)
    assert tans.by_tan(tan) is None
    assert not tans.use(tan)


def test_a_tan_may_be_valid_for_ever(session: Session, clock: FakeClock) -> None:
    """Without a limit, age does not count."""
    tans = TANCollection(session, "login", None)
    tan = tans.add(client="x").tan
    clock.advance(10_000_000)
    assert tans.use(tan)


def test_a_stolen_table_tells_no_tan(tans: TANCollection, session: Session) -> None:
    """What is stored depends on a key, and without keys at least on the scope."""
    tan = tans.add(client="x").tan
    keyed = session.scalar(text("SELECT hashed_tan FROM tans"))
    del session.info[CONTEXT]
    assert tans.by_tan(tan) is None
    plain = tans.add(client="x")
    assert tans.by_tan(plain.tan) is plain
    assert len({keyed, plain.hashed_tan, tan}) == 3


@pytest.mark.sec("RACE-06")
def test_a_tan_is_right_once(tans: TANCollection, session: Session) -> None:
    """The second time it is wrong, and so are the others that were asked for."""
    first, second = tans.add(client="x", username="ann").tan, tans.add(client="x", username="ann").tan
    other = tans.add(client="x", username="bob").tan
    assert tans.use(first, username="ann")
    assert not tans.use(first, username="ann")
    assert not tans.use(second, username="ann")
    session.commit()
    assert [tan.meta for tan in tans.query()] == [{"username": "bob"}]
    assert tans.use(other, username="bob")


def test_a_tan_is_bound(tans: TANCollection) -> None:
    """Somebody else's TAN, or one bound to something else, is no answer."""
    tan = tans.add(client="x", username="ann", number="+41").tan
    assert not tans.use(tan, username="bob", number="+41")
    assert not tans.use(tan, username="ann", number="+42")
    assert tans.use(tan, username="ann", number="+41")


@pytest.mark.parametrize("wrong", [MAX_FAILURES - 1, MAX_FAILURES])
def test_too_many_wrong_answers_void_a_tan(tans: TANCollection, session: Session, wrong: int) -> None:
    """The right answer comes too late after five wrong ones; somebody else's TAN is not touched."""
    tan = tans.add(client="x", username="ann").tan
    other = tans.add(client="x", username="bob").tan
    for _ in range(wrong):
        assert not tans.use("WRONG1", username="ann")
        session.commit()
    assert tans.use(tan, username="ann") is (wrong < MAX_FAILURES)
    assert tans.use(other, username="bob")


@pytest.mark.sec("RACE-06", "RACE-09")
def test_answers_at_once_are_counted(database: Database, session: Session, tans: TANCollection) -> None:
    """Of twenty right answers at the same moment one is right; of twenty wrong ones five are looked at."""
    tan = tans.add(client="x", username="ann").tan
    tans.add(client="x", username="bob")
    session.commit()
    right: list[bool] = []
    barrier = threading.Barrier(20)

    def answer(number: int) -> None:
        barrier.wait()
        with database.unit() as db:
            used = TANCollection(db, "login").use(tan, username="ann" if number % 2 else "bob")
        right.append(used)

    threads = [threading.Thread(target=answer, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    session.expire_all()
    failures = session.scalars(select(TAN.failures).order_by(TAN.failures)).all()
    assert (right.count(True), len(right)) == (1, 20)
    assert max(failures) == MAX_FAILURES
