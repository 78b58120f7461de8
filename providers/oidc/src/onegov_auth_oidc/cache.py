"""A value that is fetched once for all who want it at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from onegov_auth.providers import Clock
from onegov_auth_oidc.errors import OIDCUnreachableError

__all__ = ["Cache"]

T = TypeVar("T")


class Cache(Generic[T]):
    """
    Keeps what *fetch* returns; an error goes to those who waited for it, and is never kept.

    Args:
        fetch: Asks the provider; called by one thread at a time.
        clock: The time.
        fresh: How long a value is used without asking again.
        usable: How long an old value is used when a new one can't be had; ``fresh`` if not longer.
        pause: How long after a failure the old value is used without trying again.
    """

    def __init__(
        self,
        fetch: Callable[[], T],
        clock: Clock,
        fresh: timedelta,
        *,
        usable: timedelta = timedelta(),
        pause: timedelta = timedelta(minutes=1),
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._fresh = fresh
        self._usable = usable
        self._pause = pause
        self._lock = threading.Lock()
        self._kept: tuple[T, datetime] | None = None
        self._failed: datetime | None = None
        self._flight: Future[T] | None = None

    def current(self) -> T:
        """
        The value; fetched if it is not fresh.

        Raises:
            OIDCUnreachableError: If there is none that may still be used.
        """
        kept, now = self._kept, self._clock()
        if kept is None:
            return self.fetch()
        value, fetched = kept
        old = now - fetched < self._usable
        if now - fetched < self._fresh or (old and self._failed is not None and now - self._failed < self._pause):
            return value
        try:
            return self.fetch()
        except OIDCUnreachableError:
            self._failed = now
            if not old:
                raise
            return value

    def fetch(self) -> T:
        """A value that is asked for now, or was already being asked for; errors as *fetch* raises them."""
        with self._lock:
            waiting = self._flight
            flight: Future[T] = Future() if waiting is None else waiting
            self._flight = flight
        if waiting is not None:
            return waiting.result()
        try:
            value = self._fetch()
        except BaseException as error:
            self._land(None)
            flight.set_exception(error)
            raise
        self._land((value, self._clock()))
        flight.set_result(value)
        return value

    def latest(self) -> T | None:
        """What is being fetched right now, else what is kept; nothing is asked for. Errors as *fetch* raises them."""
        with self._lock:
            waiting, kept = self._flight, self._kept
        if waiting is not None:
            return waiting.result()
        return kept[0] if kept is not None else None

    def _land(self, kept: tuple[T, datetime] | None) -> None:
        with self._lock:
            self._flight = None
            if kept is not None:
                self._kept, self._failed = kept, None
