"""Tests of what happens with every flush."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from onegov_auth.database import Database
from onegov_auth.models import DEFAULT, LoginAttempt, User, UserGroup, UserSession, end_sessions, move_rights
from onegov_auth.testing.clock import FakeClock

LogIn = Callable[..., UserSession]


@pytest.fixture(name="group")
def _group(session: Session) -> UserGroup:
    group = UserGroup(name="staff")
    session.add(group)
    session.commit()
    return group


def count(session: Session) -> int:
    """How many sessions there are."""
    return session.scalar(select(func.count()).select_from(UserSession)) or 0


@pytest.mark.sec("SESS-05")
@pytest.mark.parametrize(
    ("attribute", "value", "moves"),
    [
        ("active", False, True),
        ("is_enabled", False, True),
        ("role", "admin", True),
        ("password", "another password", False),
        ("password_hash", "", False),
        ("username", "anna", False),
        ("is_superuser", True, True),
        ("disabled_utc", datetime(2000, 1, 1, tzinfo=UTC), True),
    ],
)
def test_a_change_of_who_or_what_a_user_is_ends_the_sessions(
    session: Session, user: User, log_in: LogIn, attribute: str, value: object, moves: bool
) -> None:
    """Whoever makes the change need not think of the sessions; a change of rights moves the stamp."""
    log_in(user)
    bob = User(username="bob", password_hash="", role="member")
    session.add(bob)
    session.commit()
    log_in(bob)
    before = user.rights_stamp, bob.rights_stamp
    setattr(user, attribute, value)
    session.commit()
    assert (user.sessions, len(bob.sessions)) == ({}, 1)
    assert (user.rights_stamp, bob.rights_stamp) == (before[0] + int(moves), before[1])


def test_a_date_to_come_ends_no_session(session: Session, user: User, log_in: LogIn, clock: FakeClock) -> None:
    """Until then everything goes on; the look-up finds no session from that moment on."""
    log_in(user)
    user.disabled_utc = clock() + timedelta(minutes=1)
    session.commit()
    assert len(user.sessions) == 1


@pytest.mark.parametrize("told", [False, True])
def test_who_is_enabled_again_is_not_disabled_by_a_past_date(
    session: Session, user: User, clock: FakeClock, told: bool
) -> None:
    """The date is cleared, unless whoever enables the user sets one in the same breath."""
    user.active, user.disabled_utc = False, clock()
    session.commit()
    user.active = True
    if told:
        user.disabled_utc = clock() - timedelta(days=1)
    session.commit()
    assert (user.is_active, user.disabled_utc is None) == (not told, not told)


@pytest.mark.parametrize("active", [True, False])
def test_a_date_stays_otherwise(session: Session, user: User, clock: FakeClock, active: bool) -> None:
    """Neither a date to come is cleared, nor the past one of somebody who was and stays enabled."""
    user.active, user.disabled_utc = active, clock() + timedelta(days=int(not active))
    session.commit()
    user.active, user.realname = True, "Ann"
    session.commit()
    assert user.disabled_utc == clock() + timedelta(days=int(not active))


def test_a_change_of_nothing_ends_no_session(session: Session, user: User, log_in: LogIn, clock: FakeClock) -> None:
    """Assigning the same value, or something else than who and what the user is, changes nothing."""
    log_in(user)
    before = user.rights_stamp
    user.role, user.active, user.username = "member", True, "ANN@example.org"
    user.realname, user.last_login = "Ann", clock()
    session.commit()
    assert count(session) == 1
    assert user.rights_stamp == before


@pytest.mark.sec("PWD-07")
def test_a_renewed_hash_ends_no_session(session: Session, user: User, log_in: LogIn) -> None:
    """The same password under another hash is no change of the password."""
    log_in(user)
    assert user.renew_password_hash("renewed")
    session.commit()
    user.realname = "Ann"
    session.commit()
    assert (user.password_hash, count(session)) == ("renewed", 1)


@pytest.mark.parametrize("side", ["user", "group", "unloaded"])
def test_membership_moves_the_rights_and_ends_no_session(
    session: Session, user: User, group: UserGroup, log_in: LogIn, side: str
) -> None:
    """Joining and leaving a group are noticed from either side, whatever was loaded before."""
    log_in(user)
    before = user.rights_stamp
    if side == "user":
        user.groups.append(group)
    elif side == "group":
        assert user.groups == []
        group.users.append(user)
    else:
        group.users.append(user)
    session.commit()
    assert (user.rights_stamp, user.groups) == (before + 1, [group])
    if side != "unloaded":
        session.commit()
        assert user.groups == [group]
    if side == "user":
        user.groups.remove(group)
    else:
        group.users.remove(user)
    session.commit()
    assert (user.rights_stamp, user.groups, count(session)) == (before + 2, [], 1)


def test_two_changes_at_once_move_the_stamp_twice(database: Database, session: Session, user: User) -> None:
    """The database counts, so that nobody computes the next stamp from an old one."""
    before = user.rights_stamp
    with database.unit() as other:
        other.scalars(select(User)).one().role = "editor"
    user.active = False
    session.commit()
    assert user.rights_stamp == before + 2


def test_statements_can_do_the_same(session: Session, user: User, log_in: LogIn) -> None:
    """Whoever updates many users by one statement ends sessions and moves rights by another."""
    row, before = log_in(user), user.rights_stamp
    end_sessions(session, DEFAULT.user, User.role == "member")
    move_rights(session, DEFAULT.user, User.role == "member")
    assert (row in session, user.sessions, user.rights_stamp) == (False, {}, before + 1)
    log_in(user)
    end_sessions(session, DEFAULT.user, User.role == "admin")
    assert len(user.sessions) == 1


def test_a_user_that_is_only_used_costs_no_statement(
    database: Database, session: Session, user: User, clock: FakeClock
) -> None:
    """A login that writes the time writes nothing else."""
    _ = user.username
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    user.last_login = clock()
    session.flush()
    assert [statement.split()[0] for statement in statements] == ["UPDATE"]


@pytest.mark.sec("RATE-01")
def test_failures_of_a_deleted_user_are_nobodys(session: Session, user: User) -> None:
    """Whoever gets the same key later, as numbers are given again, is locked by none of them; the record stays."""
    for person in (user.id.hex, "another"):
        when = datetime(2000, 1, 1, tzinfo=UTC)
        session.add(LoginAttempt(attempt_type="login", person=person, success=False, datetime_utc=when))
    session.commit()
    session.delete(user)
    session.commit()

    assert sorted(row.person or "" for row in session.scalars(select(LoginAttempt))) == ["", "another"]
