"""Tests of sessions as rows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from onegov_auth.models import User, UserSession
from onegov_auth.testing.clock import FakeClock

LogIn = Callable[..., UserSession]


def test_a_session_knows_its_user(user: User, log_in: LogIn, clock: FakeClock) -> None:
    """A new session belongs to a user and is for this browser's lifetime."""
    row = log_in(user)
    assert row.user is user
    assert (row.created, row.remember, row.factors) == (clock(), False, [])


@pytest.mark.sec("SESS-10")
def test_a_token_opens_one_session(session: Session, user: User, log_in: LogIn) -> None:
    """Two sessions never share the hash of a token."""
    row, other = log_in(user), log_in(user)
    other.token_hash = row.token_hash
    with pytest.raises(IntegrityError):
        session.flush()


def test_times_are_numbers_in_the_table(session: Session, user: User, log_in: LogIn, clock: FakeClock) -> None:
    """A look-up past the models compares numbers."""
    log_in(user)
    row = session.execute(text("SELECT created, last_seen, expires FROM user_sessions")).one()
    assert tuple(row) == (clock().timestamp(), clock().timestamp(), clock().timestamp() + 3600)
