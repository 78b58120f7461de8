"""Tests of what a user was given by hand."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import column, insert, select, table
from sqlalchemy.orm import Session

from onegov_auth.clock import utcnow
from onegov_auth.models import Bundle, PermissionRow, User, UserGroup


def test_nobody_is_a_superuser_unless_told(session: Session, user: User) -> None:
    """Neither somebody new, nor a row that was written without the column."""
    whole: Any = User.__table__
    given = {
        each.name: each.default.arg
        for each in whole.columns
        if not each.nullable and each.default is not None and each.default.is_scalar and each.name != "is_superuser"
    }
    given |= {"username": "bob", "username_key": "bob", "password_hash": "", "role": "member", "rights_stamp": 1}
    given |= {"id": uuid4(), "created": utcnow(), "data": {}}
    # Not the mapped table, which has the default of new objects.
    bare = table(whole.name, *(column(name, whole.c[name].type) for name in given))
    session.execute(bare.insert().values(given))
    session.commit()
    assert session.scalars(select(User.is_superuser).order_by(User.username)).all() == [False, False]
    assert not user.is_superuser


def test_stamps_begin_anywhere(session: Session) -> None:
    """Who gets a deleted user's number again does not begin where that one's rights were kept."""
    session.execute(insert(User), [{"username": f"u{n}", "password_hash": "", "role": "member"} for n in range(5)])
    session.commit()
    stamps = session.scalars(select(User.rights_stamp)).all()
    assert len(set(stamps)) == 5
    assert all(0 <= stamp < 2**31 for stamp in stamps)


@pytest.mark.parametrize("name", ["groups", "permissions", "bundles"])
def test_what_is_given_by_hand_can_be_taken_away(session: Session, user: User, name: str) -> None:
    """It is a list that is changed in place; the thing itself stays, and knows who has it."""
    thing: Any = {"groups": UserGroup, "permissions": PermissionRow, "bundles": Bundle}[name]
    row = thing(token="read") if name == "permissions" else thing(name="One")
    getattr(user, name).append(row)
    session.commit()
    assert row.users.all() == [user]
    stamp = user.rights_stamp
    getattr(user, name).remove(row)
    session.commit()
    assert getattr(user, name) == []
    assert row.users.all() == []
    assert session.scalars(select(thing)).all() == [row]
    assert user.rights_stamp > stamp
