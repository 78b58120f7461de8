"""Everybody in the directory, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from onegov_auth.providers import Clock, VerifiedIdentity
from onegov_auth_ldap.connections import Connections
from onegov_auth_ldap.entry import Entry, stable_id
from onegov_auth_ldap.flavour import is_active_directory
from onegov_auth_ldap.identity import Identities, person_attributes
from onegov_auth_ldap.membership import Membership
from onegov_auth_ldap.session import Query, Session
from onegov_auth_ldap.settings import LDAPSettings
from onegov_auth_ldap.state import account_fault
from onegov_auth_ldap.wire import Deadline

__all__ = ["People"]

#: What the directory says of an account that was closed. A lock, or a password that ran out, closes none.
_CLOSED = frozenset({"account_disabled", "account_expired", "account_state_unreadable"})


class _EachOperation(Deadline):
    """An end for every page, and none for the whole."""

    def __init__(self) -> None:
        super().__init__(0.0)

    def left(self, at_most: float) -> float:
        """What an operation may take."""
        return at_most


class People:
    """
    Lists the people of a directory.

    Args:
        source: The provider's name.
        settings: The provider's.
        connections: The way to the servers.
        clock: The time.
    """

    def __init__(self, source: str, settings: LDAPSettings, connections: Connections, clock: Clock) -> None:
        self._settings = settings
        self._connections = connections
        self._clock = clock
        self._identities = Identities(source, settings)

    def all(self) -> Iterator[VerifiedIdentity]:
        """
        Everybody, as a login would verify them; those who may not come in are barred.

        All pages come from one server, on a connection of their own: to another one, a cookie means nothing (RFC 2696).

        Raises:
            DirectoryError: If the directory can't be read to the end.
        """
        people, attributes = self._settings.people, person_attributes(self._settings)
        query = Query(people.base, people.filter, attributes, people.scope)
        with self._connections.service(self._connections.deadline()) as session:
            flavour = self._connections.flavour(partial(_search, session))
            first = session.search(Query(query.base, query.filter, attributes, query.scope, 1), _EachOperation())
            active_directory = any(is_active_directory(flavour, entry) for entry in first)
            with Membership(self._settings, self._ask, active_directory=active_directory) as membership:
                membership.read()
                for page in session.pages(query, _EachOperation()):
                    groups = membership.of(page)
                    for entry, names in zip(page, groups, strict=True):
                        yield self._identity(entry, flavour, names)

    def _identity(self, entry: Entry, flavour: str, groups: frozenset[str]) -> VerifiedIdentity:
        key = stable_id(entry, self._settings.attributes.id, flavour) or ""
        fault = account_fault(entry, self._clock())
        barred = fault if fault in _CLOSED else self._identities.barred(groups)
        return self._identities.make(entry, key, groups, barred=barred)

    def _ask(self, query: Query) -> list[Entry]:
        # Not between two pages on their own connection: servers keep one search open on each.
        deadline = _EachOperation()
        return self._connections.ask(lambda session: session.search(query, deadline), deadline)


def _search(session: Session, query: Query) -> list[Entry]:
    return session.search(query, _EachOperation())
