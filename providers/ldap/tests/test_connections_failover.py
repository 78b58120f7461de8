"""Two real servers, of which one dies or hangs in the middle of many logins."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from onegov_auth.providers import Password, Services, VerifiedIdentity
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.plugin import require_server
from onegov_auth.testing.servers import Slapd
from onegov_auth.testing.servers.hostile_ldap import Ask, HostileLDAP, Reply
from onegov_auth_ldap import LDAPProvider, LDAPSettings
from onegov_auth_ldap.connections import COOL_DOWN, Connections
from onegov_auth_ldap.errors import DirectoryError
from onegov_auth_ldap.session import Query

THREADS = 8

#: Seconds; as in the settings below.
LOGIN = 4


@pytest.fixture
def two(own_slapd: Slapd) -> Iterator[tuple[Slapd, Slapd]]:
    """Two directories with the same people and the same service account."""
    other = require_server(Slapd)
    other.modify(other.service_dn, {"userPassword": own_slapd.service_password})
    yield own_slapd, other
    other.close()


@pytest.fixture
def provider(two: tuple[Slapd, Slapd], services: Services, tmp_path: Path) -> LDAPProvider:
    """A provider that may ask either of them, the first one first."""
    authorities = tmp_path / "both.pem"
    authorities.write_bytes(b"".join(server.ca_file.read_bytes() for server in two))
    first, _ = two
    block = {
        "kind": "ldap",
        "servers": [server.ldaps_url for server in two],
        "tls": {"ca_file": str(authorities)},
        "timeouts": {"connect": 1, "operation": 1, "login": LOGIN},
        "bind": {"dn": first.service_dn, "password": first.service_password},
        "people": {"base": first.people_base},
        "groups": {"base": first.groups_base},
        "attributes": {"id": "uid"},
    }
    return LDAPProvider.create("staff", LDAPSettings.model_validate(block), services)


@pytest.fixture
def log_in(provider: LDAPProvider) -> Callable[[], tuple[str, float]]:
    """A login, what it came to, and how many seconds it took."""
    password = Password(Slapd.people[0].password)

    def log_in() -> tuple[str, float]:
        start = time.monotonic()
        outcome = provider.authenticate(Slapd.people[0].uid, password)
        code = "in" if isinstance(outcome, VerifiedIdentity) else f"{type(outcome).__name__} {outcome.code}"
        return code, time.monotonic() - start

    return log_in


def crowd(log_in: Callable[[], tuple[str, float]], count: int, at: int, accident: Callable[[], object]) -> Counter[str]:
    """So many logins at once, with an accident at one of them; what they came to."""

    def one(number: int) -> tuple[str, float]:
        if number == at:
            accident()
        return log_in()

    with ThreadPoolExecutor(THREADS) as pool:
        outcomes = list(pool.map(one, range(count)))
    # A login has its time, and the machine a little of its own.
    assert max(seconds for _, seconds in outcomes) < LOGIN + 4
    return Counter(code for code, _ in outcomes)


@pytest.mark.sec("LDAP-33", "LDAP-35")
def test_one_of_two_servers_is_killed_and_comes_back(
    two: tuple[Slapd, Slapd],
    provider: LDAPProvider,
    log_in: Callable[[], tuple[str, float]],
    clock: FakeClock,
) -> None:
    """Of 200 logins those that were under way may be unavailable, all others succeed; restarted it is used again."""
    first, second = two
    codes = crowd(log_in, 200, 60, lambda: first.stop(timeout=0))

    assert codes["in"] >= 200 - 2 * THREADS, codes
    assert {code for code in codes if not code.startswith("Unavailable ")} == {"in"}
    assert provider._connections().order() == [second.ldaps_url, first.ldaps_url]
    first.start()
    clock.advance(COOL_DOWN)
    second.stop()
    assert log_in()[0] == "in"


@pytest.mark.sec("LDAP-33", "LDAP-30")
def test_one_of_two_servers_hangs(two: tuple[Slapd, Slapd], log_in: Callable[[], tuple[str, float]]) -> None:
    """A server that takes connections and says nothing costs those that were at it a time limit, and nobody else."""
    first, _ = two
    codes = crowd(log_in, 80, 20, first.pause)
    first.resume()

    assert codes["in"] >= 80 - 2 * THREADS, codes
    assert {code for code in codes if not code.startswith("Unavailable ")} == {"in"}


@pytest.mark.sec("LDAP-33", "LDAP-35")
def test_both_servers_are_gone(two: tuple[Slapd, Slapd], log_in: Callable[[], tuple[str, float]]) -> None:
    """Without any server nobody gets in, nobody is told that their password is wrong, and nobody waits long."""
    for server in two:
        server.stop()
    codes = {log_in()[0] for _ in range(3)}

    assert codes == {"Unavailable connect"}


def test_a_server_that_hangs_costs_one_kept_connection(services: Services) -> None:
    """Of many kept connections to a server that hangs one is waited for; then the next server is asked."""
    hanging = False

    def script(ask: Ask) -> Sequence[Reply]:
        return [10.0] if hanging else [ask.answer()]

    with HostileLDAP(script) as first, HostileLDAP(lambda ask: [ask.answer()]) as second:
        connections = Connections(settings_for(first.url, second.url), services.clock)
        deadline = connections.deadline()
        query = Query("dc=example,dc=org", "(uid=x)", ("uid",), size=2)
        # Nested, so that two connections are open at the same time, and kept.
        connections.ask(lambda _: connections.ask(lambda one: one.search(query, deadline), deadline), deadline)
        hanging, before = True, len(first.asked)
        for _ in range(3):
            connections.ask(lambda one: one.search(query, connections.deadline()), connections.deadline())
        connections.close()

        assert len(first.asked) == before + 1
        assert second.kinds.count("search") == 3


def test_a_server_that_hangs_at_a_bind_is_left(services: Services) -> None:
    """Whose bind got no answer is told so; the next person's goes to the next server."""
    with HostileLDAP(lambda _: [10.0]) as first, HostileLDAP(lambda ask: [ask.answer()]) as second:
        connections = Connections(settings_for(first.url, second.url), services.clock)
        with pytest.raises(DirectoryError, match="timeout"), connections.fresh(connections.deadline()) as session:
            session.bind("uid=x,dc=org", b"x", connections.deadline())
        order = connections.order()
        connections.close()

    assert order == [second.url, first.url]


def settings_for(*urls: str) -> LDAPSettings:
    """Settings in front of these servers, with little patience."""
    return LDAPSettings.model_validate(
        {
            "kind": "ldap",
            "servers": urls,
            "tls": {"allow_plain": True},
            "timeouts": {"connect": 1, "operation": 1, "login": 3},
            "bind": {"dn": "cn=service,dc=example,dc=org", "password": "service-canary"},
            "people": {"base": "dc=example,dc=org"},
            "roles": {},
        }
    )
