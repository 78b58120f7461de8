"""
Connections opened ahead, for people's binds.

A bind proves one person's password on a connection of its own, which is closed afterwards (LDAP-04). Opening it takes
longer than all the rest of a login, most of it the TLS handshake, so the next one is opened while nobody waits.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from onegov_auth_ldap.errors import DirectoryError
from onegov_auth_ldap.session import Session

__all__ = ["MAX_SPARES", "MAX_WAIT", "Spares"]

log = logging.getLogger("onegov_auth.ldap")

#: How many wait at most: as many people as logged in at once lately, never more.
MAX_SPARES = 8

#: Seconds one waits; firewalls forget a silent connection after minutes, servers end one sooner.
MAX_WAIT = 20.0


class Spares:
    """
    Opens connections in a thread of its own, which ends when nobody logs in any more.

    A spare was never bound; whoever takes it owns it. A failure to open one is nobody's: the next login opens its own
    connection and says what is wrong.

    Args:
        opener: Opens a connection to the server that is to be asked first.
        now: Seconds of a clock that never goes back.
    """

    def __init__(self, opener: Callable[[], Session], now: Callable[[], float] = time.monotonic) -> None:
        self._open = opener
        self._now = now
        self._changed = threading.Condition()
        self._waiting: deque[tuple[float, Session]] = deque()
        self._wanted = 0
        self._opening = 0
        self._closed = 0
        self._worker: threading.Thread | None = None

    def take(self, url: str) -> Session | None:
        """
        A connection to this server that nobody used, or ``None``; in any case another one is opened for the next.

        Args:
            url: The server that is to be asked first.
        """
        taken, useless = self._pick(url)
        for session in useless:
            session.close()
        self._order(1)
        return taken

    def close(self) -> None:
        """Close what waits, and open no more."""
        with self._changed:
            waiting, self._waiting = self._waiting, deque()
            self._wanted = 0
            self._closed += 1
            self._changed.notify()
        for _, session in waiting:
            session.close()

    def _pick(self, url: str) -> tuple[Session | None, list[Session]]:
        useless: list[Session] = []
        while True:
            with self._changed:
                if not self._waiting:
                    return None, useless
                opened, session = self._waiting.popleft()
            if session.url == url and self._now() - opened < MAX_WAIT and session.usable():
                return session, useless
            useless.append(session)

    def _order(self, count: int) -> None:
        with self._changed:
            room = MAX_SPARES - len(self._waiting) - self._opening
            self._wanted = min(self._wanted + count, room)
            if self._worker is None and self._wanted > 0:
                self._begin()
            self._changed.notify()

    def _begin(self) -> None:
        worker = threading.Thread(target=self._work, name="onegov-auth-ldap-spares", daemon=True)
        try:
            worker.start()
        except RuntimeError as error:
            # A system that is out of threads, or an interpreter that ends: a login does without.
            self._wanted = 0
            log.debug("no connection is opened ahead: %s", error)
        else:
            self._worker = worker

    def _work(self) -> None:
        try:
            while self._next():
                self._open_one()
        finally:
            # Whatever ended this thread, the next login may begin another one.
            with self._changed:
                if self._worker is threading.current_thread():
                    self._worker = None

    def _open_one(self) -> None:
        before, session = self._closed, None
        try:
            session = self._open()
        except DirectoryError as error:
            log.debug("no connection could be opened ahead: %s", error)
        finally:
            self._opened(session, before)

    def _next(self) -> bool:
        """Wait for something to open; ``False`` once there was nothing for so long that what waits is stale."""
        with self._changed:
            if self._changed.wait_for(lambda: self._wanted > 0, MAX_WAIT):
                self._wanted -= 1
                self._opening += 1
                return True
            self._worker = None
            waiting, self._waiting = self._waiting, deque()
        for _, session in waiting:
            session.close()
        return False

    def _opened(self, session: Session | None, before: int) -> None:
        with self._changed:
            self._opening -= 1
            if session is None:
                return
            if self._closed == before:
                self._waiting.append((self._now(), session))
                return
        # All were closed while this one was opened.
        session.close()
