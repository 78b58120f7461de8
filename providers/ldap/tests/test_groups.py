"""Groups of every style, nested and hostile."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from onegov_auth.providers import Password, VerifiedIdentity
from onegov_auth.testing.servers import Slapd
from onegov_auth_ldap import LDAPProvider
from onegov_auth_ldap.entry import Entry
from onegov_auth_ldap.errors import DirectoryError
from onegov_auth_ldap.groups import MAX_DEPTH, MAX_GROUPS, GroupReader, group_names
from onegov_auth_ldap.session import Query
from onegov_auth_ldap.settings import GroupSettings

BASE = "ou=groups,dc=example,dc=org"
ALICE = Entry("uid=alice,dc=example,dc=org", {"uid": (b"alice",), "gidnumber": (b"5000",)})

Added = Callable[[str, dict[str, Any]], AbstractContextManager[None]]


@pytest.fixture
def groups_of(slapd: Slapd, make: Callable[..., LDAPProvider]) -> Callable[..., frozenset[str]]:
    """The groups somebody has after a login."""

    def groups_of(uid: str, **groups: Any) -> frozenset[str]:
        identity = make(groups=groups).authenticate(uid, Password(slapd.person(uid).password))
        assert isinstance(identity, VerifiedIdentity), identity
        assert identity.groups is not None
        return identity.groups

    return groups_of


def group(*members: str) -> dict[str, Any]:
    """The attributes of a group with these members."""
    return {"objectClass": "groupOfNames", "member": members}


@pytest.mark.sec("LDAP-57")
@pytest.mark.parametrize("style", ["auto", "memberof", "member"])
def test_every_style_finds_the_groups(groups_of: Callable[..., frozenset[str]], style: str) -> None:
    """Read from the person or searched for, the groups are the same."""
    assert groups_of("alice", style=style) == {"admins", f"cn=admins,{BASE}", "staff", f"cn=staff,{BASE}"}


@pytest.mark.sec("LDAP-57")
def test_posix_groups_are_found_by_name(slapd: Slapd, groups_of: Callable[..., frozenset[str]]) -> None:
    """Groups that list people by uid are found where posix is the style."""
    found = groups_of("bob", style="posix", base=slapd.posix_groups_base, nested=False)

    assert found >= {"editors", f"cn=editors,{slapd.posix_groups_base}"}
    assert "admins" not in found


@pytest.mark.sec("LDAP-57")
def test_groups_of_unique_names_are_found(slapd: Slapd, added: Added, groups_of: Callable[..., frozenset[str]]) -> None:
    """A uniqueMember counts as member does."""
    unique = {"objectClass": "groupOfUniqueNames", "uniqueMember": slapd.dn("dario")}
    with added(f"cn=unique,{BASE}", unique):
        assert "unique" in groups_of("dario")


@pytest.mark.sec("LDAP-55")
@pytest.mark.parametrize("style", ["auto", "member", "memberof"])
def test_groups_in_groups_count_once(
    slapd: Slapd, added: Added, groups_of: Callable[..., frozenset[str]], style: str
) -> None:
    """Groups four deep are found, and a circle of them comes to an end."""
    first = slapd.dn("eve")
    with (
        added(f"cn=one,{BASE}", group(first)),
        added(f"cn=two,{BASE}", group(f"cn=one,{BASE}")),
        added(f"cn=three,{BASE}", group(f"cn=two,{BASE}")),
        added(f"cn=four,{BASE}", group(f"cn=three,{BASE}")),
    ):
        slapd.modify(f"cn=one,{BASE}", {"member": [first, f"cn=four,{BASE}"]})

        assert {"one", "two", "three", "four"} <= groups_of("eve", style=style)
        assert {"one", "two", "three", "four"} & groups_of("eve", style=style, nested=False) == {"one"}


@pytest.mark.sec("LDAP-17")
def test_a_name_full_of_special_characters_is_one_member(
    slapd: Slapd, added: Added, groups_of: Callable[..., frozenset[str]]
) -> None:
    """Commas, parentheses, asterisks and backslashes in a group's name stay what they are in a filter."""
    inner = f"cn=Müller\\, Hans (extern)*\\\\,{BASE}"
    with (
        added(inner, group(slapd.dn("eve"))),
        added(f"cn=outer,{BASE}", group(inner)),
        added(f"cn=Müller,{BASE}", group(slapd.dn("bob"))),
    ):
        found = groups_of("eve", style="member")

    assert {"outer", "müller, hans (extern)*\\"} <= found
    assert "müller" not in found


@pytest.mark.sec("LDAP-58")
def test_a_group_elsewhere_has_no_bare_name(
    slapd: Slapd, added: Added, groups_of: Callable[..., frozenset[str]]
) -> None:
    """A group called "admins" in another place is known by its DN only."""
    with added(f"ou=clubs,{BASE}", {"objectClass": "organizationalUnit"}):
        try:
            slapd.add_entry(f"cn=admins,ou=clubs,{BASE}", group(slapd.dn("eve")))
            found = groups_of("eve")
        finally:
            slapd.delete(f"cn=admins,ou=clubs,{BASE}")

    assert f"cn=admins,ou=clubs,{BASE}" in found
    assert "admins" not in found


@pytest.mark.sec("LDAP-56")
def test_no_group_is_an_empty_set(slapd: Slapd, added: Added, make: Callable[..., LDAPProvider]) -> None:
    """Somebody without memberOf is in no group: not unknown, and not an error."""
    person = {"objectClass": "inetOrgPerson", "cn": "f", "sn": "f", "mail": "f@example.org", "userPassword": "f-secret"}
    with added(slapd.dn("frieda"), person):
        identity = make().authenticate("frieda", Password("f-secret"))

    assert isinstance(identity, VerifiedIdentity)
    assert identity.groups == frozenset()


class Asked:
    """Answers searches from a list, and writes them down."""

    def __init__(self, *answers: list[str] | DirectoryError) -> None:
        self.answers = list(answers)
        self.queries: list[Query] = []

    def __call__(self, query: Query) -> list[Entry]:
        """The next answer."""
        self.queries.append(query)
        answer = self.answers.pop(0) if self.answers else []
        if isinstance(answer, DirectoryError):
            raise answer
        return [Entry(dn) for dn in answer]


@pytest.mark.sec("LDAP-53")
def test_active_directory_resolves_groups_itself() -> None:
    """One search with the matching rule in chain brings nested groups too."""
    asked = Asked([f"cn=admins,{BASE}"])
    reader = GroupReader(GroupSettings(base=BASE), asked, active_directory=True)

    assert "admins" in reader.read(ALICE)
    assert [query.filter for query in asked.queries] == [
        "(member:1.2.840.113556.1.4.1941:=uid\\3dalice\\2cdc\\3dexample\\2cdc\\3dorg)"
    ]


def test_posix_asks_for_names_and_the_primary_group() -> None:
    """The uid and the gidNumber go into one filter; without either nothing is asked."""
    asked = Asked()
    reader = GroupReader(GroupSettings(base=BASE, style="posix", nested=False), asked)
    reader.read(ALICE)
    reader.read(Entry("uid=x,dc=org"))

    assert [query.filter for query in asked.queries] == [
        "(&(objectClass=posixGroup)(|(memberUid=alice)(gidNumber=5000)))"
    ]


def test_without_a_base_only_the_person_is_read() -> None:
    """The memberOf of a person is enough; nested groups are then read one by one."""
    asked = Asked()
    person = Entry("uid=x,dc=org", {"memberof": (b"CN=Staff,DC=org",)})

    assert GroupReader(GroupSettings(), asked).read(person) == {"cn=staff,dc=org"}
    assert [(query.base, query.scope) for query in asked.queries] == [("CN=Staff,DC=org", "base")]


@pytest.mark.sec("LDAP-59")
def test_groups_that_cannot_be_read_are_an_error() -> None:
    """A search that fails on the way is not an empty set."""
    asked = Asked([f"cn=one,{BASE}"], DirectoryError("limit"))
    with pytest.raises(DirectoryError, match="limit"):
        GroupReader(GroupSettings(base=BASE), asked).read(ALICE)


@pytest.mark.sec("LDAP-36", "LDAP-55")
def test_depth_and_number_have_an_end() -> None:
    """A chain without end is followed to a limit, and a flood of groups is an error."""
    chain = Asked(*[[f"cn={depth},{BASE}"] for depth in range(100)])
    GroupReader(GroupSettings(base=BASE), chain).read(ALICE)
    assert len(chain.queries) == MAX_DEPTH + 1

    flood = Asked([f"cn={number},{BASE}" for number in range(MAX_GROUPS)], [f"cn=more,{BASE}"])
    with pytest.raises(DirectoryError, match="too many groups"):
        GroupReader(GroupSettings(base=BASE), flood).read(ALICE)


def test_many_groups_are_asked_in_parts() -> None:
    """One filter names a limited number of groups."""
    asked = Asked([f"cn={number},{BASE}" for number in range(100)])
    GroupReader(GroupSettings(base=BASE), asked).read(ALICE)

    assert len(asked.queries) == 4
    assert max(query.filter.count("(member=") for query in asked.queries) == 40


@pytest.mark.sec("LDAP-58", "LDAP-21")
@pytest.mark.parametrize(
    ("dn", "names"),
    [
        (f"CN=Admins,{BASE.upper()}", {"admins", f"cn=admins,{BASE}"}),
        (f"cn=admins,ou=x,{BASE}", {f"cn=admins,ou=x,{BASE}"}),
        ("cn=admins,dc=example,dc=org", {"cn=admins,dc=example,dc=org"}),
        (f"ou=admins,{BASE}", {f"ou=admins,{BASE}"}),
        (f"cn=admins+ou=x,{BASE}", {f"cn=admins+ou=x,{BASE}"}),
        (f"cn=\\*,{BASE}".replace("\\*", "\\2a"), {f"cn=*,{BASE}"}),
        (f"cn=cn\\3dadmins\\2cdc\\3dorg,{BASE}", {f"cn=cn\\=admins\\,dc\\=org,{BASE}"}),
        ("no name", set()),
    ],
)
def test_what_a_group_is_called(dn: str, names: set[str]) -> None:
    """Every group by its normal DN; a bare name only directly below the base, and never one that means more."""
    assert group_names([dn], BASE) == names


def test_without_a_base_there_are_no_bare_names() -> None:
    """Nothing lies directly below no base."""
    assert group_names([f"cn=admins,{BASE}"], None) == {f"cn=admins,{BASE}"}
