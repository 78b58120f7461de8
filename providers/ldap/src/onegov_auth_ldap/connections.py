"""The servers of one directory: connections of the service account, kept and reused, and which server to ask."""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypeVar

from onegov_auth.providers import Clock
from onegov_auth_ldap.addresses import AddressBook
from onegov_auth_ldap.entry import Entry
from onegov_auth_ldap.errors import DirectoryError
from onegov_auth_ldap.flavour import ROOT, Flavour, flavour_of
from onegov_auth_ldap.session import SUCCESS, Query, Session
from onegov_auth_ldap.settings import LDAPSettings
from onegov_auth_ldap.spares import Spares
from onegov_auth_ldap.state import bind_fault
from onegov_auth_ldap.wire import Deadline, tls_context

__all__ = ["COOL_DOWN", "MAX_AGE", "MAX_IDLE", "Connections"]

log = logging.getLogger("onegov_auth.ldap")

T = TypeVar("T")

#: How long a server that failed is asked last.
COOL_DOWN = timedelta(seconds=30)

#: How old a kept connection may be: a changed password, certificate or firewall is noticed after that.
MAX_AGE = timedelta(minutes=10)

#: How many connections are kept.
MAX_IDLE = 8


class Connections:
    """
    Shared by all threads; a connection belongs to one thread from being taken until being given back.

    Args:
        settings: The provider's.
        clock: For ages and cool-downs.
    """

    def __init__(self, settings: LDAPSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._book = AddressBook(clock)
        self._context: ssl.SSLContext = tls_context(settings.tls)
        self._lock = threading.Lock()
        self._idle: list[Session] = []
        self._down: dict[str, datetime] = {}
        self._flavour: Flavour | None = None
        self._spares = Spares(lambda: self.open(self.order()[0], self.deadline()))

    def deadline(self) -> Deadline:
        """The end of a login that begins now."""
        return Deadline(self._settings.timeouts.login.total_seconds())

    def ask(self, question: Callable[[Session], T], deadline: Deadline) -> T:
        """
        The answer to a *question* that may be asked twice, by the service account.

        A kept connection that turns out to be dead is replaced (LDAP-31), a server that fails by the next one.

        Raises:
            DirectoryError: If no server answers.
        """
        kept = self._take()
        if kept is not None:
            try:
                return self._keep_after(kept, question)
            except DirectoryError as error:
                if not error.elsewhere:
                    raise
                if error.reason == "timeout":
                    # It is not just this connection: without this, every other kept one would cost as much again.
                    self._mark_down(kept.url, error)
        return self._on_any(lambda url: self._keep_after(self.as_service(url, deadline), question))

    def flavour(self, search: Callable[[Query], list[Entry]]) -> Flavour:
        """
        Which product answers: as configured, or asked once.

        Args:
            search: Asks a server.

        Raises:
            DirectoryError: If it doesn't answer.
        """
        if self._settings.flavour != "auto":
            return self._settings.flavour
        if self._flavour is None:
            try:
                self._flavour = flavour_of(search(ROOT))
            except DirectoryError as error:
                # The root entry may be hidden, which keeps nobody out: the entries show what they are.
                if error.reason not in {"no_such_base", "result"}:
                    raise
                return "unknown"
        return self._flavour

    @contextmanager
    def service(self, deadline: Deadline) -> Iterator[Session]:
        """
        A connection of the service account for one long piece of work; closed in the end and never kept.

        Raises:
            DirectoryError: If no server takes it.
        """
        session = self._on_any(lambda url: self.as_service(url, deadline))
        try:
            yield session
        finally:
            session.close()

    @contextmanager
    def fresh(self, deadline: Deadline) -> Iterator[Session]:
        """
        A connection of nobody, for one person's bind; closed in the end and never kept (LDAP-04).

        Raises:
            DirectoryError: If no server takes a connection.
        """
        session = self._spares.take(self.order()[0]) or self._on_any(lambda url: self.open(url, deadline))
        try:
            yield session
        except DirectoryError as error:
            if error.elsewhere and not session.usable():
                self._mark_down(session.url, error)
            raise
        finally:
            session.close()

    def open(self, url: str, deadline: Deadline) -> Session:
        """
        A connection of nobody to this server.

        Raises:
            DirectoryError: If it takes none.
        """
        session = Session(url, self._settings, self._context, self._clock(), self._book.find)
        try:
            session.open(deadline)
        except DirectoryError:
            session.close()
            raise
        return session

    def close(self) -> None:
        """Close what is kept; what is in use is closed when it is too old."""
        with self._lock:
            idle, self._idle = self._idle, []
        self._spares.close()
        for session in idle:
            session.close()

    def order(self) -> list[str]:
        """All servers: as configured, those that failed lately last; never none."""
        now = self._clock()
        with self._lock:
            down = {url for url, until in self._down.items() if until > now}
        return sorted(self._settings.servers, key=lambda url: url in down)

    def _on_any(self, attempt: Callable[[str], T]) -> T:
        trouble = DirectoryError("connect", "no server")
        for url in self.order():
            try:
                answer = attempt(url)
            except DirectoryError as error:
                if not error.elsewhere:
                    raise
                self._mark_down(url, error)
                trouble = error
            else:
                with self._lock:
                    self._down.pop(url, None)
                return answer
        raise trouble

    def as_service(self, url: str, deadline: Deadline) -> Session:
        """
        A connection of the service account to this server.

        Raises:
            DirectoryError: If it takes none, or refuses the account.
        """
        session = self.open(url, deadline)
        try:
            self._bind_service(session, deadline)
        except DirectoryError:
            session.close()
            raise
        return session

    def _bind_service(self, session: Session, deadline: Deadline) -> None:
        service = self._settings.bind
        if service is None:
            raise DirectoryError("service_bind", "no service account is configured", elsewhere=False)
        # The file behind the secret may have been emptied since start-up.
        password = service.password.reveal().encode("utf-8")
        if not password.strip():
            raise DirectoryError("service_password", "the service account's password is empty", elsewhere=False)
        answer = session.bind(service.dn, password, deadline)
        fault = bind_fault(answer)
        if fault is not None or answer.code != SUCCESS:
            # Another server would say the same, and count it: a locked service account locks out everybody.
            detail = answer.description if fault is None else f"{answer.description}: {fault.code}"
            raise DirectoryError("service_bind", detail, elsewhere=fault is None)

    def _keep_after(self, session: Session, question: Callable[[Session], T]) -> T:
        try:
            answer = question(session)
        except BaseException:
            session.close()
            raise
        with self._lock:
            if len(self._idle) < MAX_IDLE:
                self._idle.append(session)
                return answer
        session.close()
        return answer

    def _take(self) -> Session | None:
        while True:
            with self._lock:
                if not self._idle:
                    return None
                session = self._idle.pop()
                down = self._down.get(session.url)
            now = self._clock()
            if (down is None or down <= now) and now - session.opened < MAX_AGE and session.usable():
                return session
            session.close()

    def _mark_down(self, url: str, error: DirectoryError) -> None:
        with self._lock:
            self._down[url] = self._clock() + COOL_DOWN
        log.warning("directory server %s failed: %s", url, error)
