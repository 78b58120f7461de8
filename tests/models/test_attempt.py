"""Tests of attempts as rows."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from onegov_auth.models import LoginAttempt
from onegov_auth.testing.clock import FakeClock


def test_attempts_are_numbered(session: Session, clock: FakeClock) -> None:
    """Attempts have numbers in their order, and are open until they are settled."""
    for _ in range(3):
        session.add(LoginAttempt(attempt_type="login", datetime_utc=clock()))
        session.flush()
    rows = session.scalars(select(LoginAttempt).order_by(LoginAttempt.id)).all()
    assert [row.id - rows[0].id for row in rows] == [0, 1, 2]
    assert {(row.success, row.is_during_lockout, row.code) for row in rows} == {(None, False, None)}


def test_attempts_are_kept_when_names_are_strange(session: Session, clock: FakeClock) -> None:
    """What was typed need not be anybody's name."""
    session.add(LoginAttempt(attempt_type="login", user_input="' OR 1=1 --", source_ip="?", datetime_utc=clock()))
    session.commit()
    assert session.scalars(select(LoginAttempt.user_input)).all() == ["' OR 1=1 --"]
