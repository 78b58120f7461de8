"""The thread that sends what waits."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from onegov_auth.mail.background import LONGEST, SHORTEST, Background

#: Seconds after which what was to happen has not.
PATIENCE = 20


class Work:
    """Counts how often it is done, and where; says when there is more to do."""

    def __init__(self, *rests: Any) -> None:
        self.rests = list(rests)
        self.done = threading.Semaphore(0)
        self.threads: set[int] = set()

    def __call__(self) -> timedelta | None:
        """Once more."""
        self.threads.add(threading.get_ident())
        rest = self.rests.pop(0) if self.rests else None
        self.done.release()
        if isinstance(rest, Exception):
            raise rest
        return rest

    def wait(self) -> bool:
        """Whether it is done within a while."""
        return self.done.acquire(timeout=PATIENCE)


@pytest.fixture(name="work")
def _work() -> Work:
    return Work()


@pytest.fixture(name="background")
def _background(work: Work) -> Iterator[Background]:
    background = Background(work)
    yield background
    background.close()


def test_nothing_runs_unasked(background: Background, work: Work) -> None:
    """There is no thread before there is something to do."""
    assert not any(thread.name == "onegov_auth mail" for thread in threading.enumerate())
    assert not work.threads
    background.close()


@pytest.mark.sec("ENUM-04")
def test_another_thread_works(background: Background, work: Work) -> None:
    """Whoever wakes it does not do the work; one thread does all of it."""
    background.wake()
    assert work.wait()
    background.wake()
    assert work.wait()

    assert len(work.threads) == 1
    assert threading.get_ident() not in work.threads


def test_what_is_left_is_done_later() -> None:
    """When the work says that there is more soon, it is done again without being asked."""
    work = Work(timedelta(0))
    background = Background(work)
    background.wake()

    assert work.wait()
    assert work.wait()
    background.close()


@pytest.mark.parametrize(
    ("rest", "pause"),
    [(None, None), (timedelta(-5), SHORTEST), (timedelta(seconds=9), 9.0), (timedelta(days=1), LONGEST)],
)
def test_pauses(rest: timedelta | None, pause: float | None) -> None:
    """It looks neither all the time nor never again."""
    assert Background(Work(rest))._once() == pause


def test_a_database_that_is_gone(caplog: pytest.LogCaptureFixture) -> None:
    """A table that can't be read ends no thread: it is said, and tried again, and the address is not repeated."""
    caplog.set_level(logging.WARNING, "onegov_auth.mail")

    assert Background(Work(OperationalError("SELECT CANARY", {}, Exception("down"))))._once() == LONGEST / 20
    assert caplog.messages == ["The outbox can't be read: OperationalError"]


def test_closed(background: Background, work: Work) -> None:
    """After the end nothing is begun any more."""
    background.wake()
    assert work.wait()
    background.close()
    background.wake()

    assert not work.done.acquire(blocking=False)
    assert not any(thread.name == "onegov_auth mail" for thread in threading.enumerate())


def test_after_a_fork(background: Background, work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was forked begins a thread of its own: the parent's is not there."""
    background.wake()
    assert work.wait()
    parents, lock = background._thread, background._lock
    monkeypatch.setattr(os, "getpid", lambda: -1)
    background.wake()
    assert work.wait()

    assert background._thread is not parents
    assert background._lock is not lock
    monkeypatch.undo()
    background._process = os.getpid()
    background.close()
    assert parents is not None
