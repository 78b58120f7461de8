"""Tests of one sync at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from onegov_auth.accounts.sync import Report
from onegov_auth.accounts.sync.lease import EXPIRES, Lease
from onegov_auth.database import Database
from onegov_auth.domain import VerifiedIdentity
from onegov_auth.errors import SyncLostError
from onegov_auth.models import DEFAULT, DirectorySync, User
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.providers import KnownDirectory


@pytest.fixture(name="lease")
def _lease(database: Database, clock: FakeClock) -> Callable[..., Lease]:
    """``lease(holder, source="staff")``."""

    def lease(holder: str, source: str = "staff") -> Lease:
        return Lease(database, DEFAULT, clock, source, holder)

    return lease


def test_one_run_has_the_right(lease: Callable[..., Lease], database: Database) -> None:
    """Whoever comes second waits until the first has let go; another directory is no concern."""
    first, second = lease("first"), lease("second")

    assert first.take()
    assert not second.take()
    assert lease("second", "company").take()
    first.release()
    assert second.take()
    with database.read() as db:
        assert db.get_one(DirectorySync, "staff").holder == "second"


def test_a_killed_run_does_not_block_forever(lease: Callable[..., Lease], clock: FakeClock) -> None:
    """A sign of life keeps the right; without one, another run has it in the end."""
    first, second = lease("first"), lease("second")
    first.take()
    clock.advance(EXPIRES.total_seconds() - 1)
    first.beat()
    clock.advance(EXPIRES.total_seconds())
    assert not second.take()
    clock.advance(1)
    assert second.take()


def test_who_lost_the_right_writes_nothing(lease: Callable[..., Lease], database: Database, clock: FakeClock) -> None:
    """A run that wakes up too late is stopped by its own next unit of work, and can't take the right away again."""
    first, second = lease("first"), lease("second")
    first.take()
    clock.advance(EXPIRES.total_seconds() + 1)
    second.take()

    with pytest.raises(SyncLostError), database.unit() as db:
        db.add(User(username="ann", password_hash="", role="member"))
        first.keep(db)
    first.release()

    with database.read() as db:
        assert db.scalars(select(User)).all() == []
        assert db.get_one(DirectorySync, "staff").holder == "second"


def test_of_many_at_once_one_gets_it(lease: Callable[..., Lease]) -> None:
    """Decided by the database, whoever asks first."""
    barrier = threading.Barrier(8)

    def take(number: int) -> bool:
        barrier.wait()
        return lease(f"run {number}").take()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(8))) == 1


@dataclass(frozen=True, kw_only=True)
class Slow(KnownDirectory):
    """A directory that waits, once it began, until it may go on."""

    began: threading.Event
    go_on: threading.Event

    def people(self) -> Iterator[VerifiedIdentity]:
        """Everybody, later."""
        self.began.set()
        assert self.go_on.wait(10)
        yield from super().people()


def test_a_second_run_is_refused_while_the_first_is_at_it(
    make_sync: Callable[..., Any], directory: KnownDirectory, database: Database
) -> None:
    """It reads nothing and says so; afterwards it may run."""
    slow = Slow(name="staff", listed=directory.listed, began=threading.Event(), go_on=threading.Event())
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(make_sync(directory=slow).run)
        assert slow.began.wait(10)
        second: Report = make_sync().run()
        rehearsal: Report = make_sync().run(dry_run=True)
        slow.go_on.set()

        assert first.result().code == "ok"
    assert second.code == "running"
    assert rehearsal.code == "ok"
    assert make_sync().run().code == "ok"
    with database.read() as db:
        assert len(db.scalars(select(User)).all()) == 3


@dataclass(frozen=True, kw_only=True)
class Sleepy(KnownDirectory):
    """A directory that is so slow that another run takes over meanwhile."""

    clock: FakeClock
    meanwhile: Callable[[], object]

    def people(self) -> Iterator[VerifiedIdentity]:
        """Everybody, much later."""
        self.clock.advance((EXPIRES + timedelta(seconds=1)).total_seconds())
        self.meanwhile()
        yield from super().people()


def test_a_run_that_was_taken_over_stops(
    make_sync: Callable[..., Any], directory: KnownDirectory, clock: FakeClock, lease: Callable[..., Lease]
) -> None:
    """It changes nothing any more, and the other one keeps the right."""
    other = lease("other")
    sleepy = Sleepy(name="staff", listed=directory.listed, clock=clock, meanwhile=other.take)

    assert make_sync(directory=sleepy).run().code == "lost"
    assert not lease("third").take()


def test_a_run_that_is_taken_over_while_it_writes_stops(
    make_sync: Callable[..., Any],
    clock: FakeClock,
    lease: Callable[..., Lease],
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was committed before stays; nothing is written beside the other run."""
    monkeypatch.setattr("onegov_auth.accounts.sync.run.BATCH", 1)

    def take_over(phase: str, done: int, _of: int) -> None:
        if (phase, done) == ("apply", 2):
            clock.advance((EXPIRES + timedelta(seconds=1)).total_seconds())
            lease("other").take()

    assert make_sync().run(progress=take_over).code == "lost"
    with database.read() as db:
        assert set(db.scalars(select(User.username))) == {"ann", "bob"}


def test_the_right_is_let_go_of_when_something_breaks(
    make_sync: Callable[..., Any], directory: KnownDirectory, lease: Callable[..., Lease]
) -> None:
    """An application's hook that fails blocks no later run."""

    def fail(_identity: VerifiedIdentity) -> None:
        raise RuntimeError("a mistake")

    with pytest.raises(RuntimeError, match="a mistake"):
        make_sync(hooks={"map_identity": fail}).run()
    assert lease("next").take()
