"""Tests of a user's open sessions."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from onegov_auth.models import User, UserSession
from onegov_auth.testing.clock import FakeClock

LogIn = Callable[..., UserSession]


def count(session: Session) -> int:
    """How many sessions there are at all."""
    return session.scalar(select(func.count()).select_from(UserSession)) or 0


def request_with(session_id: object, **values: object) -> SimpleNamespace:
    """A request that came with that session."""
    return SimpleNamespace(identity=SimpleNamespace(session_id=session_id), client_addr=None, user_agent=None, **values)


@pytest.fixture(name="bob")
def _bob(session: Session) -> User:
    bob = User(username="bob", password_hash="", role="member")
    session.add(bob)
    session.commit()
    return bob


def test_open_sessions_are_listed_by_id(user: User, bob: User, log_in: LogIn, clock: FakeClock) -> None:
    """A user sees the own sessions that are open, with address, browser and the time in UTC."""
    row = log_in(user)
    log_in(bob)
    log_in(user, hours=0)
    stamp = clock().replace(tzinfo=None).isoformat()
    assert user.sessions == {str(row.id): {"address": "192.0.2.1", "timestamp": stamp, "agent": "Browser"}}


def test_a_user_outside_of_a_session_has_no_sessions() -> None:
    """A new object knows of none."""
    assert User(username="ann").sessions == {}


def test_cleaning_up_forgets_what_has_ended(
    session: Session, user: User, bob: User, log_in: LogIn, clock: FakeClock
) -> None:
    """Only the user's own sessions, and only those that are over, are deleted."""
    log_in(user)
    log_in(user, hours=3)
    log_in(bob)
    clock.advance(3600)
    user.cleanup_sessions()
    assert len(user.sessions) == 1
    assert count(session) == 2


def test_the_current_session_follows_the_browser(session: Session, user: User, log_in: LogIn) -> None:
    """Saving the current session notes where it is used now."""
    row = log_in(user)
    request = SimpleNamespace(
        identity=SimpleNamespace(session_id=row.id), client_addr="192.0.2.2", user_agent="x" * 1000
    )
    user.save_current_session(request)
    session.commit()
    assert user.sessions[str(row.id)]["address"] == "192.0.2.2"
    assert user.sessions[str(row.id)]["agent"] == "x" * 400


def test_the_current_session_can_be_ended(session: Session, user: User, log_in: LogIn) -> None:
    """Removing the current session leaves the others."""
    row, other = log_in(user), log_in(user)
    user.remove_current_session(request_with(row.id))
    assert list(user.sessions) == [str(other.id)]


@pytest.mark.parametrize("who", ["nobody", "unknown", "bob"])
def test_nobody_elses_session_is_touched(session: Session, user: User, bob: User, log_in: LogIn, who: str) -> None:
    """A request without a session, or with somebody else's, ends and changes none."""
    log_in(user)
    theirs = log_in(bob)
    request = request_with({"nobody": None, "unknown": uuid4(), "bob": theirs.id}[who])
    user.save_current_session(request)
    user.remove_current_session(request)
    session.commit()
    assert count(session) == 2
    assert theirs.address == "192.0.2.1"


@pytest.mark.sec("SESS-05")
def test_all_sessions_can_be_ended(session: Session, user: User, bob: User, log_in: LogIn) -> None:
    """Logging out everywhere says how many sessions were open, and leaves other users'."""
    log_in(user)
    log_in(user)
    log_in(user, hours=0)
    log_in(bob)
    assert user.logout_all_sessions() == 2
    assert user.sessions == {}
    assert count(session) == 1
    assert user.logout_all_sessions(app=object()) == 0


@pytest.mark.sec("SESS-05")
def test_a_new_name_ends_all_sessions(session: Session, user: User, log_in: LogIn) -> None:
    """Whoever is renamed logs in again."""
    log_in(user)
    user.change_username("Anna@example.org", app=None)
    session.commit()
    assert (user.username, user.username_key) == ("anna@example.org", "anna@example.org")
    assert count(session) == 0


def test_the_second_seeds_session_key_ends_sessions(user: User, log_in: Callable[..., UserSession]) -> None:
    """It is the user's key, which opens nothing; another one would change nothing, so all sessions end instead."""
    log_in(user)
    assert user.get_id() == user.session_key == user.id.hex
    user.reset_session_key()
    assert user.sessions == {}
