from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from onegov_auth.models import PermissionRow, User, UserGroup
from onegov_auth.testing.clock import FakeClock
from tests.permissions.ways import GRANTED, WAYS, give, permission


@pytest.mark.parametrize("way", WAYS)
def test_user_has_what_any_way_leads_to(session: Session, user: User, way: str) -> None:
    """A permission by any one way is had, whatever is changed in the session and not yet written."""
    permission(session, "write")
    give(session, user, way)
    other = User(username="bob", password_hash="", role="member")
    session.add(other)

    held = {"read", "write"} if way == "superuser" else {"read"}
    assert user.get_all_permission_tokens() == held
    assert [row.token for row in user.get_all_permissions()] == sorted(held)
    assert user.has_all_permissions("read")
    assert user.has_all_permissions("read", "write") is (way == "superuser")
    assert user.has_any_permission("write", "read")
    assert other.get_all_permission_tokens() == frozenset()
    assert not other.has_any_permission("read", "write")


@pytest.mark.parametrize("way", GRANTED)
def test_grant_counts_until_its_end(session: Session, user: User, clock: FakeClock, way: str) -> None:
    """By the session's clock, to the second."""
    give(session, user, way, until=clock() + timedelta(seconds=10))

    clock.advance(9)
    assert user.has_all_permissions("read")
    clock.advance(1)
    assert not user.has_any_permission("read")


def test_none_of_the_tokens_is_no_permission(session: Session, user: User) -> None:
    """Asked for nothing, nobody is let in, a superuser neither."""
    user.is_superuser = True

    assert not user.has_all_permissions()
    assert not user.has_any_permission()


def test_superuser_has_nothing_beyond_the_catalogue(session: Session, user: User) -> None:
    """A token that isn't in the catalogue is nobody's."""
    permission(session, "read")
    user.is_superuser = True

    assert user.has_all_permissions("read")
    assert not user.has_any_permission("invented")


def test_permission_had_by_several_ways_is_one(session: Session, user: User) -> None:
    """It stands in the list once."""
    for way in WAYS:
        give(session, user, way)

    assert [row.token for row in user.get_all_permissions()] == ["read"]


def test_user_in_no_session_has_no_answer() -> None:
    """Without a database there is nothing to say."""
    with pytest.raises(ValueError, match="no session"):
        User(username="bob").has_all_permissions("read")


def test_group_has_its_own_and_its_bundles(session: Session, user: User) -> None:
    """What a group gives its members is what it has and what its bundles have, each once, by token."""
    group = give(session, user, "group's bundle", "b")
    group.permissions.extend([permission(session, "a"), permission(session, "b")])
    session.add_all([other := UserGroup(name="other"), PermissionRow(token="c")])

    assert [row.token for row in group.get_all_permissions()] == ["a", "b"]
    assert other.get_all_permissions() == []
