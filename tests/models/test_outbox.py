"""Tests of messages as rows."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from onegov_auth.models import OutboxMessage
from onegov_auth.testing.clock import FakeClock


def test_a_message_was_not_tried_yet(session: Session, clock: FakeClock) -> None:
    """A new message has an id of its own, no tries and no failure."""
    now = clock()
    for _ in range(2):
        session.add(OutboxMessage(channel="mail", kind="reset", body="x", created=now, due=now, expires=now))
    session.commit()

    first, second = session.scalars(select(OutboxMessage)).all()
    assert first.id != second.id
    assert (first.tries, first.code, first.due) == (0, None, now)
