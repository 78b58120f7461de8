"""A thread that sends what waits, so that no request does."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

__all__ = ["Background"]

log = logging.getLogger("onegov_auth.mail")

#: Seconds between two looks at a table that can't be read, or where something waits: not more often, not less.
SHORTEST, LONGEST = 1.0, 600.0


class Background:
    """
    Calls *work* in a thread, soon after :meth:`wake` and when *work* says that there is more to do.

    The thread is begun when it is needed first, and anew in a process that was forked since.

    Args:
        work: Does what is to be done, and says after how long there is more; ``None`` for not before it is woken.
    """

    def __init__(self, work: Callable[[], timedelta | None]) -> None:
        self._work = work
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None
        self._closed = False

    def wake(self) -> None:
        """Have the work done soon; returns at once."""
        if self._process != os.getpid():
            # Threads do not survive a fork, and a lock may have been held while it happened.
            self._begin()
        self._woken.set()
        with self._lock:
            if not self._closed and (self._thread is None or not self._thread.is_alive()):
                self._thread = threading.Thread(target=self._run, name="onegov_auth mail", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """End the thread, after what it is doing; :meth:`wake` does nothing any more."""
        with self._lock:
            self._closed = True
            thread = self._thread
        self._woken.set()
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        pause: float | None = None
        while True:
            self._woken.wait(pause)
            self._woken.clear()
            if self._closed:
                return
            pause = self._once()

    def _once(self) -> float | None:
        try:
            rest = self._work()
        except SQLAlchemyError as error:
            log.warning("The outbox can't be read: %s", type(error).__name__)
            return LONGEST / 20
        return None if rest is None else min(max(rest.total_seconds(), SHORTEST), LONGEST)
