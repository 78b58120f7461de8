"""Groups of a real Active Directory domain: nested, primary, large, and those that bar."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from onegov_auth.providers import Password, Refused, VerifiedIdentity
from onegov_auth.testing.servers import SambaAD
from onegov_auth.testing.servers.domain import SECRET
from onegov_auth_ldap import LDAPProvider

BASE = "ou=groups,dc=ad,dc=example,dc=org"

Make = Callable[..., LDAPProvider]


@pytest.fixture
def groups_of(samba_ad: SambaAD, make_ad: Make) -> Callable[..., frozenset[str]]:
    """The groups somebody has after a login, by their bare names or DNs."""

    def groups_of(name: str, **changes: Any) -> frozenset[str]:
        known = {person.uid: person.password for person in samba_ad.people}
        identity = make_ad(**changes).authenticate(name, Password(known.get(name, SECRET)))
        assert isinstance(identity, VerifiedIdentity), identity
        assert identity.groups is not None
        return identity.groups

    return groups_of


def roles(*groups: str) -> dict[str, Any]:
    """A mapping in which these groups decide."""
    return {"roles": {"admin": list(groups), "editor": [], "member": ["*"]}}


@pytest.mark.sec("LDAP-53", "LDAP-55")
@pytest.mark.parametrize("style", ["auto", "in-chain", "memberof", "member"])
def test_groups_four_deep_are_found(groups_of: Callable[..., frozenset[str]], style: str) -> None:
    """Every style finds the fourth group around, and a circle of them comes to an end."""
    found = groups_of("deep", groups={"style": style}, **roles("nested-4", "nested-2", "admins"))

    assert {"nested-1", "nested-2", "nested-4"} <= found
    assert "admins" not in found


@pytest.mark.sec("LDAP-21", "LDAP-58")
@pytest.mark.parametrize("name", ["\uff41dmins", "admin\u017f"])
def test_a_group_that_looks_alike_is_another(
    samba_ad: SambaAD, groups_of: Callable[..., frozenset[str]], name: str
) -> None:
    """The domain lets it lie beside "admins", so whoever may make groups there makes nobody an administrator."""
    dn = f"CN={name},OU=groups,{samba_ad.base}"
    samba_ad.add_entry(dn, {"objectClass": "group", "sAMAccountName": "alike", "member": samba_ad.dn("Lou Lone")})
    try:
        found = groups_of("lone", **roles("admins"))
    finally:
        samba_ad.delete(dn)

    assert found.isdisjoint({"admins", f"cn=admins,{BASE}"})
    assert name in found


@pytest.mark.sec("LDAP-53")
def test_only_groups_that_decide_are_asked_about(groups_of: Callable[..., frozenset[str]]) -> None:
    """Direct groups come with the person; of the outer ones the domain is asked about the named one only."""
    assert groups_of("deep", **roles("nested-3")) == {
        "nested-1",
        f"cn=nested-1,{BASE}",
        "nested-3",
        f"cn=nested-3,{BASE}",
    }


def test_nested_groups_may_not_count(groups_of: Callable[..., frozenset[str]]) -> None:
    """With nested off only direct groups are found."""
    found = groups_of("deep", groups={"nested": False}, **roles("nested-1", "nested-2"))

    assert found == {"nested-1", f"cn=nested-1,{BASE}"}


@pytest.mark.sec("LDAP-54")
@pytest.mark.parametrize("style", ["auto", "memberof", "member"])
def test_a_primary_group_counts(groups_of: Callable[..., frozenset[str]], style: str) -> None:
    """The primary group, which is no memberOf, and what it is in belong to the others."""
    assert {"primary", "around-primary"} <= groups_of(
        "dario", groups={"style": style}, **roles("primary", "around-primary")
    )


@pytest.mark.sec("LDAP-54")
def test_everybody_is_in_domain_users(groups_of: Callable[..., frozenset[str]]) -> None:
    """The usual primary group can be mapped by its DN, although it lies elsewhere than groups do."""
    users = "CN=Domain Users,CN=Users,DC=ad,DC=example,DC=org"

    assert groups_of("lone", **roles(users)) == {"crowd", f"cn=crowd,{BASE}", users.lower()}


def test_without_a_base_groups_are_named_in_full(groups_of: Callable[..., frozenset[str]]) -> None:
    """DNs are enough; nested and primary groups are found all the same."""
    named = roles(f"CN=Nested-4,{BASE}", f"CN=around-primary,{BASE}")

    assert f"cn=nested-4,{BASE}" in groups_of("deep", groups={"base": None}, **named)
    assert f"cn=around-primary,{BASE}" in groups_of("dario", groups={"base": None}, **named)


@pytest.mark.sec("LDAP-60")
def test_a_group_of_many_members_is_one_group(groups_of: Callable[..., frozenset[str]]) -> None:
    """The last of 1600 members is one: nobody reads the list."""
    assert "crowd" in groups_of("lone", **roles("crowd"))


@pytest.mark.sec("LDAP-58", "LDAP-21")
def test_a_name_elsewhere_is_another_group(samba_ad: SambaAD, groups_of: Callable[..., frozenset[str]]) -> None:
    """A group that is called as a mapped one, but lies elsewhere, gives nothing."""
    elsewhere = f"CN=Müller\\, (admins)*,OU=leavers,{samba_ad.base}"
    samba_ad.add_entry(elsewhere, {"objectClass": "group", "member": samba_ad.dn("Zoë Müller")})
    try:
        found = groups_of("zoe", **roles("admins", elsewhere))
    finally:
        samba_ad.delete(elsewhere)

    assert found == {"cn=müller\\, (admins)*,ou=leavers,dc=ad,dc=example,dc=org"}


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ({"require_group": "nested-4"}, None),
        ({"require_group": "admins"}, "group_required"),
        ({"deny_group": f"CN=nested-4,{BASE}"}, "group_denied"),
        ({"deny_group": "CN=Domain Users,CN=Users,DC=ad,DC=example,DC=org"}, "group_denied"),
    ],
)
def test_a_group_may_be_needed_or_bar(make_ad: Make, keys: dict[str, str], code: str | None) -> None:
    """Nested and primary groups count where one is needed or barred."""
    outcome = make_ad(**keys).authenticate("deep", Password(SECRET))

    assert (outcome.code if isinstance(outcome, Refused) else None) == code


@pytest.mark.sec("LDAP-56")
def test_somebody_without_groups_has_none(samba_ad: SambaAD, groups_of: Callable[..., frozenset[str]]) -> None:
    """Without memberOf the answer is an empty set: the source said "none"."""
    assert groups_of("zoe") == frozenset()
