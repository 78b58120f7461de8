from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from onegov_auth.errors import InvalidToken, InvalidTokenError, MissingSecretKeyError
from onegov_auth.models import User, UserSession, user_id_in
from onegov_auth.testing.clock import FakeClock


def test_a_token_is_its_user_s(session: Session, user: User) -> None:
    """It verifies for that user and no other, and as long as nothing has changed."""
    token = user.token_generate()
    other = User(username="bob", password_hash="x", role="member")
    session.add(other)
    session.flush()
    assert user.token_verify(token)
    assert not other.token_verify(token)
    assert not user.token_verify(token[:-2] + "AA")
    assert not user.token_verify("")


@pytest.mark.sec("RESET-01", "RESET-02")
@pytest.mark.parametrize("change", ["username", "email", "active", "password_hash", "last_login", "reset_stamp"])
def test_whatever_it_depends_on_voids_it(session: Session, user: User, clock: FakeClock, change: str) -> None:
    """The salt of the second seed: login name, activity, password, last login; and the address."""
    token = user.token_generate()
    before = user.get_token_salt()
    new = {"active": False, "last_login": clock(), "reset_stamp": 1}.get(change, "new@example.org")
    setattr(user, change, new)
    session.flush()
    session.refresh(user)
    assert user.get_token_salt() != before
    assert not user.token_verify(token)


@pytest.mark.parametrize("minutes", [59, 60])
def test_a_token_expires(user: User, clock: FakeClock, minutes: int) -> None:
    """After an hour, unless told otherwise."""
    token, longer = user.token_generate(), user.token_generate(timedelta(hours=2))
    clock.advance(timedelta(minutes=minutes))
    assert user.token_verify(token) == (minutes < 60)
    assert user.token_verify(longer)


def test_a_password_is_changed_by_a_token_once(
    session: Session, user: User, log_in: Callable[..., UserSession], clock: FakeClock
) -> None:
    """Sessions end, a pending address is dropped, and whoever had it read the mail."""
    del clock
    log_in(user)
    user.email, user.email_pending = "ann@example.org", "new@example.org"
    session.commit()
    token = user.token_generate()
    user.change_password(token, "an entirely different sentence")
    session.commit()
    assert user.is_matching_password("an entirely different sentence")
    kept = session.execute(select(User.email_verified, User.email_pending)).one()
    assert tuple(kept) == (True, None)
    assert session.scalars(select(UserSession)).all() == []
    with pytest.raises(InvalidToken):
        user.change_password(token, "another sentence altogether")
    assert InvalidToken is InvalidTokenError


@pytest.mark.sec("RACE-01")
def test_a_token_that_lost_a_race_is_not_good(session: Session, user: User) -> None:
    """What somebody else used up between reading and writing is used up."""
    token = user.token_generate()
    users = User.__table__
    session.execute(users.update().values(reset_stamp=users.c.reset_stamp + 1))  # type: ignore[attr-defined]  # a table has it
    assert not user.token_use(token)


def test_a_token_needs_a_session_with_keys(user: User, session: Session) -> None:
    """Nothing is signed with nothing."""
    session.info.clear()
    with pytest.raises(MissingSecretKeyError):
        user.token_generate()
    with pytest.raises(ValueError, match="in no session"):
        User(username="nobody").token_generate()


@pytest.mark.parametrize(
    ("data", "named"), [({}, False), ({"user": 5}, False), ({"user": "17"}, True), ({"user": "0" * 32}, True)]
)
def test_who_a_token_names(data: dict[str, object], named: bool) -> None:
    """A UUID, or the key of an application's own table; anything else is nobody."""
    assert (user_id_in(data) is not None) == named
