"""Tests of bundles as rows."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from onegov_auth.models import Bundle, Grant, PermissionRow, User, UserGroup


def test_what_has_what_is_known_from_both_ends(session: Session, user: User) -> None:
    """Users, groups and bundles of a permission, users and groups of a bundle; all of them are queries."""
    permission, group = PermissionRow(token="read"), UserGroup(name="Staff")
    bundle = Bundle(name="Books", permissions=[permission])
    user.permissions, user.bundles, user.groups = [permission], [bundle], [group]
    group.permissions, group.bundles = [permission], [bundle]
    session.commit()
    assert (permission.users.all(), permission.groups.all(), permission.bundles.all()) == ([user], [group], [bundle])
    assert (bundle.users.all(), bundle.groups.all(), group.users.all()) == ([user], [group], [user])


@pytest.mark.parametrize("thing", ["user", "permission", "bundle", "group"])
def test_what_belongs_to_something_goes_with_it(session: Session, user: User, thing: str) -> None:
    """Neither a grant nor a row of an association is left behind."""
    things: dict[str, Any] = {
        "user": user,
        "permission": PermissionRow(token="read"),
        "bundle": Bundle(name="Books"),
        "group": UserGroup(name="Staff"),
    }
    user.permissions, user.bundles, user.groups = [things["permission"]], [things["bundle"]], [things["group"]]
    session.add_all([Grant(user=user, **{name: things[name]}) for name in ("permission", "bundle", "group")])
    session.commit()
    session.delete(things[thing])
    session.commit()
    session.expire_all()
    assert len(session.scalars(select(Grant)).all()) == (0 if thing == "user" else 2)
    if thing != "user":
        assert sorted([len(user.permissions), len(user.bundles), len(user.groups)]) == [0, 1, 1]
