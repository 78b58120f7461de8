"""Tests of events as rows."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from onegov_auth.models import AuthEvent


def test_an_event_needs_no_user(session: Session) -> None:
    """An event may be about nobody, or about somebody who is gone."""
    session.add_all([AuthEvent(type="login"), AuthEvent(type="logout", user_id=uuid4())])
    session.commit()
    assert session.scalars(select(AuthEvent.type).order_by(AuthEvent.id)).all() == ["login", "logout"]


def test_an_event_keeps_its_steps(session: Session) -> None:
    """What was decided on the way is kept in its order."""
    steps = [["search", "found"], ["bind", "refused"]]
    session.add(AuthEvent(type="login", code="wrong_password", steps=steps))
    session.commit()
    assert session.scalars(select(AuthEvent.steps)).one() == steps
