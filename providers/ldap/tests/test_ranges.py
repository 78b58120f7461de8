"""Attributes that come in parts, from a server that counts rightly and from ones that don't."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import pytest

from onegov_auth.providers import Password, Refused, Unavailable, VerifiedIdentity
from onegov_auth.testing.servers.hostile_ldap import Ask, HostileLDAP, Reply, entry, message
from onegov_auth_ldap import LDAPProvider
from onegov_auth_ldap.entry import Entry
from onegov_auth_ldap.errors import DirectoryError
from onegov_auth_ldap.ranges import MAX_VALUES, joined, open_ranges

PERSON = "uid=anna,ou=people,dc=example,dc=org"
FACTS = {"entryUUID": [b"7b95f0d5-a3ed-486c-919c-077b8c9731f2"], "mail": [b"anna@example.org"]}

#: Attribute description to how many values it comes with.
Part: TypeAlias = Mapping[str, int]


def groups(first: int, count: int) -> list[bytes]:
    """Names of so many groups."""
    return [b"cn=%d,ou=groups,dc=example,dc=org" % number for number in range(first, first + count)]


def ranged(parts: Sequence[Part], code: int = 0) -> Callable[[Ask], Sequence[Reply]]:
    """A script: the person has groups in these parts; every part after the first ends with *code*."""
    left = list(parts)

    def script(ask: Ask) -> Sequence[Reply]:
        if ask.kind != "search" or not left or ask.parts[0] in {b"", b"ou=groups,dc=example,dc=org"}:
            return [ask.answer()]
        part = {name: groups(0, count) for name, count in left.pop(0).items()}
        first = len(left) == len(parts) - 1
        return [message(ask.id, entry(PERSON, FACTS | part)), ask.answer(0 if first else code)]

    return script


@pytest.fixture
def outcome_of(facing: Callable[..., LDAPProvider]) -> Callable[..., object]:
    """What a login comes to at a server that tells these parts."""

    def outcome_of(*parts: Part, code: int = 0) -> VerifiedIdentity | Refused | Unavailable:
        with HostileLDAP(ranged(parts, code)) as server:
            provider = facing(
                server, groups={"base": "ou=groups,dc=example,dc=org", "style": "memberof", "nested": False}
            )
            return provider.authenticate("anna", Password("secret"))

    return outcome_of


@pytest.mark.sec("LDAP-60")
def test_all_parts_are_read(facing: Callable[..., LDAPProvider]) -> None:
    """A memberOf of 3200 values in three parts is complete, and each part is asked for where the last one ended."""
    asked: list[bytes] = []

    def script(ask: Ask) -> Sequence[Reply]:
        if ask.kind != "search" or ask.parts[0] == b"":
            return [ask.answer()]
        asked.append(ask.parts[-1])
        first, count, end = [(0, 1500, b"1499"), (1500, 1500, b"2999"), (3000, 200, b"*")][len(asked) - 1]
        ranged = f"memberOf;range={first}-{end.decode()}"
        plain: dict[str, list[bytes]] = {"memberOf": []} if first == 0 else {}
        return [message(ask.id, entry(PERSON, FACTS | plain | {ranged: groups(first, count)})), ask.answer()]

    with HostileLDAP(script) as server:
        provider = facing(server, groups={"style": "memberof", "nested": False})
        outcome = provider.authenticate("anna", Password("secret"))

    assert isinstance(outcome, VerifiedIdentity), outcome
    assert len([name for name in outcome.groups or () if "=" in name]) == 3200
    assert [part[2:] for part in asked[1:]] == [b"memberof;range=1500-*", b"memberof;range=3000-*"]


@pytest.mark.sec("LDAP-60")
@pytest.mark.parametrize(
    "parts",
    [
        ({"memberOf;range=0-1": 2}, {}),
        ({"memberOf;range=0-1": 2}, {"memberOf;range=1-*": 2}),
        ({"memberOf;range=0-1": 2}, {"memberOf;range=3-*": 2}),
        ({"memberOf;range=0-1": 2}, {"memberOf;range=2-5": 0}),
        ({"memberOf;range=0-1": 2}, {"memberOf": 2}),
        ({"memberOf;range=5-9": 2}, {"memberOf;range=10-*": 2}),
        ({"memberOf;range=5-*": 2},),
        ({"memberOf;range=0-1": 2}, {"memberOf;range=2-1": 1}, {"memberOf;range=2-*": 1}),
    ],
    ids=["none", "again", "gap", "empty", "without", "middle", "end", "backwards"],
)
def test_a_part_is_not_the_whole(outcome_of: Callable[..., object], parts: Sequence[Part]) -> None:
    """Where the parts don't fit together the login is unavailable: somebody could be in a group that is denied."""
    outcome = outcome_of(*parts)

    assert isinstance(outcome, Unavailable), outcome
    assert outcome.code == "protocol"


@pytest.mark.sec("LDAP-60", "LDAP-59")
@pytest.mark.parametrize("code", [1, 32, 50, 51])
def test_a_part_that_cannot_be_read_is_trouble(outcome_of: Callable[..., object], code: int) -> None:
    """A server that ends with an error on the way has not told all."""
    parts = [{"memberOf;range=0-1": 2}, {"memberOf;range=2-*": 2}]

    assert isinstance(outcome_of(*parts, code=code), Unavailable)


def test_other_options_are_left_alone() -> None:
    """A language or the like is no range."""
    assert open_ranges(Entry("uid=x", {"mail;lang-de": (b"x",), "mail": ()})) == ()


@pytest.mark.sec("LDAP-36")
def test_parts_have_an_end() -> None:
    """More values than any directory has are an error, not a full memory."""
    many = Entry("uid=x", {f"member;range=0-{MAX_VALUES - 1}": (b"",) * MAX_VALUES})
    with pytest.raises(DirectoryError, match="too_large"):
        joined(many, [Entry("uid=x", {f"member;range={MAX_VALUES}-*": (b"x",)})])


def test_an_entry_that_is_gone_is_trouble() -> None:
    """Without an entry there is no next part."""
    with pytest.raises(DirectoryError, match="gone"):
        joined(Entry("uid=x", {"member;range=0-1": (b"x",)}), [])
