"""Tests of finding, adding and deleting groups."""

from __future__ import annotations

from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from onegov_auth.collections import UserCollection, UserGroupCollection
from onegov_auth.models import UserGroup


class Choir(UserGroup):
    """A group of another type."""

    __mapper_args__ = {"polymorphic_identity": "choir"}  # noqa: RUF012 - SQLAlchemy's habit


def test_groups_are_ordered_by_name(session: Session) -> None:
    """A list of groups is sorted."""
    groups = UserGroupCollection(session)
    for name in "bac":
        groups.add(name=name)
    assert [group.name for group in groups.query()] == ["a", "b", "c"]


def test_a_group_is_found_by_id(session: Session) -> None:
    """In any form; what is unknown or malformed is none."""
    groups = UserGroupCollection(session)
    group = groups.add(name="a")
    assert groups.by_id(group.id) is groups.by_id(group.id.hex) is group
    assert groups.by_id(uuid4()) is None
    assert groups.by_id("nonsense") is None


def test_a_type_has_its_own_class(session: Session) -> None:
    """Groups of one type are made of its class, and only they are found."""
    choirs, groups = UserGroupCollection(session, type="choir"), UserGroupCollection(session)
    choir, plain = choirs.add(name="a"), groups.add(name="b")
    assert (type(choir), type(plain)) == (Choir, UserGroup)
    assert choirs.query().all() == [choir]
    assert groups.query().all() == [choir, plain]
    assert UserGroupCollection(session, type="generic").query().all() == [plain]


def test_a_type_without_class_is_refused(session: Session) -> None:
    """A type nobody declared is named, before a group is stored that could not be loaded."""
    with pytest.raises(ValueError, match="type 'club'"):
        UserGroupCollection(session, type="club").add(name="a")


def test_a_deleted_group_leaves_its_members(session: Session) -> None:
    """The users stay, without the group."""
    groups = UserGroupCollection(session)
    group = groups.add(name="a", meta={"x": 1})
    user = UserCollection(session).add("ann", "password", "member", groups=[group])
    session.commit()
    groups.delete(group)
    session.commit()
    assert groups.query().all() == []
    assert user.groups == []
