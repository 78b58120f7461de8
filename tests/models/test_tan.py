"""Tests of TANs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from onegov_auth.models import TAN
from onegov_auth.testing.clock import FakeClock


@pytest.fixture(name="tan")
def _tan(session: Session) -> TAN:
    tan = TAN(hashed_tan="x", scope="s", client="192.0.2.1")
    session.add(tan)
    session.commit()
    return tan


def is_active_in_sql(session: Session, clock: FakeClock, expires_after: timedelta | None) -> bool:
    """The same question, asked of the database."""
    return session.scalars(select(TAN).where(TAN.is_active(expires_after, clock()))).first() is not None


@pytest.mark.parametrize(
    ("seconds", "expires_after", "active"),
    [(3599, timedelta(hours=1), True), (3600, timedelta(hours=1), False), (3600, None, True)],
)
def test_a_tan_is_active_for_a_while(
    session: Session, tan: TAN, clock: FakeClock, seconds: int, expires_after: timedelta | None, active: bool
) -> None:
    """Object and query agree to the second; without a limit a TAN stays active."""
    clock.advance(seconds)
    assert tan.is_active(expires_after) is active
    assert is_active_in_sql(session, clock, expires_after) is active


def test_a_tan_expires_once(session: Session, tan: TAN, clock: FakeClock) -> None:
    """A TAN that was voided is active no more, and can't be voided again."""
    tan.expire()
    session.commit()
    assert tan.expired == clock()
    assert not tan.is_active(None)
    assert not is_active_in_sql(session, clock, None)
    with pytest.raises(ValueError, match="expired already"):
        tan.expire()


def test_a_query_knows_the_time(session: Session, tan: TAN) -> None:
    """Without being told the time, a query goes by the system's."""
    assert session.scalars(select(TAN).where(TAN.is_active())).all() == [tan]
