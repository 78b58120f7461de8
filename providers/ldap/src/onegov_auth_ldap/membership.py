"""
Which groups many people belong to, without asking for each of them.

A login asks about one person; a sync reads the groups that the settings name, and those inside them, once. It finds
the same of everybody, but for groups that nothing depends on.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Self

from onegov_auth_ldap.entry import Entry, security_identifier
from onegov_auth_ldap.errors import DirectoryError
from onegov_auth_ldap.groups import IN_CHAIN, MAX_DEPTH, GroupReader, Search, group_names, named_groups, primary_group
from onegov_auth_ldap.names import Name, escape_filter, folded, naming_context, normal, parse_name
from onegov_auth_ldap.session import Query
from onegov_auth_ldap.settings import LDAPSettings

__all__ = ["Membership"]

#: What is read of a group that matters.
_OF_A_GROUP = ("member", "uniqueMember", "memberUid", "gidNumber", "objectClass", "objectSid")

_NOTHING: frozenset[str] = frozenset()

_MEMBERS = "CREATE TABLE members (key TEXT, names INTEGER, PRIMARY KEY (key, names)) WITHOUT ROWID"


class Membership:
    """
    The groups of everybody; read at the beginning, used for each page of people.

    Args:
        settings: Where groups are, and which matter.
        search: Asks the directory.
        active_directory: Whether the rules of Active Directory hold.
    """

    def __init__(self, settings: LDAPSettings, search: Search, *, active_directory: bool) -> None:
        groups = settings.groups
        self._settings = settings
        self._search = search
        self._active_directory = active_directory
        self._base = groups.base
        self._nested = groups.nested
        self._style = "in-chain" if groups.style == "auto" and active_directory else groups.style
        #: How the groups that somebody is told to be in are called, and those around them.
        self._around: dict[Name | str, frozenset[str]] = {}
        self._seen: dict[str, frozenset[str]] = {}
        self._names: list[frozenset[str]] = []
        self._members = sqlite3.connect("", isolation_level=None)

    def __enter__(self) -> Self:
        # On disk as soon as it grows, without a name there, and gone in the end.
        self._members.execute("PRAGMA journal_mode = OFF")
        self._members.execute(_MEMBERS)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._members.close()

    def read(self) -> None:
        """
        Read the groups that matter.

        Raises:
            DirectoryError: If they can't all be read.
        """
        named = named_groups(self._settings)
        for dn in named:
            name = parse_name(dn) if "=" in dn else None
            if name is not None:
                self._around[name] = group_names([dn], self._base)
        if self._style == "in-chain":
            self._read_chains(named)
        elif self._base is not None and self._style != "memberof":
            self._read_members(self._base, frozenset(named))

    def of(self, people: Sequence[Entry]) -> list[frozenset[str]]:
        """
        The groups of each of these.

        Raises:
            DirectoryError: If the directory has to be asked about a group, and can't say.
        """
        keys = [self._keys(person) for person in people]
        listed = self._listed({key for some in keys for key in some}) if self._names else {}
        found = []
        for person, some in zip(people, keys, strict=True):
            parts = [names for key in some for names in listed.get(key, ())]
            if self._style not in {"member", "posix"}:
                parts += [self._told(octets) for octets in person.octets("memberOf")]
            parts += self._primary(person)
            found.append(_NOTHING.union(*parts) if parts else _NOTHING)
        return found

    def _keys(self, person: Entry) -> list[str]:
        """Under what a person would be listed as a member."""
        if not self._names:
            return []
        if self._style == "posix":
            return [f"u:{uid}" for uid in person.texts("uid")] + [f"g:{gid}" for gid in person.texts("gidNumber")]
        name = parse_name(person.dn)
        return [normal(name)] if name is not None else []

    def _listed(self, keys: set[str]) -> dict[str, list[frozenset[str]]]:
        marks = ",".join("?" * len(keys))
        statement = f"SELECT key, names FROM members WHERE key IN ({marks})"  # noqa: S608 - marks only
        found: dict[str, list[frozenset[str]]] = {}
        for key, number in self._members.execute(statement, tuple(keys)):
            found.setdefault(key, []).append(self._names[number])
        return found

    def _told(self, octets: bytes) -> frozenset[str]:
        """The names of a group that somebody's entry tells of, and of those around it; worked out once."""
        dn = octets.decode("utf-8", "replace")
        if dn not in self._seen:
            self._seen[dn] = self._worked_out(dn)
        return self._seen[dn]

    def _worked_out(self, dn: str) -> frozenset[str]:
        name = parse_name(dn)
        if name is None:
            return _NOTHING
        around = self._around.get(name, _NOTHING)
        if self._style != "memberof" and (self._base is not None or self._style == "in-chain"):
            return around
        # Where there is nowhere to search, the group itself is asked, like a person.
        outer = GroupReader(self._settings, self._search).read(Entry(dn, {"memberof": (dn.encode(),)}))
        return around | outer

    def _primary(self, person: Entry) -> list[frozenset[str]]:
        if not self._active_directory:
            return []
        sid = primary_group(person)
        if sid is None:
            return []
        if sid not in self._around and self._style == "memberof":
            base = naming_context(self._base or self._settings.people.base)
            found = self._search(Query(base, f"(objectSid={escape_filter(sid)})", ("1.1",)))
            self._around[sid] = _NOTHING.union(*(self._told(entry.dn.encode()) for entry in found))
        return [self._around.get(sid, _NOTHING)]

    def _read_chains(self, named: Iterable[str]) -> None:
        """Active Directory lists everything inside a group by itself."""
        base = naming_context(self._base or self._settings.people.base)
        for name in named:
            kind = "distinguishedName" if "=" in name else "cn"
            for group in self._search(Query(base, f"({kind}={escape_filter(name)})", ("objectSid",))):
                names = group_names([group.dn], self._base)
                inside = [group]
                if self._nested:
                    rule = f"(&(objectClass=group)(memberOf:{IN_CHAIN}:={escape_filter(group.dn)}))"
                    inside += self._search(Query(base, rule, ("objectSid",)))
                for entry in inside:
                    self._add(entry, names)

    def _read_members(self, base: str, named: frozenset[str]) -> None:
        """From the groups that matter down to the people, along the lists of members."""
        wanted = {folded(name) for name in named}
        groups = self._all_groups(base)
        for name, dn in groups.items():
            names = group_names([dn], base)
            if not wanted.isdisjoint(folded(called) for called in names):
                self._read_inside(name, dn, names, groups)

    def _all_groups(self, base: str) -> dict[Name, str]:
        # By class as well: a group that is only somebody's primary one lists no members.
        filter_ = "(|(member=*)(uniqueMember=*)(objectClass=posixGroup)(objectClass=group))"
        found = ((parse_name(entry.dn), entry.dn) for entry in self._search(Query(base, filter_, ("1.1",))))
        return {name: dn for name, dn in found if name is not None}

    def _read_inside(self, name: Name, dn: str, names: frozenset[str], groups: dict[Name, str]) -> None:
        number = len(self._names)
        self._names.append(names)
        inner, seen = {name: dn}, {name}
        for _ in range(MAX_DEPTH + 1):
            following: dict[Name, str] = {}
            for group in inner.values():
                entry = self._read_group(group)
                self._add(entry, names)
                members = self._note_members(entry, number)
                following |= {member: groups[member] for member in members if member in groups and member not in seen}
            if not following or not self._nested:
                return
            seen |= following.keys()
            inner = following
        # LDAP-55: a login goes no deeper either.

    def _read_group(self, dn: str) -> Entry:
        found = self._search(Query(dn, "(objectClass=*)", _OF_A_GROUP, "base", 1))
        if len(found) != 1:
            raise DirectoryError("protocol", "a group is gone while it is read", elsewhere=False)
        return found[0]

    def _note_members(self, group: Entry, number: int) -> set[Name]:
        """Keep who is in the group; returns those of them that have a name, which may be groups."""
        names = {
            name
            for kind in ("member", "uniqueMember")
            for octets in group.octets(kind)
            if (name := parse_name(octets.decode("utf-8", "replace"))) is not None
        }
        keys = [normal(name) for name in names]
        if self._style == "posix":
            is_posix = any(text.lower() == "posixgroup" for text in group.texts("objectClass"))
            keys = [f"u:{uid}" for uid in group.texts("memberUid")] + [f"g:{gid}" for gid in group.texts("gidNumber")]
            keys = keys if is_posix else []
        self._members.execute("BEGIN")
        self._members.executemany("INSERT OR IGNORE INTO members VALUES (?, ?)", ((key, number) for key in keys))
        self._members.execute("COMMIT")
        return names

    def _add(self, group: Entry, names: frozenset[str]) -> None:
        """Being in *group* is being in those groups."""
        keys: list[Name | str | None] = [parse_name(group.dn)]
        keys += [security_identifier(octets) for octets in group.octets("objectSid")]
        for key in keys:
            if key is not None:
                self._around[key] = self._around.get(key, _NOTHING) | names
