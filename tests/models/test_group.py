"""Tests of groups."""

from __future__ import annotations

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from onegov_auth.models import User, UserGroup


class Team(UserGroup):
    """A group of another type."""

    __mapper_args__ = {"polymorphic_identity": "team"}  # noqa: RUF012 - SQLAlchemy's habit


def test_a_group_has_members_as_a_query(session: Session, user: User) -> None:
    """Members can be filtered and counted without loading all of them."""
    group = UserGroup(name="staff", users=[user])
    session.add(group)
    session.commit()
    assert group.users.filter(User.role == "member").all() == [user]
    assert group.users.count() == 1
    assert user.groups == [group]


def test_a_group_may_be_of_another_type(session: Session) -> None:
    """A subclass shares the table, under its own type."""
    session.add_all([Team(name="a"), UserGroup(name="b")])
    session.commit()
    session.expunge_all()
    groups = session.scalars(select(UserGroup).order_by(UserGroup.name)).all()
    assert [(type(group), group.type) for group in groups] == [(Team, "team"), (UserGroup, "generic")]


def test_documents_are_loaded_when_asked_for_and_changed_in_place(session: Session) -> None:
    """Lists of groups don't carry what an application keeps about each."""
    group = UserGroup(meta={"a": {"b": []}})
    session.add(group)
    session.commit()
    assert group.name is None
    assert {"meta", "content"} <= inspect(group).unloaded
    group.meta["a"]["b"].append(1)
    session.commit()
    assert (group.meta, group.content) == ({"a": {"b": [1]}}, {})
