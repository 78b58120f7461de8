"""Tests of grants as rows."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from onegov_auth.models import Bundle, Grant, PermissionRow, User, UserGroup
from onegov_auth.testing.clock import FakeClock


@pytest.mark.parametrize("things", [(), ("permission", "bundle")])
def test_a_grant_is_of_one_thing(session: Session, user: User, things: tuple[str, ...]) -> None:
    """Not of none, and not of two."""
    rows: dict[str, Any] = {"permission": PermissionRow(token="read"), "bundle": Bundle(name="Books")}
    session.add(Grant(user=user, **{name: rows[name] for name in things}))
    with pytest.raises(IntegrityError):
        session.commit()


@pytest.mark.parametrize("origin", [None, "company"])
def test_a_grant_is_given_once_by_each(session: Session, user: User, origin: str | None) -> None:
    """By hand, and by every provider."""
    bundle = Bundle(name="Books")
    session.add_all([Grant(user=user, bundle=bundle, origin=by) for by in (None, "company", "staff")])
    session.commit()
    session.add(Grant(user=user, bundle=bundle, origin=origin))
    with pytest.raises(IntegrityError):
        session.commit()


def test_a_grant_is_one_persons_of_one_thing(session: Session, user: User, clock: FakeClock) -> None:
    """It leads to whose it is and to what is given, has an end only if it was given one, and no origin by hand."""
    group = UserGroup(name="Staff")
    session.add(Grant(user=user, group=group, expires=clock()))
    session.add(Grant(user=user, group=group, origin="company", rule="accounting"))
    session.commit()
    session.expire_all()
    first, second = session.scalars(select(Grant).order_by(Grant.origin.is_not(None))).all()
    assert (first.user, first.group, first.permission, first.bundle) == (user, group, None, None)
    assert (first.origin, first.rule, first.expires) == (None, None, clock())
    assert (second.origin, second.rule, second.expires) == ("company", "accounting", None)
    assert first.id != second.id
