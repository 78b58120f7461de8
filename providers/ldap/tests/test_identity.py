"""Tests of what becomes of an entry."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from onegov_auth.providers import VerifiedIdentity
from onegov_auth.testing.servers import Slapd
from onegov_auth_ldap import LDAPProvider
from onegov_auth_ldap.identity import Identities

Make = Callable[..., LDAPProvider]
Added = Callable[[str, dict[str, Any]], AbstractContextManager[None]]

DORA = {"objectClass": "inetOrgPerson", "uid": "dora", "cn": "Dora", "sn": "Dorn", "mail": "dora@example.org"}


def listed(provider: LDAPProvider) -> dict[str, VerifiedIdentity]:
    """Everybody by name."""
    return {person.username: person for person in provider.people()}


@pytest.mark.parametrize(
    ("changes", "barred"),
    [
        ({"require_group": "staff"}, {"chloe": "group_required"}),
        ({"deny_group": "staff"}, dict.fromkeys(("alice", "bob", "dario", "eve"), "group_denied")),
        ({}, {}),
    ],
)
def test_who_may_not_come_in_is_barred(
    slapd: Slapd, make: Make, changes: dict[str, Any], barred: dict[str, str]
) -> None:
    """They are listed all the same: who is not there is something else."""
    people = listed(make(**changes))

    assert len(people) == len(slapd.people)
    assert {name.partition("@")[0]: person.barred for name, person in people.items() if person.barred} == barred


@pytest.mark.sec("LDAP-58")
def test_a_group_that_looks_alike_is_not_the_required_one(make: Make) -> None:
    """Case does not count, and a letter that folds to another one is another one."""
    identities = Identities("staff", make(require_group="admins").settings)

    assert identities.barred(frozenset({"Admins"})) is None
    assert identities.barred(frozenset({"admin\u017f"})) == "group_required"


def test_more_attributes_are_read_when_asked_for(slapd: Slapd, make: Make, added: Added) -> None:
    """An application's own rule has what it needs, and nothing else leaves the directory."""
    with added(slapd.dn("dora"), {**DORA, "employeeType": "apprentice", "title": "Secret"}):
        told = listed(make(attributes={"also": ["employeeType"]}))["dora@example.org"].attributes

    assert told["employeeType"] == ("apprentice",)
    assert set(told) == {"dn", "mail", "uid", "givenName", "sn", "employeeType"}
