"""Tests of roles on single objects."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from onegov_auth.models import RoleMapping, User, UserGroup


def test_a_role_belongs_to_a_user_and_a_group(session: Session, user: User) -> None:
    """A mapping may have both, and is found from either."""
    group = UserGroup(name="staff")
    session.add_all([group, RoleMapping(user=user, group=group, role="editor", content_id="7", content_type="towns")])
    session.commit()
    mapping = user.role_mappings.one()
    assert mapping is group.role_mappings.filter_by(content_type="towns").one()
    assert (mapping.username, mapping.group_id, mapping.type) == ("ann@example.org", group.id, "generic")


def test_a_role_follows_a_renamed_user(session: Session, user: User) -> None:
    """The database itself renames the user in the mapping."""
    session.add(RoleMapping(username=user.username, role="editor", content_id="7", content_type="towns"))
    session.commit()
    user.username = "anna@example.org"
    session.commit()
    assert session.scalars(select(RoleMapping.username)).all() == ["anna@example.org"]
    assert user.role_mappings.count() == 1


def test_a_role_goes_with_its_group(session: Session) -> None:
    """A deleted group has no roles."""
    group = UserGroup(name="staff")
    session.add(group)
    group.role_mappings.append(RoleMapping(role="editor", content_id="7", content_type="towns"))
    session.commit()
    session.delete(group)
    session.commit()
    assert session.scalars(select(RoleMapping)).all() == []


def test_a_role_for_nobody_known_is_refused(session: Session) -> None:
    """A mapping names a user that exists."""
    session.add(RoleMapping(username="nobody", role="editor", content_id="7", content_type="towns"))
    with pytest.raises(IntegrityError):
        session.flush()
