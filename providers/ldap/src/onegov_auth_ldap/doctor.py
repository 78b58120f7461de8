"""What ``onegov-auth check`` looks at, step by step and without a secret."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import TypeAlias

from onegov_auth.providers import Check, CheckState, Clock, Refused, VerifiedIdentity
from onegov_auth_ldap.connections import Connections
from onegov_auth_ldap.entry import Entry, stable_id
from onegov_auth_ldap.errors import DirectoryError
from onegov_auth_ldap.flavour import Flavour, is_active_directory
from onegov_auth_ldap.groups import named_groups
from onegov_auth_ldap.identity import person_attributes
from onegov_auth_ldap.names import escape_filter
from onegov_auth_ldap.reach import Way
from onegov_auth_ldap.session import Query, Session
from onegov_auth_ldap.settings import LDAPSettings
from onegov_auth_ldap.steps import Finding, timed

__all__ = ["Doctor"]

#: RFC 2696, and what a server says of itself (RFC 4512 §5.1).
_PAGED = "1.2.840.113556.1.4.319"
_ROOT = Query("", "(objectClass=*)", ("supportedControl", "vendorName", "vendorVersion"), "base", 1)

#: How many people are looked at for what they have, and how many pages are counted.
_LOOKED_AT = 5
_PAGES = 20

#: Who this login would be, without the password.
LookUp: TypeAlias = "Callable[[str], VerifiedIdentity | Refused]"

_REFUSALS = {
    "unknown_user": "nobody is called so: see people.base, people.filter and attributes.login",
    "ambiguous_user": "several entries match: narrow people.base, people.filter or attributes.login",
    "no_id": "the service account may not read the key: allow it, or see attributes.id",
    "no_username": "the entry has nothing that could be a username: see attributes.username",
    "group_required": "the person is no member of require_group",
    "group_denied": "the person is a member of deny_group",
}


class Doctor:
    """
    Examines every server, the service account, the base, the key, the groups, and what would become of somebody.

    Args:
        settings: The provider's.
        connections: The way to the servers.
        clock: For the dates of certificates.
        look_up: Who a login would be, without the password.
    """

    def __init__(self, settings: LDAPSettings, connections: Connections, clock: Clock, look_up: LookUp) -> None:
        self._settings = settings
        self._connections = connections
        self._clock = clock
        self._look_up = look_up
        self._people: Sequence[Entry] = ()
        self._flavour: Flavour = "unknown"

    def examine(self, login: str | None) -> Iterator[Check]:
        """
        The steps, each as soon as it is known; those after a broken one are skipped.

        Args:
            login: Somebody to look up.
        """
        yield self._settings_step()
        reached = []
        for url in self._settings.servers:
            walked = list(Way(url, self._settings, self._clock).walk())
            yield from walked
            if walked[-1].state is not CheckState.FAILED:
                bound = timed(f"bind {url}", partial(self._bind, url))
                yield bound
                reached += [url] if bound.state is not CheckState.FAILED else []
        if not reached or self._settings.bind is None:
            why = "no service account is configured" if reached else "no server lets us in"
            yield Check("people", CheckState.SKIPPED, why)
            return
        yield from self._directory(login)

    def _settings_step(self) -> Check:
        if self._settings.tls.verify:
            return Check("settings", CheckState.OK)
        return Check("settings", CheckState.WARNING, "tls.verify is off", "whoever stands between can read passwords")

    def _bind(self, url: str) -> str | Finding:
        service = self._settings.bind
        if service is None:
            return Finding("no service account is configured", CheckState.SKIPPED)
        self._connections.as_service(url, self._connections.deadline()).close()
        return f"as {service.dn}"

    def _directory(self, login: str | None) -> Iterator[Check]:
        yield timed("server", self._root)
        people = timed("people", self._count)
        yield people
        if people.state is not CheckState.FAILED:
            yield timed("id", self._key)
            yield timed("attributes", self._attributes)
        yield timed("groups", self._groups)
        if login is not None:
            yield timed("login", partial(self._login, login))

    def _root(self) -> str | Finding:
        self._flavour = self._connections.flavour(self._search)
        roots = self._search(_ROOT)
        vendor = " ".join(filter(None, (root.text(name) for root in roots for name in ("vendorName", "vendorVersion"))))
        told = f"flavour {self._flavour}{f' ({vendor})' if vendor else ''}"
        if any(_PAGED in root.texts("supportedControl") for root in roots):
            return f"{told}, answers in pages"
        return Finding(
            f"{told}; offers no paged results (RFC 2696)",
            CheckState.WARNING,
            "a sync or a large group ends at the server's size limit: raise it for the service account",
        )

    def _count(self) -> str:
        people = self._settings.people
        query = Query(people.base, people.filter, person_attributes(self._settings), people.scope)

        def count(session: Session) -> tuple[int, bool]:
            counted, seen = 0, list[Entry]()
            pages = session.pages(query, self._connections.deadline())
            for page in islice(pages, _PAGES):
                counted += len(page)
                seen += page[: _LOOKED_AT - len(seen)]
            self._people = seen
            return counted, next(pages, None) is not None

        counted, more = self._connections.ask(count, self._connections.deadline())
        if not counted:
            raise DirectoryError("nobody", f"nobody below {people.base} matches {people.filter}")
        shown = [entry.text(*self._settings.attributes.login) or entry.dn for entry in self._people]
        shown += ["…"] if counted > len(shown) else []
        return f"{'more than ' if more else ''}{counted} below {people.base}: {', '.join(shown)}"

    def _key(self) -> str:
        wanted = self._settings.attributes.id
        for person in self._people:
            key = stable_id(person, wanted, self._flavour)
            if key is None:
                hint = "the service account has to be allowed to read it; attributes.id says which one it is"
                raise DirectoryError("no_id", f"{person.dn} has no key ({wanted})", hint=hint)
        return f"everybody looked at has one, such as {key}"

    def _attributes(self) -> str | Finding:
        wanted = self._settings.attributes
        keys = {"username": wanted.username, "login": wanted.login, "email": (wanted.email,)}
        lacking = [
            f"{person.dn} has no {' or '.join(names)} (attributes.{key})"
            for person in self._people
            for key, names in keys.items()
            if person.text(*names) is None
        ]
        if not lacking:
            return f"{', '.join(dict.fromkeys(name for names in keys.values() for name in names))} are there"
        return Finding("; ".join(lacking), CheckState.WARNING, "see attributes and people.filter")

    def _groups(self) -> str | Finding:
        settings = self._settings.groups
        missing = [name for name in named_groups(self._settings) if not self._is_there(name)]
        style = settings.style
        if style == "auto":
            seen = any(is_active_directory(self._flavour, person) for person in self._people)
            style = "in-chain" if seen else "memberof" if settings.base is None else "member"
            told = f"style auto, here {style} and memberOf" if style == "member" else f"style auto, here {style}"
        else:
            told = f"style {style}"
        if missing:
            hint = "see roles, require_group, deny_group and groups.base; a bare name is a cn directly below that"
            return Finding(f"{told}; not found: {', '.join(missing)}", CheckState.WARNING, hint)
        return f"{told}; all {len(named_groups(self._settings))} that the settings name are there"

    def _is_there(self, group: str) -> bool:
        base = self._settings.groups.base
        if "=" in group:
            query = Query(group, "(objectClass=*)", ("1.1",), "base", 1)
        elif base is not None:
            query = Query(base, f"(cn={escape_filter(group)})", ("1.1",), "onelevel", 2)
        else:
            return False
        try:
            return bool(self._search(query))
        except DirectoryError as error:
            if error.reason != "no_such_base" or query.base == base:
                raise
            return False

    def _login(self, login: str) -> str | Finding:
        found = self._look_up(login)
        if isinstance(found, Refused):
            steps = "; ".join(f"{step.name}: {step.detail}" for step in found.steps)
            raise DirectoryError(found.code, steps, hint=_REFUSALS.get(found.code, "an administrator has to help"))
        told = {"email": found.email, "name": found.realname, **found.attributes}
        read = "; ".join(f"{name}: {_plain(value)}" for name, value in told.items() if value)
        groups = ", ".join(sorted(found.groups or ())) or "none"
        return Finding(f"{found.username} ({found.source_id}); {read}; groups: {groups}", identity=found)

    def _search(self, query: Query) -> list[Entry]:
        deadline = self._connections.deadline()
        return self._connections.ask(lambda session: session.search(query, deadline), deadline)


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
