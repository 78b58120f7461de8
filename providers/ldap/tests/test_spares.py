"""Connections opened ahead: each for one person, none for long, and never a reason to fail."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from onegov_auth.clock import utcnow
from onegov_auth.testing.servers.hostile_ldap import Ask, HostileLDAP, Reply
from onegov_auth_ldap import LDAPSettings
from onegov_auth_ldap.connections import Connections
from onegov_auth_ldap.errors import DirectoryError
from onegov_auth_ldap.session import Session
from onegov_auth_ldap.spares import MAX_SPARES, MAX_WAIT, Spares


def fine(ask: Ask) -> Sequence[Reply]:
    """Success, whatever was asked."""
    return [ask.answer()]


@pytest.fixture
def server() -> Iterator[HostileLDAP]:
    """A server that takes every connection."""
    with HostileLDAP(fine) as server:
        yield server


class Opener:
    """Opens connections, and can be told to fail."""

    def __init__(self, url: str) -> None:
        settings = LDAPSettings.model_validate(
            {
                "kind": "ldap",
                "servers": [url],
                "tls": {"allow_plain": True},
                "bind": {"dn": "cn=service,dc=org", "password": "service-canary"},
                "people": {"base": "dc=org"},
                "roles": {},
            }
        )
        self.url = settings.servers[0]
        self.opened: list[Session] = []
        self.failing = False
        self.called = threading.Semaphore(0)
        self._connections = Connections(settings, utcnow)

    def __call__(self) -> Session:
        """As a provider opens one."""
        self.called.release()
        if self.failing:
            raise DirectoryError("connect", "nobody there")
        session = self._connections.open(self.url, self._connections.deadline())
        self.opened.append(session)
        return session


@pytest.fixture
def opener(server: HostileLDAP) -> Iterator[Opener]:
    """The way to the server; closes what it opened."""
    opener = Opener(server.url)
    yield opener
    for session in opener.opened:
        session.close()


def taken(spares: Spares, url: str) -> Session:
    """A spare, as soon as there is one."""
    found = _until(lambda: spares.take(url))
    assert isinstance(found, Session)
    return found


def _until(look: Callable[[], Any]) -> Any:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.002)
    raise AssertionError("it never happened")


@pytest.mark.sec("LDAP-04")
def test_each_spare_is_taken_once(opener: Opener) -> None:
    """Eight threads that take spares at once never get the same one, and none that was bound."""
    spares = Spares(opener)
    found: list[Session] = []

    def take() -> None:
        for _ in range(20):
            session = spares.take(opener.url)
            if session is not None:
                found.append(session)

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found.append(taken(spares, opener.url))

    assert len({id(session) for session in found}) == len(found)
    spares.close()


def test_the_first_one_finds_nothing_and_the_next_does(opener: Opener) -> None:
    """Nothing is opened before somebody logs in, and then one is ready for the next."""
    spares = Spares(opener)

    assert not opener.opened
    assert spares.take(opener.url) is None
    assert taken(spares, opener.url) in opener.opened
    spares.close()


def test_a_stale_spare_is_closed(opener: Opener) -> None:
    """A spare that waited too long is closed instead of being used."""
    now = [0.0]
    spares = Spares(opener, lambda: now[0])
    spares.take(opener.url)
    _until(lambda: spares._waiting)
    stale = opener.opened[0]
    now[0] = MAX_WAIT

    assert spares.take(opener.url) is None
    assert not stale.usable()
    spares.close()


def test_a_spare_to_another_server_is_not_used(opener: Opener) -> None:
    """After a change of servers, what was opened to the other one is closed."""
    spares = Spares(opener)
    spares.take(opener.url)
    _until(lambda: spares._waiting)

    assert spares.take("ldap://elsewhere:389") is None
    assert not opener.opened[0].usable()
    spares.close()


def test_a_spare_whose_server_went_away_is_not_used(server: HostileLDAP, opener: Opener) -> None:
    """A connection that the server ended meanwhile is noticed before a password is sent on it."""
    spares = Spares(opener)
    spares.take(opener.url)
    _until(lambda: spares._waiting)
    waiting = opener.opened[0]
    server.__exit__(None, None, None)
    _until(lambda: not waiting.usable())

    assert spares.take(opener.url) is None
    spares.close()


def test_a_failure_to_open_is_nobodys(opener: Opener) -> None:
    """When no spare can be opened nothing is raised, and the next one is tried at the next login."""
    opener.failing = True
    spares = Spares(opener)
    spares.take(opener.url)
    assert opener.called.acquire(timeout=10)
    opener.failing = False

    assert taken(spares, opener.url) in opener.opened
    spares.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_dies_is_followed_by_another(opener: Opener) -> None:
    """Even after what nobody expected, the next login has a connection opened again."""
    broken = [MemoryError("no room")]

    def open_one() -> Session:
        if broken:
            raise broken.pop()
        return opener()

    spares = Spares(open_one)
    spares.take(opener.url)
    _until(lambda: not broken and spares._worker is None)

    assert spares._opening == 0
    assert taken(spares, opener.url) in opener.opened
    spares.close()


def test_without_a_thread_a_login_does_without(opener: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that gives no thread now fails no login, and is asked again at the next."""
    spares = Spares(opener)
    with monkeypatch.context() as patched:

        def refuse(_thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        patched.setattr(threading.Thread, "start", refuse)
        assert spares.take(opener.url) is None

    assert taken(spares, opener.url) in opener.opened
    spares.close()


def test_never_more_wait_than_allowed(opener: Opener) -> None:
    """However many log in at once, only so many connections wait."""
    spares = Spares(opener)
    for _ in range(MAX_SPARES * 3):
        spares._order(1)
    _until(lambda: not spares._wanted and not spares._opening)

    assert len(opener.opened) <= MAX_SPARES
    spares.close()


def test_closing_closes_what_waits(opener: Opener) -> None:
    """Closing leaves no connection open."""
    spares = Spares(opener)
    spares.take(opener.url)
    _until(lambda: spares._waiting)
    spares.close()

    assert not opener.opened[0].usable()


def test_a_spare_that_comes_after_closing_is_closed(opener: Opener) -> None:
    """What was being opened when all were closed waits for nobody."""
    closing = threading.Event()

    def slow() -> Session:
        session = opener()
        closing.wait(10)
        return session

    spares = Spares(slow)
    spares.take(opener.url)
    _until(lambda: opener.opened)
    spares.close()
    closing.set()

    assert _until(lambda: not opener.opened[0].usable())
