from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from onegov_auth.models import DEFAULT, User
from onegov_auth.models.effective import check, holders, next_end
from onegov_auth.testing.clock import FakeClock
from tests.permissions.ways import GRANTED, WAYS, give, permission


@pytest.mark.parametrize("way", WAYS)
def test_holders_are_found_from_the_permission(session: Session, user: User, clock: FakeClock, way: str) -> None:
    """Whoever has it by any way is among them, and nobody else."""
    give(session, user, way)
    other = User(username="bob", password_hash="", role="member")
    session.add(other)
    give(session, other, "own", "write")
    session.flush()

    read = permission(session, "read")
    assert set(session.scalars(holders(DEFAULT, read.id, clock()))) == {user.id}


@pytest.mark.parametrize("way", GRANTED)
def test_holders_by_a_grant_end_with_it(session: Session, user: User, clock: FakeClock, way: str) -> None:
    """An expired grant makes nobody a holder."""
    give(session, user, way, until=clock() + timedelta(seconds=5))
    session.flush()
    read = permission(session, "read")

    assert list(session.scalars(holders(DEFAULT, read.id, clock()))) == [user.id]
    assert not list(session.scalars(holders(DEFAULT, read.id, clock.advance(5))))


def test_check_says_the_stamp_and_whether_there_are_grants(session: Session, user: User, clock: FakeClock) -> None:
    """One row has what is had by hand, and what it may be kept under; there is none without the user."""
    give(session, user, "grant", "write", until=clock() + timedelta(seconds=5))
    give(session, user, "own", "delete")
    session.commit()

    def ask(token: str) -> list[object]:
        return [list(row) for row in session.execute(check(DEFAULT, user.id, token, clock()))]

    stamp = user.rights_stamp
    assert [ask(token) for token in ("delete", "write", "none")] == [
        [[True, stamp, True]],
        *[[[False, stamp, True]]] * 2,
    ]
    clock.advance(5)
    assert ask("write") == [[False, stamp, False]]
    session.delete(user)
    session.flush()
    assert not session.execute(check(DEFAULT, user.id, "delete", clock())).all()


def test_next_end_is_the_first_of_those_that_count(session: Session, user: User, clock: FakeClock) -> None:
    """Grants without an end, and those that are over, have no part in it."""
    for seconds in (5, 50):
        give(session, user, "grant", f"{seconds}", until=clock() + timedelta(seconds=seconds))
    give(session, user, "granted group")
    session.flush()

    assert session.scalar(select(next_end(DEFAULT, user.id, clock()))) == clock() + timedelta(seconds=5)
    clock.advance(5)
    assert session.scalar(select(next_end(DEFAULT, user.id, clock()))) == clock() + timedelta(seconds=45)
    clock.advance(45)
    assert session.scalar(select(next_end(DEFAULT, user.id, clock()))) is None
