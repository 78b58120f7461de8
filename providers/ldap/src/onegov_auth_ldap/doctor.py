"""What ``onegov-auth check`` looks at, step by step and without a secret."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

from onegov_auth.providers import Check, CheckState
from onegov_auth_ldap.connections import Connections
from onegov_auth_ldap.credentials import login_name
from onegov_auth_ldap.entry import Entry, stable_id
from onegov_auth_ldap.errors import DirectoryError
from onegov_auth_ldap.flavour import is_active_directory
from onegov_auth_ldap.groups import GroupReader
from onegov_auth_ldap.login import find_people, person_attributes
from onegov_auth_ldap.session import Query, Session
from onegov_auth_ldap.settings import LDAPSettings

__all__ = ["examine"]

_HINTS = {
    "connect": "is the host name right, the server running, and the port open from here?",
    "timeout": "a firewall that drops, or a server that is overloaded: see timeouts",
    "tls": "set tls.ca_file to the authority that signed the server's certificate, and use the name in it",
    "start_tls": "the server offers no StartTLS: use ldaps://",
    "service_bind": "check bind.dn and bind.password",
    "service_password": "the file or variable behind bind.password is empty",
    "no_such_base": "there is no such entry, or the service account may not see it",
    "limit": "raise the server's size limit for the service account",
    "referral": "ask the server that holds the entries itself; referrals are not followed",
}


def examine(settings: LDAPSettings, connections: Connections, login: str | None) -> Iterator[Check]:
    """
    Every server, the service account, the base and the key, and what would become of *login*.

    Args:
        settings: The provider's.
        connections: The way to the servers.
        login: Somebody to look up.
    """
    yield Check("settings", CheckState.OK if settings.tls.verify else CheckState.WARNING)
    reached = False
    for url in settings.servers:
        step = _step(f"server {url}", partial(_reach, connections, url))
        reached = reached or step.state is CheckState.OK
        yield step
    if not reached or settings.bind is None:
        why = "no service account is configured" if reached else "no server was reached"
        yield Check("people", CheckState.SKIPPED, why)
        return
    yield _step("people", partial(_people, settings, connections))
    if login is not None:
        yield _step("login", partial(_login, settings, connections, login))


def _step(name: str, look: Callable[[], str]) -> Check:
    start = time.monotonic()
    try:
        detail, hint, state = look(), "", CheckState.OK
    except DirectoryError as error:
        detail, hint, state = str(error), _HINTS.get(error.reason, ""), CheckState.FAILED
    return Check(name, state, detail, hint, time.monotonic() - start)


def _reach(connections: Connections, url: str) -> str:
    connections.open(url, connections.deadline()).close()
    return "reached"


def _search(connections: Connections, query: Query) -> list[Entry]:
    deadline = connections.deadline()

    def ask(session: Session) -> list[Entry]:
        return session.search(query, deadline)

    return connections.ask(ask, deadline)


def _people(settings: LDAPSettings, connections: Connections) -> str:
    people = settings.people
    query = Query(people.base, people.filter, person_attributes(settings), people.scope, 2)
    found = _search(connections, query)
    if not found:
        raise DirectoryError("nobody", f"nobody below {people.base} matches {people.filter}")
    flavour = connections.flavour(partial(_search, connections))
    if stable_id(found[0], settings.attributes.id, flavour) is None:
        raise DirectoryError("no_id", f"{found[0].dn} has no key ({settings.attributes.id})")
    return f"found below {people.base}, with a key"


def _login(settings: LDAPSettings, connections: Connections, login: str) -> str:
    search = partial(_search, connections)
    name = login_name(login)
    found = find_people(settings, search, name) if name else []
    if len(found) != 1:
        raise DirectoryError("nobody" if not found else "ambiguous", f"{len(found)} entries match")
    person = found[0]
    on_active_directory = is_active_directory(connections.flavour(search), person)
    reader = GroupReader(settings, search, active_directory=on_active_directory)
    return f"{person.dn}: groups {', '.join(sorted(reader.read(person))) or 'none'}"
