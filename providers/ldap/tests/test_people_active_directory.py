"""Tests of listing an Active Directory domain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from onegov_auth.providers import Refused, VerifiedIdentity
from onegov_auth_ldap import LDAPProvider
from onegov_auth_ldap.login import Login

Make = Callable[..., LDAPProvider]

GROUPS = ("admins", "editors", "staff", "nested-1", "nested-4", "primary", "around-primary", "crowd")


@pytest.mark.slow
@pytest.mark.sec("LDAP-54", "LDAP-55", "LDAP-60")
@pytest.mark.parametrize(
    "groups",
    [{}, {"nested": False}, {"style": "memberof"}, {"style": "member"}],
    ids=["in-chain", "direct", "memberof", "member"],
)
def test_everybody_is_in_the_groups_a_login_says(make_ad: Make, groups: dict[str, Any]) -> None:
    """Groups four deep in a circle, primary groups and groups around them, and one of more than 1500 members."""
    provider = make_ad(groups=groups, roles={"member": GROUPS})
    people = list(provider.people())

    assert len(people) > 10
    for person in people:
        name = person.username.partition("@")[0]
        known = Login("staff", provider.settings, provider._connections(), provider.services.clock).look_up(name)
        if isinstance(known, Refused):
            assert person.barred in {known.code, None}
            continue
        assert isinstance(known, VerifiedIdentity)
        assert (known.source_id, known.realname, known.email) == (person.source_id, person.realname, person.email)
        assert named(known) == named(person), name


def named(person: VerifiedIdentity) -> set[str]:
    """Those of the settings' groups that somebody is in."""
    return {group for group in person.groups or () if group in GROUPS}


@pytest.mark.slow
@pytest.mark.sec("LDAP-39", "LDAP-40")
def test_closed_accounts_are_barred_and_locked_ones_are_not(make_ad: Make) -> None:
    """Disabled and expired accounts are closed; who must change a password, or is locked for a while, is there."""
    barred = {person.username.partition("@")[0]: person.barred for person in make_ad().people()}

    assert barred["disabled"] == "account_disabled"
    assert barred["ended"] == "account_expired"
    assert (barred["fresh"], barred["guessed"], barred["zoe"]) == (None, None, None)
