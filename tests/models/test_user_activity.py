"""Tests of who may log in at all."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from onegov_auth.clock import utcnow
from onegov_auth.models import User, UTCDateTime
from onegov_auth.testing.clock import FakeClock


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize(("days", "is_past"), [(None, False), (-1, True), (0, True), (1, False)])
def test_a_user_is_active_until_the_date(
    session: Session, user: User, clock: FakeClock, active: bool, days: int | None, is_past: bool
) -> None:
    """By the session's clock, on the object and in a statement that is told the time; inactive from that moment."""
    user.active = active
    user.disabled_utc = None if days is None else clock() + timedelta(days=days)
    session.commit()
    may_be_in = active and not is_past
    assert (user.is_active, user.may_recover, user.is_disabled_by_date) == (may_be_in, may_be_in, is_past)
    found = select(User.id).where(User.active_at(clock()))
    assert (session.scalar(found) is not None) == may_be_in
    later = select(User.id).where(User.active_at(bindparam("then", type_=UTCDateTime())))
    assert (session.scalar(later, {"then": clock() + timedelta(days=9)}) is not None) == (active and days is None)


@pytest.mark.parametrize(("days", "is_past"), [(-1, True), (1, False)])
def test_a_statement_has_the_systems_time(session: Session, user: User, days: int, is_past: bool) -> None:
    """Each time it is run, not when it was written."""
    user.disabled_utc = utcnow() + timedelta(days=days)
    session.commit()
    assert (session.scalar(select(User).where(User.is_active)) is None) == is_past
    assert (session.scalar(select(User).where(User.is_disabled_by_date)) is not None) == is_past
    assert (session.scalar(select(User).where(User.is_enabled)) is user) is True


def test_whoever_is_enabled_may_log_in_again(session: Session, user: User, clock: FakeClock) -> None:
    """Whichever way that was over; a date to come stays."""
    user.disabled_utc = clock()
    session.commit()
    user.enable()
    session.commit()
    assert user.is_active
    assert user.disabled_utc is None
    user.active, user.disabled_utc = False, clock() + timedelta(days=1)
    user.enable()
    session.commit()
    assert (user.is_active, user.disabled_utc) == (True, clock() + timedelta(days=1))
