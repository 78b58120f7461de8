"""A clock that stands still until it is moved."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Lock

from onegov_auth.clock import utcnow

__all__ = ["FakeClock"]


class FakeClock:
    """
    A :data:`onegov_auth.clock.Clock` for tests: ``clock()`` is the time, ``clock.advance(60)`` a minute later.

    Safe to share between threads.

    Args:
        start: Aware; the present second unless given, so that what real servers sign is valid now.
    """

    def __init__(self, start: datetime | None = None) -> None:
        if start is not None and start.tzinfo is None:
            raise ValueError("a clock needs an aware datetime")
        self._now = start or utcnow().replace(microsecond=0)
        self._lock = Lock()

    def __call__(self) -> datetime:
        """The time this clock shows, aware and in UTC."""
        with self._lock:
            return self._now

    @property
    def now(self) -> datetime:
        """The time this clock shows."""
        return self()

    def advance(self, by: float | timedelta) -> datetime:
        """Move the clock by seconds or a timedelta, backwards if negative; returns the new time."""
        step = by if isinstance(by, timedelta) else timedelta(seconds=by)
        with self._lock:
            self._now += step
            return self._now
