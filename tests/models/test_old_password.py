"""Tests of former passwords as rows."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from onegov_auth.models import OldPassword, User
from onegov_auth.testing.clock import FakeClock


def test_it_goes_with_its_user(session: Session, user: User, clock: FakeClock) -> None:
    """Of a deleted user no former password is kept."""
    session.add(OldPassword(user_id=user.id, password_hash="a hash", created=clock()))
    session.commit()
    session.delete(user)
    session.commit()

    assert session.scalars(select(OldPassword)).all() == []
