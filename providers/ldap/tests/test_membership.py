"""Tests of the groups of many people at once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from onegov_auth.providers import Password, VerifiedIdentity
from onegov_auth.testing.servers import Slapd
from onegov_auth_ldap import LDAPProvider

Make = Callable[..., LDAPProvider]
Added = Callable[[str, dict[str, Any]], AbstractContextManager[None]]

DORA = {"objectClass": "inetOrgPerson", "uid": "dora", "cn": "Dora", "sn": "Dorn", "mail": "dora@example.org"}


def listed(provider: LDAPProvider) -> dict[str, VerifiedIdentity]:
    """Everybody by name."""
    return {person.username: person for person in provider.people()}


@pytest.mark.sec("LDAP-57")
@pytest.mark.parametrize(
    "groups",
    [
        {"style": "auto"},
        {"style": "member"},
        {"style": "memberof"},
        {"style": "posix"},
        {"style": "auto", "nested": False},
        {"style": "member", "nested": False},
        {"style": "memberof", "nested": False},
        {"style": "auto", "base": None},
    ],
    ids=lambda groups: " ".join(map(str, groups.values())),
)
def test_groups_are_those_of_a_login(slapd: Slapd, make: Make, added: Added, groups: dict[str, Any]) -> None:
    """In every style, direct and nested ones: whatever the settings name is found for the same people."""
    below = slapd.posix_groups_base if groups["style"] == "posix" else slapd.groups_base
    named = [f"cn={name},{below}" for name in ("admins", "outer", "outermost")]
    inside = {"objectClass": "groupOfNames", "cn": "outer", "member": f"cn=editors,{slapd.groups_base}"}
    around = {"objectClass": "groupOfNames", "cn": "outermost", "member": f"cn=outer,{slapd.groups_base}"}
    with added(f"cn=outer,{slapd.groups_base}", inside), added(f"cn=outermost,{slapd.groups_base}", around):
        # A cycle: each is in the other.
        slapd.modify(
            f"cn=outer,{slapd.groups_base}", {"member": [str(inside["member"]), f"cn=outermost,{slapd.groups_base}"]}
        )
        provider = make(groups={"base": below, **groups}, roles={"admin": named})
        people = listed(provider)
        for person in slapd.people:
            proven = provider.authenticate(person.uid, Password(person.password))
            assert isinstance(proven, VerifiedIdentity)
            assert proven.groups is not None
            groups_found = people[person.mail].groups
            assert groups_found is not None
            assert proven.groups & set(named) == groups_found & set(named), person.uid


def test_posix_groups_have_members_by_name_and_by_number(slapd: Slapd, make: Make, added: Added) -> None:
    """The primary group is told by the person's number (RFC 2307)."""
    base = slapd.posix_groups_base
    person = {
        **DORA,
        "objectClass": ["inetOrgPerson", "posixAccount"],
        "uidNumber": "1",
        "gidNumber": "5001",
        "homeDirectory": "/",
    }
    with added(slapd.dn("dora"), person):
        people = listed(
            make(groups={"base": base, "style": "posix"}, roles={"editor": ["editors"], "member": ["staff"]})
        )

    assert people["dora@example.org"].groups == frozenset({"editors", f"cn=editors,{base}"})
    assert people["alice@example.org"].groups == frozenset({"staff", f"cn=staff,{base}"})


@pytest.mark.sec("LDAP-57")
def test_a_number_in_a_group_of_another_kind_has_no_members(slapd: Slapd, make: Make, added: Added) -> None:
    """What has a ``gidNumber`` and is no ``posixGroup`` is an account: whoever shares its number is not in it."""
    base = slapd.posix_groups_base
    account = {"objectClass": "posixAccount", "uidNumber": "1", "gidNumber": "5001", "homeDirectory": "/"}
    person = {**DORA, **account, "objectClass": ["inetOrgPerson", "posixAccount"]}
    other = {**account, "objectClass": ["groupOfNames", "posixAccount"], "cn": "shared", "uid": "shared"}
    with added(slapd.dn("dora"), person), added(f"cn=shared,{base}", {**other, "member": slapd.dn("alice")}):
        found = listed(make(groups={"base": base, "style": "posix"}, roles={"admin": ["shared"]}))

    assert found["dora@example.org"].groups == frozenset()
