from __future__ import annotations

import pytest

from onegov_auth.accounts.roles import match_role

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
