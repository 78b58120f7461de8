"""Kept connections, failover and time limits, against servers that fail in every way."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from onegov_auth.providers import Secret
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.servers import Slapd
from onegov_auth.testing.servers.hostile_ldap import Ask, HostileLDAP, Reply
from onegov_auth_ldap import LDAPSettings
from onegov_auth_ldap.connections import COOL_DOWN, MAX_AGE, MAX_IDLE, Connections
from onegov_auth_ldap.entry import Entry
from onegov_auth_ldap.errors import DirectoryError
from onegov_auth_ldap.session import Query, Session

QUERY = Query("dc=example,dc=org", "(uid=x)", ("uid",), size=2)


def fine(ask: Ask) -> Sequence[Reply]:
    """Success, whatever was asked."""
    return [ask.answer()]


@pytest.fixture
def to(clock: FakeClock) -> Iterator[Callable[..., Connections]]:
    """Connections to these servers; closed in the end."""
    made: list[Connections] = []

    def to(*urls: str, **changes: Any) -> Connections:
        settings = LDAPSettings.model_validate(
            {
                "kind": "ldap",
                "servers": urls,
                "tls": {"allow_plain": True},
                "timeouts": {"connect": 1, "operation": 1, "login": 3},
                "bind": {"dn": "cn=service,dc=example,dc=org", "password": "service-canary"},
                "people": {"base": "dc=example,dc=org"},
                "roles": {},
                **changes,
            }
        )
        made.append(Connections(settings, clock))
        return made[-1]

    yield to
    for connections in made:
        connections.close()


def ask(connections: Connections) -> list[Entry]:
    """Ask a question as the service account."""
    deadline = connections.deadline()

    def question(session: Session) -> list[Entry]:
        return session.search(QUERY, deadline)

    return connections.ask(question, deadline)


def spoken(server: HostileLDAP) -> list[str]:
    """What a server was asked; goodbyes come whenever its threads read them."""
    return [kind for kind in server.kinds if kind != "unbind"]


def test_a_connection_is_reused(to: Callable[..., Connections]) -> None:
    """One question after the other goes over one connection, bound once."""
    with HostileLDAP(fine) as server:
        connections = to(server.url)
        for _ in range(3):
            ask(connections)

        assert server.connections == 1
        assert server.kinds == ["bind", "search", "search", "search"]


@pytest.mark.sec("LDAP-34")
def test_a_connection_has_one_user_at_a_time(to: Callable[..., Connections]) -> None:
    """While a connection is in use, the next question takes another."""
    with HostileLDAP(fine) as server:
        connections = to(server.url)
        connections.ask(lambda _: ask(connections), connections.deadline())

        assert server.connections == 2


def test_not_all_connections_are_kept(to: Callable[..., Connections]) -> None:
    """After a rush only a few connections stay."""
    with HostileLDAP(fine) as server:
        connections = to(server.url)

        def nest(depth: int, _: object = None) -> object:
            return connections.ask(partial(nest, depth - 1), connections.deadline()) if depth else None

        nest(MAX_IDLE + 3)

        assert len(connections._idle) == MAX_IDLE
        assert server.connections == MAX_IDLE + 3


def test_an_old_connection_is_replaced(to: Callable[..., Connections], clock: FakeClock) -> None:
    """After its maximum age a connection is not used again."""
    with HostileLDAP(fine) as server:
        connections = to(server.url)
        ask(connections)
        clock.advance(MAX_AGE)
        ask(connections)

        assert server.connections == 2


@pytest.mark.sec("LDAP-31")
def test_a_connection_that_ended_is_replaced(to: Callable[..., Connections]) -> None:
    """A server that closed a kept connection is asked on a new one, without anybody noticing."""
    with HostileLDAP(lambda asked: [asked.answer(), *([None] if asked.kind == "search" else [])]) as server:
        connections = to(server.url)
        for _ in range(3):
            assert ask(connections) == []

        assert server.connections == 3


@pytest.mark.sec("LDAP-31")
def test_a_connection_that_died_unseen_is_replaced(to: Callable[..., Connections]) -> None:
    """A search on a kept connection that gets no answer is asked again, once, on a new one."""
    with HostileLDAP(lambda asked: [None] if len(server.asked) == 3 else [asked.answer()]) as server:
        connections = to(server.url)
        ask(connections)
        ask(connections)

        assert spoken(server) == ["bind", "search", "search", "bind", "search"]


@pytest.mark.sec("LDAP-33")
def test_the_next_server_is_asked(to: Callable[..., Connections], caplog: pytest.LogCaptureFixture) -> None:
    """Where the first server does not listen, the second answers, and the log says so."""
    caplog.set_level(logging.WARNING, "onegov_auth.ldap")
    with HostileLDAP(fine) as server:
        assert ask(to("ldap://localhost:1", server.url)) == []

    assert "directory server ldap://localhost:1 failed: connect" in caplog.text


@pytest.mark.sec("LDAP-33")
def test_a_server_that_hangs_is_left_for_the_next(to: Callable[..., Connections]) -> None:
    """A server that takes connections and answers nothing costs one time limit, not the login."""
    with HostileLDAP(lambda _: [9.0]) as tarpit, HostileLDAP(fine) as server:
        assert ask(to(tarpit.url, server.url)) == []


@pytest.mark.sec("LDAP-33")
def test_a_server_that_failed_is_asked_last(to: Callable[..., Connections], clock: FakeClock) -> None:
    """A failed server goes to the end of the list for a while; the last one is never left out."""
    dead, other = "ldap://localhost:1", "ldap://localhost:2"
    connections = to(dead)
    with pytest.raises(DirectoryError):
        ask(connections)
    assert connections.order() == [dead]

    with HostileLDAP(fine) as server:
        connections = to(dead, server.url)
        ask(connections)
        assert connections.order() == [server.url, dead]
        clock.advance(COOL_DOWN)
        assert connections.order() == [dead, server.url]

    connections = to(dead, other)
    with pytest.raises(DirectoryError):
        ask(connections)
    assert connections.order() == [dead, other]


def test_a_server_that_is_back_is_used(to: Callable[..., Connections]) -> None:
    """One answer ends the cool-down."""
    broken = True
    with HostileLDAP(lambda asked: [None] if broken else [asked.answer()]) as server:
        connections = to(server.url)
        with pytest.raises(DirectoryError):
            ask(connections)
        broken = False
        ask(connections)

        assert connections._down == {}


@pytest.mark.sec("LDAP-30")
def test_all_servers_together_keep_to_the_time(to: Callable[..., Connections]) -> None:
    """However many servers hang, the whole takes no longer than a login may."""
    with HostileLDAP(lambda _: [9.0]) as tarpit:
        connections = to(*[tarpit.url] * 10)
        with pytest.raises(DirectoryError) as error:
            ask(connections)

    assert error.value.reason == "timeout"
    assert tarpit.connections <= 4


@pytest.mark.sec("LDAP-35")
def test_a_wrong_service_password_is_no_refusal(to: Callable[..., Connections]) -> None:
    """The service account's own credentials are trouble of the directory, tried once and on one server only."""
    with HostileLDAP(lambda asked: [asked.answer(49)]) as one, HostileLDAP(fine) as two:
        with pytest.raises(DirectoryError) as error:
            ask(to(one.url, two.url))

        assert error.value.reason == "service_bind"
        assert (spoken(one), spoken(two)) == (["bind"], [])


def test_a_busy_server_is_left_for_the_next(to: Callable[..., Connections]) -> None:
    """A server that takes no bind now is no reason to give up."""
    with HostileLDAP(lambda asked: [asked.answer(51)]) as busy, HostileLDAP(fine) as server:
        assert ask(to(busy.url, server.url)) == []


@pytest.mark.sec("LDAP-02")
def test_an_emptied_secret_is_not_sent(to: Callable[..., Connections], tmp_path: Path) -> None:
    """A password file that was emptied after start-up does not become an unauthenticated bind."""
    file = tmp_path / "password"
    file.write_text("secret")
    with HostileLDAP(fine) as server:
        connections = to(server.url, bind={"dn": "cn=service,dc=org", "password": Secret(path=file)})
        file.write_text("  \n")
        with pytest.raises(DirectoryError) as error:
            ask(connections)

        assert error.value.reason == "service_password"
        assert "bind" not in server.kinds


def test_without_a_service_account_nobody_searches(to: Callable[..., Connections]) -> None:
    """Nothing is asked anonymously in its place."""
    with HostileLDAP(fine) as server:
        connections = to(server.url, bind=None, dn_template="uid={username},dc=example,dc=org")
        with pytest.raises(DirectoryError, match="service_bind"):
            ask(connections)

        assert "search" not in server.kinds


@pytest.mark.sec("LDAP-04")
def test_a_fresh_connection_is_not_kept(to: Callable[..., Connections]) -> None:
    """A connection for a person's bind is new, closed afterwards, and never used for searching."""
    with HostileLDAP(fine) as server:
        connections = to(server.url)
        with connections.fresh(connections.deadline()) as session:
            session.bind("uid=x,dc=org", b"x", connections.deadline())
        assert not session.usable()
        asked: list[Session] = []
        connections.ask(asked.append, connections.deadline())
        with connections.fresh(connections.deadline()) as another:
            pass

        assert len({id(one) for one in (session, *asked, another)}) == 3
        assert spoken(server) == ["bind", "bind"]


def test_closing_closes_what_is_kept(to: Callable[..., Connections]) -> None:
    """Kept connections are closed, and the next question opens another."""
    with HostileLDAP(fine) as server:
        connections = to(server.url)
        ask(connections)
        connections.close()
        ask(connections)

        assert server.connections == 2


def test_trouble_that_is_the_same_everywhere_is_not_repeated(to: Callable[..., Connections]) -> None:
    """A base that does not exist is not looked for on the next server, nor on a kept connection again."""
    missing = False
    with HostileLDAP(lambda asked: [asked.answer(32 if missing and asked.kind == "search" else 0)]) as server:
        connections = to(server.url, "ldap://localhost:1")
        ask(connections)
        missing = True
        for _ in range(2):
            with pytest.raises(DirectoryError, match="no_such_base"):
                ask(connections)

        assert server.kinds.count("search") == 3


@pytest.mark.sec("LDAP-33", "LDAP-35")
def test_a_real_server_may_be_restarted(own_slapd: Slapd, to: Callable[..., Connections]) -> None:
    """Connections survive a restart of the directory under load: every question is answered or unavailable."""
    changes: dict[str, Any] = {
        "tls": {"ca_file": str(own_slapd.ca_file)},
        "bind": {"dn": own_slapd.service_dn, "password": own_slapd.service_password},
    }
    connections = to(own_slapd.ldaps_url, **changes)

    def work(number: int) -> str:
        if number == 20:
            own_slapd.restart()
        try:
            return f"{len(ask(connections))} entries"
        except DirectoryError as error:
            return error.reason

    with ThreadPoolExecutor(4) as pool:
        outcomes = set(pool.map(work, range(60)))

    assert "0 entries" in outcomes
    assert outcomes <= {"0 entries", "connect", "connection", "tls", "timeout", "service_bind", "result"}
    assert ask(connections) == []
