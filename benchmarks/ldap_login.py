"""
A login by a directory beside the same bind and searches by bare ldap3, in one run and against one slapd.

The baseline keeps one connection a thread for the searches and another one for people's binds, and does nothing but
the four operations. Ours binds everybody on a connection of their own (a connection that was somebody's is nobody
else's), checks connections before they are used, keeps to time limits, and reads and compares what comes back.
"""

from __future__ import annotations

import secrets
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from ldap3 import NONE, SAFE_SYNC, SIMPLE, Connection, Server

from benchmarks.measure import Line, interleaved
from onegov_auth.providers import Password, Services, VerifiedIdentity
from onegov_auth.testing.servers import ServerMissingError, Slapd
from onegov_auth_ldap import LDAPProvider, LDAPSettings
from onegov_auth_ldap.identity import person_attributes
from onegov_auth_ldap.login import search_filter

__all__ = ["directory_logins"]

LOGIN_LIMIT = 1.3

THREADS = 8

#: Logins of one round of all threads.
ROUND = 64


class Raw:
    """
    The operations of a login, as one writes them with ldap3; connections are kept per thread.

    Args:
        slapd: The directory.
        settings: What the provider asks for; the same is asked here.
        fresh: Whether people bind on connections of their own.
    """

    def __init__(self, slapd: Slapd, settings: LDAPSettings, *, fresh: bool) -> None:
        self._slapd = slapd
        self._settings = settings
        self._fresh = fresh
        self._server = Server(slapd.url, get_info=NONE)
        self._kept = threading.local()

    def __call__(self, uid: str, password: str) -> int:
        """Log in; how many groups were found."""
        service, people = self._connection("service"), self._settings.people
        asked = list(person_attributes(self._settings))
        found = service.search(people.base, search_filter(self._settings, uid), attributes=asked, size_limit=2)[2]
        dn = found[0]["dn"]
        self._bind(dn, password)
        groups = self._groups(service, [dn])
        return len(groups) + len(self._groups(service, groups))

    def _bind(self, dn: str, password: str) -> None:
        if self._fresh:
            own = Connection(self._server, dn, password, client_strategy=SAFE_SYNC, check_names=False)
            bound = own.bind()[0]
            own.unbind()
        else:
            bound = self._connection("people").rebind(dn, password, authentication=SIMPLE)[0]
        if not bound:
            raise RuntimeError("the password is right and was refused")

    def _groups(self, service: Connection, members: list[str]) -> list[str]:
        terms = "".join(f"(member={dn})(uniqueMember={dn})" for dn in members)
        base = self._settings.groups.base
        found = service.search(base, f"(|{terms})", attributes=["1.1"], paged_size=500)[2]
        return [group["dn"] for group in found]

    def _connection(self, name: str) -> Connection:
        kept = getattr(self._kept, name, None)
        if kept is None:
            who, password = self._slapd.service_dn, self._slapd.service_password
            kept = Connection(self._server, who, password, client_strategy=SAFE_SYNC, auto_bind=True, check_names=False)
            setattr(self._kept, name, kept)
        return kept


def directory_logins(blocks: int) -> Iterator[Line]:
    """Logins one after the other and eight at once, beside both ways to bind by hand."""
    try:
        slapd = Slapd()
        slapd.start()
    except ServerMissingError as error:
        print(f"The directory is left out: {error}", file=sys.stderr)
        return
    try:
        yield from _compare(slapd, blocks)
    finally:
        slapd.close()


def _compare(slapd: Slapd, blocks: int) -> Iterator[Line]:
    settings = _settings(slapd)
    provider = LDAPProvider.create("staff", settings, Services(token=secrets.token_urlsafe))
    people = slapd.people

    def ours(number: int) -> None:
        person = people[number % len(people)]
        if not isinstance(provider.authenticate(person.uid, Password(person.password)), VerifiedIdentity):
            raise TypeError("nobody was let in")

    def by(raw: Raw) -> Callable[[int], None]:
        return lambda number: _counted(raw(people[number % len(people)].uid, people[number % len(people)].password))

    reused, fresh = by(Raw(slapd, settings, fresh=False)), by(Raw(slapd, settings, fresh=True))
    with ThreadPoolExecutor(THREADS) as pool:
        for threads in (1, THREADS):
            candidates = [("ours", ours), ("reused", reused), ("fresh", fresh)]
            calls = 10
            if threads > 1:
                candidates = [(name, _at_once(pool, work)) for name, work in candidates]
                calls = 1
            measured = interleaved(candidates, blocks=blocks, calls=calls)
            what = f"directory login, {threads} thread{'s' if threads > 1 else ''}"
            yield Line(what, LOGIN_LIMIT, measured[0], measured[1])
            yield Line(f"  beside one that binds everybody afresh ({threads})", None, measured[0], measured[2])


def _settings(slapd: Slapd) -> LDAPSettings:
    return LDAPSettings.model_validate(
        {
            "kind": "ldap",
            "servers": [slapd.url],
            # TLS would hide what is measured: ldap3 reads the authorities anew for each connection.
            "tls": {"allow_plain": True},
            "bind": {"dn": slapd.service_dn, "password": slapd.service_password},
            "people": {"base": slapd.people_base},
            "groups": {"base": slapd.groups_base},
            "attributes": {"login": ["uid", "mail"]},
        }
    )


def _counted(groups: int) -> None:
    if not groups:
        raise RuntimeError("everybody is in a group")


def _at_once(pool: ThreadPoolExecutor, work: Callable[[int], None]) -> Callable[[int], None]:
    def run(number: int) -> None:
        for done in [pool.submit(work, number * ROUND + index) for index in range(ROUND)]:
            done.result()

    return run
