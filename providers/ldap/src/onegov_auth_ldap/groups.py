"""Which groups somebody belongs to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TypeAlias

from onegov_auth_ldap.entry import Entry, security_identifier
from onegov_auth_ldap.errors import DirectoryError
from onegov_auth_ldap.names import Name, escape_filter, naming_context, normal, parse, parse_name
from onegov_auth_ldap.session import Query
from onegov_auth_ldap.settings import LDAPSettings

__all__ = ["GroupReader", "Search", "group_names", "named_groups", "primary_group"]

#: Asks the directory.
Search: TypeAlias = Callable[[Query], list[Entry]]

#: Groups in groups in groups: deeper ones are a cycle or a mistake (LDAP-55).
MAX_DEPTH = 10

#: Somebody in more groups is a mistake or an attack (LDAP-36).
MAX_GROUPS = 2000

#: Names in one filter; servers limit its size.
CHUNK = 40

#: MS-ADTS §3.1.1.3.4.4.3, LDAP_MATCHING_RULE_TRANSITIVE_EVAL.
IN_CHAIN = "1.2.840.113556.1.4.1941"


class GroupReader:
    """
    Reads the groups of one person.

    Args:
        settings: Where groups are, and which are named in ``roles``, ``grants``, ``require_group`` and ``deny_group``.
        search: Asks the directory, within the login's time.
        active_directory: Whether the server resolves groups in groups by itself, and has primary groups by number.
    """

    def __init__(self, settings: LDAPSettings, search: Search, *, active_directory: bool = False) -> None:
        self._settings = settings
        self._search = search
        groups = settings.groups
        self._base = groups.base
        self._nested = groups.nested
        self._active_directory = active_directory
        self._style = groups.style
        if groups.style == "auto" and active_directory:
            self._style = "in-chain"

    def read(self, person: Entry) -> frozenset[str]:
        """
        Their groups, as :func:`group_names` gives them; empty if there are none.

        Active Directory is asked in one query, and of nested groups only about those that the settings name.

        Raises:
            DirectoryError: If they can't all be read: a part of them is no answer.
        """
        found = self._direct(person)
        if self._nested and self._style != "in-chain":
            found = self._with_outer(found)
        return group_names(found, self._base)

    def _direct(self, person: Entry) -> set[str]:
        found = set(person.texts("memberOf")) if self._style not in {"member", "posix"} else set()
        if self._style == "in-chain":
            return found | self._in_chain(person)
        if self._active_directory:
            found |= self._primary(person)
        if self._base is None or self._style == "memberof":
            return found
        if self._style == "posix":
            return found | self._posix(person)
        return found | self._groups(_members([person.dn]))

    def _in_chain(self, person: Entry) -> set[str]:
        named = named_groups(self._settings)
        if not named:
            return set()
        # The rule is evaluated per candidate, so it is asked about the few that matter and not about all there are.
        rule = f"member:{IN_CHAIN}:" if self._nested else "member"
        member = [f"({rule}={escape_filter(person.dn)})"]
        primary = primary_group(person)
        if primary is not None:
            member.append(f"(objectSid={escape_filter(primary)})")
            if self._nested:
                # MS-ADTS §3.1.1.3.1.2.4: an identifier stands for the name, which nobody has to look up first.
                member.append(f"({rule}={escape_filter(f'<SID={primary}>')})")
        names = "".join(_named(name) for name in named)
        base = naming_context(self._base or self._settings.people.base)
        return self._groups(f"(&(|{names})(|{''.join(member)}))", base)

    def _primary(self, person: Entry) -> set[str]:
        primary = primary_group(person)
        if primary is None:
            return set()
        base = naming_context(self._base or self._settings.people.base)
        return self._groups(f"(objectSid={escape_filter(primary)})", base)

    def _posix(self, person: Entry) -> set[str]:
        # RFC 2307 §2.2: members by name, and the primary group by number.
        terms = [f"(memberUid={escape_filter(uid)})" for uid in person.texts("uid")]
        terms += [f"(gidNumber={escape_filter(number)})" for number in person.texts("gidNumber")]
        return self._groups(f"(&(objectClass=posixGroup)(|{''.join(terms)}))") if terms else set()

    def _with_outer(self, found: set[str]) -> set[str]:
        seen: dict[Name, str] = {}
        inner = _unseen(found, seen)
        for _ in range(MAX_DEPTH):
            if not inner:
                break
            inner = _unseen(self._outer(inner), seen)
            if len(seen) > MAX_GROUPS:
                raise DirectoryError("limit", "too many groups")
        return set(seen.values())

    def _outer(self, groups: list[str]) -> Iterable[str]:
        if self._style == "memberof" or self._base is None:
            for group in groups:
                for entry in self._search(Query(group, "(objectClass=*)", ("memberOf",), "base", 1)):
                    yield from entry.texts("memberOf")
            return
        for start in range(0, len(groups), CHUNK):
            yield from self._groups(_members(groups[start : start + CHUNK]))

    def _groups(self, filter_: str, base: str | None = None) -> set[str]:
        # "1.1" asks for no attributes (RFC 4511 §4.5.1.8).
        return {entry.dn for entry in self._search(Query(base or self._base or "", filter_, ("1.1",)))}


def named_groups(settings: LDAPSettings) -> tuple[str, ...]:
    """The groups that decide anything: of ``roles`` and ``grants``, ``require_group`` and ``deny_group``."""
    named = settings.named_groups | {group for group in (settings.require_group, settings.deny_group) if group}
    return tuple(sorted(named - {"*"}))


def primary_group(person: Entry) -> str | None:
    """
    The security identifier of somebody's primary group in Active Directory, which is no ``memberOf`` (LDAP-54): their
    own with another last part (MS-ADTS §3.1.1.4.5.2); ``None`` if it isn't told.

    Raises:
        DirectoryError: If what is told can't be read.
    """
    numbers, identifiers = person.texts("primaryGroupID"), person.octets("objectSid")
    if not numbers or not identifiers:
        return None
    sid = security_identifier(identifiers[0])
    if sid is None or len(identifiers) > 1 or len(numbers) > 1 or not re.fullmatch("[0-9]{1,10}", numbers[0]):
        raise DirectoryError("protocol", "the primary group can't be read", elsewhere=False)
    return f"{sid.rpartition('-')[0]}-{numbers[0]}"


def group_names(dns: Iterable[str], base: str | None) -> frozenset[str]:
    """
    What the groups of these names are called: each by its DN in normal form, and those directly below *base* by
    their bare ``cn`` as well.

    A group elsewhere never gets a bare name: whoever may make one in some corner could call it "admins" (LDAP-58).
    """
    below = parse(base) if base else None
    names: set[str] = set()
    for parts in filter(None, map(parse_name, dns)):
        names.add(normal(parts))
        bare = _bare(parts, below)
        if bare:
            names.add(bare)
    return frozenset(names)


def _bare(parts: Name, below: Name | None) -> str | None:
    if below is None or parts[1:] != below or len(parts[0]) != 1:
        return None
    kind, value = parts[0][0]
    # A cn that looks like a DN would be taken for that other group.
    return value if kind == "cn" and "=" not in value and value != "*" else None


def _named(name: str) -> str:
    kind = "distinguishedName" if "=" in name else "cn"
    return f"({kind}={escape_filter(name)})"


def _members(dns: Iterable[str]) -> str:
    # LDAP-17: a name holds parentheses, asterisks and backslashes of its own.
    escaped = [escape_filter(dn) for dn in dns]
    return f"(|{''.join(f'(member={dn})(uniqueMember={dn})' for dn in escaped)})"


def _unseen(dns: Iterable[str], seen: dict[Name, str]) -> list[str]:
    new = []
    for dn in dns:
        name = parse_name(dn)
        if name is not None and name not in seen:
            seen[name] = dn
            new.append(dn)
    return new
