"""The clock that stands still."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from onegov_auth.clock import utcnow
from onegov_auth.testing.clock import FakeClock


def test_it_stands_still(clock: FakeClock) -> None:
    """Asked twice it says the same."""
    assert clock() == clock() == clock.now


def test_it_starts_at_the_present_second(clock: FakeClock) -> None:
    """What real servers sign during a test is valid."""
    assert abs(utcnow() - clock()) < timedelta(seconds=30)
    assert clock().microsecond == 0
    assert clock().tzinfo is UTC


def test_it_can_start_elsewhere() -> None:
    """A moment can be chosen."""
    moment = datetime(2026, 2, 28, tzinfo=UTC)

    assert FakeClock(moment)() == moment


def test_a_naive_moment_is_refused() -> None:
    """A time without a zone is no time."""
    with pytest.raises(ValueError, match="aware"):
        FakeClock(datetime(2026, 2, 28))  # noqa: DTZ001 — what is to be refused


@pytest.mark.parametrize("by", [90, 90.0, timedelta(minutes=1.5)], ids=["int", "float", "timedelta"])
def test_it_is_moved_by_seconds_or_a_timedelta(clock: FakeClock, by: float | timedelta) -> None:
    """Advancing returns the new time."""
    before = clock()

    assert clock.advance(by) == before + timedelta(seconds=90) == clock()


def test_threads_share_it(clock: FakeClock) -> None:
    """No step is lost."""
    before = clock()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(clock.advance, [1] * 400))

    assert clock() == before + timedelta(seconds=400)
