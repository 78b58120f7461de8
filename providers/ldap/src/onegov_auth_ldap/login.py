"""One person's login, from what they typed to who they are."""

from __future__ import annotations

import secrets
from functools import partial

from onegov_auth.providers import AuthnContext, Clock, Password, Refused, Step, VerifiedIdentity
from onegov_auth_ldap.connections import Connections
from onegov_auth_ldap.credentials import login_name, password_octets
from onegov_auth_ldap.entry import Entry, security_identifier, stable_id
from onegov_auth_ldap.errors import DirectoryError
from onegov_auth_ldap.flavour import is_active_directory
from onegov_auth_ldap.groups import GroupReader, Search
from onegov_auth_ldap.identity import Identities, person_attributes
from onegov_auth_ldap.names import account_name, escape_dn, escape_filter
from onegov_auth_ldap.session import SUCCESS, Answer, Query, Session
from onegov_auth_ldap.settings import PLACEHOLDER, LDAPSettings
from onegov_auth_ldap.state import account_fault, bind_fault
from onegov_auth_ldap.wire import Deadline

__all__ = ["Login", "search_filter"]

#: RFC 4511 §4.1.9.
_COMPARE_FALSE, _COMPARE_TRUE, _NO_SUCH_ATTRIBUTE = 5, 6, 16

#: MS-ADTS §3.1.1.3.2: in the root entry, the identifiers of whoever is bound, their own first.
_WHO_AM_I = Query("", "(objectClass=*)", ("tokenGroups",), "base", 1)


class Login:
    """
    One login; of one thread, and used once.

    Args:
        source: The provider's name.
        settings: The provider's.
        connections: The way to the servers.
        clock: The time.

    Attributes:
        steps: What was done so far, for the event log.
    """

    def __init__(self, source: str, settings: LDAPSettings, connections: Connections, clock: Clock) -> None:
        self._settings = settings
        self._connections = connections
        self._clock = clock
        self._identities = Identities(source, settings)
        self._deadline: Deadline = connections.deadline()
        self.steps: list[Step] = []

    def run(self, username: str, password: Password) -> VerifiedIdentity | Refused:
        """
        Who this is.

        Raises:
            DirectoryError: If the directory can't say.
        """
        clear = password_octets(password, compared=self._settings.method == "compare")
        if isinstance(clear, Refused):
            return clear
        name = login_name(username)
        if name is None:
            return self._refused("unknown_user")
        if self._settings.dn_template is not None:
            return self._by_template(self._settings.dn_template, name, clear)
        return self._by_search(name, clear)

    def look_up(self, username: str) -> VerifiedIdentity | Refused:
        """
        Who this would be, found by the service account without a password; for the doctor.

        Raises:
            DirectoryError: If the directory can't say.
        """
        name = login_name(username)
        entries = find_people(self._settings, self._ask, name) if name else []
        self._note("search", f"{len(entries)} found")
        if len(entries) != 1:
            return self._refused("ambiguous_user" if entries else "unknown_user")
        return self._identify(entries[0], self._ask)

    def _by_search(self, name: str, clear: bytes) -> VerifiedIdentity | Refused:
        entries = find_people(self._settings, self._ask, name)
        self._note("search", f"{len(entries)} found")
        if len(entries) != 1 or not entries[0].dn:
            # LDAP-52: an unknown person costs the same round trips as a known one, with nobody's password.
            self._prove_nobody()
            return self._refused("ambiguous_user" if entries else "unknown_user")
        # LDAP-07: the entry that was found is the one that is bound; it is not looked for again.
        refused = self._prove(entries[0].dn, clear)
        return refused or self._identify(entries[0], self._ask)

    def _by_template(self, template: str, name: str, clear: bytes) -> VerifiedIdentity | Refused:
        if "=" not in template:
            return self._by_principal(template, name, clear)
        dn = template.replace(PLACEHOLDER, escape_dn(name))
        if self._settings.bind is not None:
            refused = self._prove(dn, clear)
            return refused or self._read_own(dn, self._ask)
        with self._connections.fresh(self._deadline) as own:
            refused = self._judge_bind(own.bind(dn, clear, self._deadline))
            return refused or self._read_own(dn, partial(_search_on, own, self._deadline))

    def _by_principal(self, template: str, name: str, clear: bytes) -> VerifiedIdentity | Refused:
        account = account_name(name)
        if account is None:
            return self._refused("unknown_user")
        with self._connections.fresh(self._deadline) as own:
            refused = self._judge_bind(own.bind(template.replace(PLACEHOLDER, account), clear, self._deadline))
            if refused:
                return refused
            mine = partial(_search_on, own, self._deadline)
            # LDAP-07: one person's principal name may be another's account name. The server says who was bound.
            term = f"(objectSid={escape_filter(_bound_as(mine))})"
            people = self._settings.people
            query = Query(people.base, f"(&{people.filter}{term})", person_attributes(self._settings), people.scope, 2)
            return self._read(query, self._ask if self._settings.bind is not None else mine)

    def _read_own(self, dn: str, search: Search) -> VerifiedIdentity | Refused:
        people = self._settings.people
        return self._read(Query(dn, people.filter, person_attributes(self._settings), "base", 2), search)

    def _read(self, query: Query, search: Search) -> VerifiedIdentity | Refused:
        entries = search(query)
        self._note("read", f"{len(entries)} found")
        # The name is an entry, and its password right, but it is nobody who may log in: a printer, a service.
        return self._identify(entries[0], search) if len(entries) == 1 else self._refused("not_a_person", proven=True)

    def _prove(self, dn: str, clear: bytes) -> Refused | None:
        if self._settings.method == "compare":
            ask = partial(_compare_on, dn, clear, self._deadline)
            return self._judge_compare(self._connections.ask(ask, self._deadline))
        with self._connections.fresh(self._deadline) as session:
            return self._judge_bind(session.bind(dn, clear, self._deadline))

    def _prove_nobody(self) -> None:
        nobody = f"cn={secrets.token_hex(16)},{self._settings.people.base}"
        if self._settings.method == "compare":
            ask = partial(_compare_on, nobody, b"nobody", self._deadline)
            self._connections.ask(ask, self._deadline)
            return
        with self._connections.fresh(self._deadline) as session:
            session.bind(nobody, secrets.token_hex(16).encode(), self._deadline)

    def _judge_bind(self, answer: Answer) -> Refused | None:
        self._note("bind", ", ".join(filter(None, (answer.description, str(answer.policy)))))
        fault = bind_fault(answer)
        if fault is None and answer.code != SUCCESS:
            raise DirectoryError("result", f"bind: {answer.description}", elsewhere=False)
        return None if fault is None else self._refused(fault.code, proven=fault.proven)

    def _judge_compare(self, answer: Answer) -> Refused | None:
        self._note("compare", answer.description)
        if answer.code == _COMPARE_TRUE:
            return None
        codes = {_COMPARE_FALSE: "wrong_password", _NO_SUCH_ATTRIBUTE: "no_password"}
        if answer.code not in codes:
            raise DirectoryError("result", f"compare: {answer.description}", elsewhere=False)
        return self._refused(codes[answer.code])

    def _identify(self, entry: Entry, search: Search) -> VerifiedIdentity | Refused:
        settings, wanted = self._settings, self._settings.attributes
        fault = account_fault(entry, self._clock())
        if fault:
            return self._refused(fault, proven=True)
        flavour = self._connections.flavour(search)
        key, username = stable_id(entry, wanted.id, flavour), entry.text(*wanted.username)
        if not key or not username:
            return self._refused("no_username" if key else "no_id", proven=True)
        reader = GroupReader(settings, search, active_directory=is_active_directory(flavour, entry))
        groups = reader.read(entry)
        self._note("groups", f"{len(groups)} names")
        barred = self._identities.barred(groups)
        if barred:
            return self._refused(barred, proven=True)
        authn = AuthnContext(methods=frozenset({"pwd"}), at=self._clock())
        return self._identities.make(entry, key, groups, authn=authn, steps=tuple(self.steps))

    def _ask(self, query: Query) -> list[Entry]:
        return self._connections.ask(partial(_search, query, self._deadline), self._deadline)

    def _note(self, name: str, detail: str) -> None:
        self.steps.append(Step(name, detail))

    def _refused(self, code: str, *, proven: bool = False) -> Refused:
        return Refused(code, tuple(self.steps), proven=proven)


def find_people(settings: LDAPSettings, search: Search, name: str) -> list[Entry]:
    """The people called so: at most two, because two are too many already (LDAP-14, LDAP-65)."""
    people = settings.people
    return search(Query(people.base, search_filter(settings, name), person_attributes(settings), people.scope, 2))


def search_filter(settings: LDAPSettings, name: str) -> str:
    """The filter for the person called *name* by any of the login attributes."""
    value = escape_filter(name)
    terms = "".join(f"({attribute}={value})" for attribute in settings.attributes.login)
    return f"(&{settings.people.filter}(|{terms}))"


def _bound_as(search: Search) -> str:
    tokens = [octets for root in search(_WHO_AM_I) for octets in root.octets("tokenGroups")]
    own = security_identifier(tokens[0]) if tokens else None
    if own is None:
        raise DirectoryError(
            "result", "the server does not say who was bound: use dn_template with a DN", elsewhere=False
        )
    return own


def _search(query: Query, deadline: Deadline, session: Session) -> list[Entry]:
    return session.search(query, deadline)


def _search_on(session: Session, deadline: Deadline, query: Query) -> list[Entry]:
    return session.search(query, deadline)


def _compare_on(dn: str, value: bytes, deadline: Deadline, session: Session) -> Answer:
    return session.compare(dn, "userPassword", value, deadline)
