from __future__ import annotations

import pytest

from onegov_auth.accounts.roles import match_grants, match_role
from onegov_auth.permissions.grants import Right
from onegov_auth.permissions.mapped import Wanted
from onegov_auth.providers import ProviderSettings

ORDER = ("admin", "editor", "member")
ROLES = {"member": ("staff",), "editor": ("Editors", "cn=authors,ou=groups"), "admin": ("admins",)}


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ({"admins", "staff"}, "admin"),
        ({"STAFF"}, "member"),
        ({"editors"}, "editor"),
        ({"CN=Authors,OU=groups"}, "editor"),
        ({"others"}, None),
        (set(), None),
    ],
    ids=["the most powerful", "whatever case", "configured in capitals", "a DN", "unknown group", "no group"],
)
def test_groups_give_the_most_powerful_role(groups: set[str], expected: str | None) -> None:
    """The first role in order of power that one of the groups gives is the role."""
    assert expected == match_role(ROLES, ORDER, frozenset(groups))


@pytest.mark.parametrize(
    "group", ["admins-readonly", "admin", "cn=admins,ou=evil", "xadmins", "admin\u017f", "ａｄｍｉｎｓ"]
)
@pytest.mark.sec("LDAP-58")
def test_a_group_counts_by_its_whole_name(group: str) -> None:
    """A group whose name only begins, ends or contains like a mapped one gives nothing."""
    assert match_role(ROLES, ORDER, frozenset({group})) is None


def test_a_star_gives_a_role_to_anybody() -> None:
    """The group "*" is everybody the provider vouches for, in a group or not."""
    assert match_role({"member": ("*",)}, ORDER, None) == "member"
    assert match_role({"member": ("*",), "admin": ("admins",)}, ORDER, frozenset({"admins"})) == "admin"


def test_a_role_that_is_not_in_the_order_is_never_given() -> None:
    """A mapped role that the application does not have gives nothing."""
    assert match_role({"root": ("admins",)}, ORDER, frozenset({"admins"})) is None


@pytest.mark.parametrize(
    ("groups", "rules"),
    [
        ({"cn=Books,ou=groups"}, {"permission a": "CN=books,ou=groups"}),
        ({"Caf\u00e9"}, {"bundle b": "Cafe\u0301"}),
        ({"two", "one"}, {"group c": "one"}),
        ({"booksellers", "one "}, {}),
    ],
    ids=["a DN in another case", "another normal form", "the first in the settings", "longer names"],
)
def test_groups_give_rights(groups: set[str], rules: dict[str, str]) -> None:
    """A right is given by the first of its groups that the person has, by its whole name as that of a role."""
    grants = {
        "permissions": {"a": ["CN=books,ou=groups", "books"]},
        "bundles": {"b": ["Cafe\u0301"]},
        "groups": {"c": ["one", "two"]},
    }
    settings = ProviderSettings.model_validate({"kind": "ldap", "grants": grants})
    wanted = match_grants(settings, frozenset(groups))

    assert {str(right): rule for right, rule in wanted.rules.items()} == rules
    assert not wanted.keep


def test_a_star_gives_rights_to_anybody() -> None:
    """The group "*" gives a right to everybody, and takes nothing away where nothing is said of groups."""
    settings = ProviderSettings.model_validate({"kind": "ldap", "grants": {"groups": {"all": ["*"], "few": ["g"]}}})

    assert match_grants(settings, None) == Wanted({Right("group", "all"): "*"}, keep=True)
