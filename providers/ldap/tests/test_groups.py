"""Groups of every style, nested and hostile."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from onegov_auth.providers import GrantSettings, Password, VerifiedIdentity
from onegov_auth.testing.servers import Slapd
from onegov_auth_ldap import LDAPProvider
from onegov_auth_ldap.entry import Entry
from onegov_auth_ldap.errors import DirectoryError
from onegov_auth_ldap.groups import MAX_DEPTH, MAX_GROUPS, GroupReader, group_names, named_groups, primary_group
from onegov_auth_ldap.session import Query
from onegov_auth_ldap.settings import LDAPSettings

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


def reader(search: Any, *, active_directory: bool = False, **groups: Any) -> GroupReader:
    """A reader of groups, of which "admins" and one elsewhere are named; *groups* is the block of that name."""
    block = {
        "kind": "ldap",
        "servers": ["ldaps://localhost"],
        "bind": {"dn": "cn=service,dc=example,dc=org", "password": "x"},
        "people": {"base": "ou=people,dc=example,dc=org"},
        "groups": groups,
        "roles": {"admin": ["cn=top,ou=Else,dc=example,dc=org", *(["admins"] if groups.get("base") else [])]},
    }
    return GroupReader(LDAPSettings.model_validate(block), search, active_directory=active_directory)


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


NAMED = "(|(cn=admins)(distinguishedName=cn\\3dtop\\2cou\\3delse\\2cdc\\3dexample\\2cdc\\3dorg))"
CHAIN = "member:1.2.840.113556.1.4.1941:="
SID = bytes.fromhex("010500000000000515000000 01000000 02000000 03000000 50040000".replace(" ", ""))


@pytest.mark.sec("LDAP-53")
def test_active_directory_is_asked_once_about_named_groups() -> None:
    """One search with the rule in chain brings nested groups, and asks about those that decide something only."""
    asked = Asked([f"cn=admins,{BASE}"])

    assert "admins" in reader(asked, base=BASE, active_directory=True).read(ALICE)
    assert [(query.base, query.filter) for query in asked.queries] == [
        ("dc=example,dc=org", f"(&{NAMED}(|({CHAIN}uid\\3dalice\\2cdc\\3dexample\\2cdc\\3dorg)))")
    ]


@pytest.mark.sec("LDAP-54")
def test_the_primary_group_is_asked_for_with_the_others() -> None:
    """It is found by the domain's identifier and its number, and what it is in by the same identifier."""
    asked = Asked()
    bob = Entry("cn=bob", {"objectsid": (SID,), "primarygroupid": (b"513",), "memberof": (f"cn=x,{BASE}".encode(),)})
    primary = "S-1-5-21-1-2-3-513"

    assert reader(asked, base=BASE, active_directory=True).read(bob) == {"x", f"cn=x,{BASE}"}
    assert [query.filter for query in asked.queries] == [
        f"(&{NAMED}(|({CHAIN}cn\\3dbob)(objectSid={primary})({CHAIN}\\3cSID\\3d{primary}\\3e)))"
    ]


@pytest.mark.sec("LDAP-54")
def test_without_nesting_the_primary_group_counts_all_the_same() -> None:
    """Somebody is a direct member of it."""
    asked = Asked()
    bob = Entry("cn=bob", {"objectsid": (SID,), "primarygroupid": (b"513",)})
    reader(asked, base=BASE, nested=False, active_directory=True).read(bob)

    assert [query.filter for query in asked.queries] == [
        f"(&{NAMED}(|(member=cn\\3dbob)(objectSid=S-1-5-21-1-2-3-513)))"
    ]


@pytest.mark.sec("LDAP-54")
@pytest.mark.parametrize("style", ["memberof", "member", "posix"])
def test_every_style_has_the_primary_group(style: str) -> None:
    """On Active Directory the primary group belongs to the others, however those are read."""
    asked = Asked(["cn=Domain Users,cn=Users,dc=example,dc=org"])
    bob = Entry("cn=bob", {"objectsid": (SID,), "primarygroupid": (b"513",)})
    found = reader(asked, base=BASE, style=style, nested=False, active_directory=True).read(bob)

    assert found == {"cn=domain users,cn=users,dc=example,dc=org"}


@pytest.mark.sec("LDAP-54")
@pytest.mark.parametrize(
    "values",
    [
        {"objectsid": (b"x",), "primarygroupid": (b"513",)},
        {"objectsid": (SID + b"x",), "primarygroupid": (b"513",)},
        {"objectsid": (SID, SID), "primarygroupid": (b"513",)},
        {"objectsid": (SID,), "primarygroupid": (b"x",)},
        {"objectsid": (SID,), "primarygroupid": (b"1", b"2")},
    ],
)
def test_a_primary_group_that_cannot_be_read_is_trouble(values: dict[str, tuple[bytes, ...]]) -> None:
    """It may be the group that is denied."""
    with pytest.raises(DirectoryError, match="primary group"):
        reader(Asked(), base=BASE, active_directory=True).read(Entry("cn=bob", values))


@pytest.mark.parametrize("values", [{}, {"objectsid": (SID,)}, {"primarygroupid": (b"513",)}])
def test_without_a_number_there_is_no_primary_group(values: dict[str, tuple[bytes, ...]]) -> None:
    """What a service account may not read is not guessed."""
    assert primary_group(Entry("cn=bob", values)) is None


def test_nothing_is_asked_where_no_group_decides() -> None:
    """Without named groups Active Directory is not asked which of them somebody is in."""
    asked = Asked()
    settings = reader(asked)._settings.model_copy(update={"roles": {"member": ("*",)}})
    GroupReader(settings, asked, active_directory=True).read(ALICE)

    assert asked.queries == []


def test_named_groups_are_those_of_all_keys() -> None:
    """Roles, the group that is needed and the group that is barred; "*" is no group."""
    settings = reader(Asked(), base=BASE)._settings
    changed = {"roles": {"member": ("*", "b"), "admin": ("a",)}, "require_group": "c", "deny_group": "d"}
    grants = GrantSettings.model_validate({"bundles": {"Books": ["e", "*"]}})

    assert named_groups(settings.model_copy(update={**changed, "grants": grants})) == ("a", "b", "c", "d", "e")


def test_posix_asks_for_names_and_the_primary_group() -> None:
    """The uid and the gidNumber go into one filter; without either nothing is asked."""
    asked = Asked()
    posix = reader(asked, base=BASE, style="posix", nested=False)
    posix.read(ALICE)
    posix.read(Entry("uid=x,dc=org"))

    assert [query.filter for query in asked.queries] == [
        "(&(objectClass=posixGroup)(|(memberUid=alice)(gidNumber=5000)))"
    ]


def test_without_a_base_only_the_person_is_read() -> None:
    """The memberOf of a person is enough; nested groups are then read one by one."""
    asked = Asked()
    person = Entry("uid=x,dc=org", {"memberof": (b"CN=Staff,DC=org",)})

    assert reader(asked).read(person) == {"cn=staff,dc=org"}
    assert [(query.base, query.scope) for query in asked.queries] == [("CN=Staff,DC=org", "base")]


@pytest.mark.sec("LDAP-59")
def test_groups_that_cannot_be_read_are_an_error() -> None:
    """A search that fails on the way is not an empty set."""
    asked = Asked([f"cn=one,{BASE}"], DirectoryError("limit"))
    with pytest.raises(DirectoryError, match="limit"):
        reader(asked, base=BASE).read(ALICE)


@pytest.mark.sec("LDAP-36", "LDAP-55")
def test_depth_and_number_have_an_end() -> None:
    """A chain without end is followed to a limit, and a flood of groups is an error."""
    chain = Asked(*[[f"cn={depth},{BASE}"] for depth in range(100)])
    reader(chain, base=BASE).read(ALICE)
    assert len(chain.queries) == MAX_DEPTH + 1

    flood = Asked([f"cn={number},{BASE}" for number in range(MAX_GROUPS)], [f"cn=more,{BASE}"])
    with pytest.raises(DirectoryError, match="too many groups"):
        reader(flood, base=BASE).read(ALICE)


def test_many_groups_are_asked_in_parts() -> None:
    """One filter names a limited number of groups."""
    asked = Asked([f"cn={number},{BASE}" for number in range(100)])
    reader(asked, base=BASE).read(ALICE)

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
