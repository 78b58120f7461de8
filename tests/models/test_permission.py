"""Tests of the catalogue's rows."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from onegov_auth.models import PermissionRow, User, UserGroup


def test_a_permission_is_found_by_its_token(session: Session) -> None:
    """By the whole token as it is written, and by no other."""
    session.add(permission := PermissionRow(token="invoices.read", description="Read invoices."))
    session.commit()
    assert PermissionRow.get_by_token(session, "invoices.read") is permission
    assert [PermissionRow.get_by_token(session, token) for token in ("invoices", "Invoices.Read", "")] == [None] * 3


def test_a_token_is_there_once(session: Session) -> None:
    """Two rows of one token would be two answers to one question."""
    session.add_all([PermissionRow(token="read"), PermissionRow(token="read")])
    with pytest.raises(IntegrityError):
        session.commit()


def test_who_has_it_is_a_query(session: Session, user: User) -> None:
    """Users and groups are searched in the database, for there may be many."""
    permission = PermissionRow(token="read")
    groups = [UserGroup(name=name, permissions=[permission]) for name in ("Staff", "Clerks")]
    user.permissions = [permission]
    session.add_all(groups)
    session.commit()
    assert permission.users.filter(User.username == user.username).count() == 1
    assert permission.users.filter(User.username == "other").count() == 0
    assert permission.groups.filter(UserGroup.name == "Staff").all() == groups[:1]


def test_what_is_deleted_leaves_the_people(session: Session, user: User) -> None:
    """A permission takes its rows of association along, and neither user nor group."""
    user.permissions = [permission := PermissionRow(token="read"), other := PermissionRow(token="write")]
    session.add(UserGroup(name="Staff", permissions=[permission]))
    session.commit()
    session.delete(permission)
    session.commit()
    session.expire_all()
    assert user.permissions == [other]
    assert [group.permissions for group in session.scalars(select(UserGroup))] == [[]]
