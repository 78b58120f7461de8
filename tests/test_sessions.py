from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event, select, text

from onegov_auth.database import Database
from onegov_auth.domain import AuthnContext, Client, SessionInfo, UserInfo, VerifiedIdentity, hexadecimal
from onegov_auth.keys import Keys
from onegov_auth.models import User, UserGroup, UserSession
from onegov_auth.sessions import Sessions
from onegov_auth.settings import Secret, Settings
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.providers import person

ANN = person("staff", "id-1", "ann")


@pytest.fixture(name="user")
def _user(database: Database) -> User:
    with database.unit() as db:
        user = User(username="ann", password_hash="", role="member")
        user.groups = [UserGroup(name="one"), UserGroup(name="two")]
        db.add(user)
    return user


@pytest.fixture(name="make")
def _make(database: Database, clock: FakeClock, make_settings: Callable[..., Settings]) -> Callable[..., Sessions]:
    def make(**limits: object) -> Sessions:
        settings = make_settings(sessions=limits)
        keys = Keys([Secret("x" * 40)], "town/app")
        return Sessions(database, settings.sessions, keys, application="town/app", clock=clock)

    return make


@pytest.fixture(name="sessions")
def _sessions(make: Callable[..., Sessions]) -> Sessions:
    return make()


@pytest.fixture(name="log_in")
def _log_in(sessions: Sessions, database: Database, user: User, client: Client) -> Callable[..., str]:
    def log_in(
        identity: VerifiedIdentity = ANN, by: Sessions = sessions, client: Client = client, *, remember: bool = False
    ) -> str:
        with database.unit() as db:
            return by.open(db, info(user), identity, client, remember=remember)[0]

    return log_in


LogIn = Callable[..., str]


def info(user: User) -> UserInfo:
    return UserInfo(user.id, user.username, user.role)


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(*arguments: object) -> None:
        seen.append(str(arguments[2]))

    event.listen(database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(database.engine, "before_cursor_execute", note)


def test_a_token_leads_to_the_identity(sessions: Sessions, log_in: LogIn, user: User) -> None:
    """A look-up knows the user's name, id, role, groups, tenant, provider and the session."""
    identity = sessions.lookup(log_in())

    assert identity is not None
    assert (identity.userid, identity.uid, identity.role) == ("ann", user.id.hex, "member")
    assert identity.groupids == {hexadecimal(group.id) for group in user.groups}
    assert (identity.application_id, identity.provider, identity.rights) == ("town/app", "staff", user.rights_stamp)


def test_a_look_up_is_one_indexed_statement(sessions: Sessions, log_in: LogIn, database: Database) -> None:
    """Finding a session reads no table from end to end."""
    token = log_in()
    sql = sessions._lookup.prepared.sql
    hashed = hashlib.sha256(token.encode()).hexdigest()
    with database.engine.connect() as connection:
        if database.dialect == "sqlite":
            rows = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + sql, (0, "2026-01-01", hashed)).all()
        else:
            connection.exec_driver_sql("SET enable_seqscan = off")
            values = {"token_hash": hashed, "now": datetime(2026, 1, 1), "at": 0}  # noqa: DTZ001 - as the table has it
            rows = connection.exec_driver_sql("EXPLAIN " + sql, values).all()

    shown = "\n".join(str(row) for row in rows)
    assert "token_hash" in shown
    assert "SCAN " not in shown
    assert "Seq Scan" not in shown


@pytest.mark.sec("SESS-10", "ASVS-7.2.3", "ASVS-11.5.1")
def test_the_table_opens_no_session(sessions: Sessions, log_in: LogIn, database: Database) -> None:
    """The token has 256 bits, and what is stored of it is not accepted as one."""
    token = log_in()

    with database.read() as db:
        stored = db.scalars(select(UserSession.token_hash)).one()
    assert len(token) == 43
    assert stored == hashlib.sha256(f"town/app:{token}".encode()).hexdigest()
    assert sessions.lookup(stored[:43]) is None


@pytest.mark.sec("SESS-12", "SESS-02")
@pytest.mark.parametrize("token", ["", "x", "x" * 43, "x" * 44, "ü" * 43, "\x00" * 43, "x" * 1_000_000, "' OR 1=1"])
def test_a_malformed_token_is_nobody(sessions: Sessions, log_in: LogIn, token: str) -> None:
    """Whatever a cookie holds, it is a session's token or nothing."""
    log_in()

    assert sessions.lookup(token) is None


@pytest.mark.sec("SESS-06", "ASVS-7.3.1")
def test_an_idle_session_ends(sessions: Sessions, log_in: LogIn, clock: FakeClock) -> None:
    """An hour without a request ends it, a second less doesn't."""
    token = log_in()
    clock.advance(3599)
    assert sessions.lookup(token) is not None
    clock.advance(3600)

    assert sessions.lookup(token) is None


@pytest.mark.sec("SESS-06", "ASVS-7.3.2")
def test_a_session_ends_after_its_lifetime(sessions: Sessions, log_in: LogIn, clock: FakeClock) -> None:
    """Twelve hours are the end even of one that is used all the time."""
    token = log_in()
    for _ in range(24 * 60 - 1):
        clock.advance(30)
        assert sessions.lookup(token) is not None
    clock.advance(29)
    assert sessions.lookup(token) is not None
    clock.advance(1)

    assert sessions.lookup(token) is None


def test_who_asked_to_stay_stays(sessions: Sessions, log_in: LogIn, clock: FakeClock) -> None:
    """A remembered session knows no idle time and ends after thirty days."""
    token = log_in(remember=True)
    clock.advance(timedelta(days=30) - timedelta(seconds=1))
    assert sessions.lookup(token) is not None
    clock.advance(1)

    assert sessions.lookup(token) is None


def test_last_seen_is_written_once_a_minute(
    sessions: Sessions, log_in: LogIn, clock: FakeClock, database: Database
) -> None:
    """Most requests only read; one a minute writes the time."""
    token = log_in()
    clock.advance(59)
    with statements(database) as seen:
        sessions.lookup(token)
    assert seen == []
    clock.advance(1)
    with statements(database) as seen:
        sessions.lookup(token)
        sessions.lookup(token)
    assert len([statement for statement in seen if statement.startswith("UPDATE")]) == 1

    with database.read() as db:
        assert clock() == db.scalars(select(UserSession)).one().last_seen


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_database_that_cant_write_still_knows_who_is_in(
    sessions: Sessions, log_in: LogIn, clock: FakeClock, database: Database
) -> None:
    """When the last-seen time can't be written, the request goes on."""
    token = log_in()
    clock.advance(120)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    try:
        assert sessions.lookup(token) is not None
    finally:
        with database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA query_only = OFF")


@pytest.mark.sec("SESS-01", "SESS-09", "ASVS-7.2.4")
def test_logging_in_again_ends_the_session_one_came_with(
    sessions: Sessions, log_in: LogIn, client: Client, database: Database
) -> None:
    """The token changes with every login, and the one before is worth nothing."""
    old = log_in()
    other = log_in()
    new = log_in(client=replace(client, session_token=old))

    assert sessions.lookup(old) is None
    assert sessions.lookup(new) is not None
    assert sessions.lookup(other) is not None


@pytest.mark.parametrize(
    "change",
    [{"active": False}, {"role": "editor"}, {"username": "anna"}, {"password": "another password"}],
    ids=["deactivated", "role", "username", "password"],
)
@pytest.mark.sec("SESS-05", "ASVS-7.4.2")
def test_a_change_of_the_user_ends_the_sessions(
    sessions: Sessions, log_in: LogIn, database: Database, user: User, change: dict[str, object]
) -> None:
    """Deactivation and a change of role, username or password end every session at once."""
    token = log_in()
    with database.unit() as db:
        loaded = db.get_one(User, user.id)
        for key, value in change.items():
            setattr(loaded, key, value)

    assert sessions.lookup(token) is None
    with database.read() as db:
        assert db.scalars(select(UserSession)).all() == []


@pytest.mark.sec("LINK-18", "ASVS-7.4.2")
def test_whoever_is_switched_off_behind_our_back_is_out(sessions: Sessions, log_in: LogIn, database: Database) -> None:
    """Even a bare UPDATE of the column ends what the person may do, with the next request."""
    token = log_in()
    with database.unit() as db:
        db.execute(text("UPDATE users SET active = :active"), {"active": False})

    assert sessions.lookup(token) is None


def test_another_role_is_seen_by_the_next_request(sessions: Sessions, log_in: LogIn, database: Database) -> None:
    """Nothing of a user's rights is frozen in the session (ASVS 8.3.2)."""
    token = log_in()
    with database.unit() as db:
        db.execute(text("UPDATE users SET role = 'editor'"))

    identity = sessions.lookup(token)
    assert identity is not None
    assert identity.role == "editor"


def test_the_longest_unused_make_room(make: Callable[..., Sessions], log_in: LogIn, clock: FakeClock) -> None:
    """More sessions than allowed end those that were used longest ago."""
    sessions = make(max_per_user=2)
    tokens = []
    for _ in range(3):
        tokens.append(log_in(by=sessions))
        clock.advance(1)

    assert [sessions.lookup(token) is not None for token in tokens] == [False, True, True]


@pytest.mark.sec("ASVS-7.4.1", "SESS-03")
def test_sessions_are_listed_and_ended(
    sessions: Sessions, log_in: LogIn, database: Database, user: User, clock: FakeClock
) -> None:
    """A user's sessions can be seen and ended one by one, the others, or all."""
    tokens = []
    for _ in range(4):
        tokens.append(log_in())
        clock.advance(1)
    with database.unit() as db:
        listed = sessions.list(db, user.id)
        assert len(listed) == 4
        assert listed[0].created > listed[-1].created
        assert sessions.end(db, listed[0].id)
        assert not sessions.end(db, listed[0].id)
        assert sessions.end_all(db, user.id, keep=listed[1].id) == 2

    assert [sessions.lookup(token) is not None for token in tokens] == [False, False, True, False]
    with database.unit() as db:
        assert sessions.end_all(db) == 1
    assert sessions.lookup(tokens[2]) is None


def test_a_session_that_ended_by_itself_is_not_listed(
    sessions: Sessions, log_in: LogIn, database: Database, user: User, clock: FakeClock
) -> None:
    """Idle and expired sessions are gone from the list, and cleanup deletes their rows."""
    log_in()
    clock.advance(timedelta(hours=2))
    log_in()

    with database.unit() as db:
        assert len(sessions.list(db, user.id)) == 1
        assert sessions.cleanup(db) == 1
        assert len(db.scalars(select(UserSession)).all()) == 1


def test_what_the_provider_wants_back_is_encrypted(sessions: Sessions, log_in: LogIn, database: Database) -> None:
    """The hint for logging out is in the session's information and not in the table."""
    log_in(replace(ANN, authn=AuthnContext(session_id="sid-1", logout_hint="an id token")))

    with database.read() as db:
        row = db.scalars(select(UserSession)).one()
        info = sessions.info(db, row.id)
    assert "an id token" not in str(row.logout_hint)
    assert isinstance(info, SessionInfo)
    assert (info.logout_hint, info.provider_session, info.source_id) == ("an id token", "sid-1", "id-1")
    assert "an id token" not in repr(info)


def test_a_hint_nobody_can_read_is_none(sessions: Sessions, log_in: LogIn, database: Database) -> None:
    """When its secret was taken out of the settings, a person can log out here all the same."""
    log_in(replace(ANN, authn=AuthnContext(logout_hint="an id token")))
    with database.unit() as db:
        db.scalars(select(UserSession)).one().logout_hint = "v1.of-another-secret"
    with database.read() as db:
        [info] = sessions.list(db, db.scalars(select(UserSession)).one().user_id)
    assert info.logout_hint is None


def test_no_session_has_no_information(sessions: Sessions, database: Database, user: User) -> None:
    """An id that is none leads to nothing."""
    with database.read() as db:
        assert sessions.info(db, user.id) is None


@pytest.mark.sec("RACE-13")
def test_nobody_gets_in_while_being_deactivated(
    sessions: Sessions, database: Database, user: User, client: Client, log_in: LogIn
) -> None:
    """Of a login and a deactivation at the same time, no session that works is left."""
    for _ in range(10):
        with database.unit() as db:
            db.get_one(User, user.id).active = True
        barrier = threading.Barrier(2)
        tokens: list[str] = []

        def come_in(barrier: threading.Barrier = barrier, tokens: list[str] = tokens) -> None:
            barrier.wait()
            with database.unit() as db:
                loaded = db.scalars(select(User).filter_by(id=user.id).with_for_update()).one()
                if loaded.active:
                    tokens.append(sessions.open(db, info(loaded), ANN, client)[0])

        def switch_off(barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            with database.unit() as db:
                db.get_one(User, user.id).active = False

        threads = [threading.Thread(target=come_in), threading.Thread(target=switch_off)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        with database.unit() as db:
            db.get_one(User, user.id).active = True
        assert [sessions.lookup(token) for token in tokens] in ([], [None])


@pytest.mark.sec("ASVS-8.4.1", "SESS-02")
def test_a_session_is_one_applications_own(
    sessions: Sessions, log_in: LogIn, database: Database, make_settings: Callable[..., Settings], clock: FakeClock
) -> None:
    """Where two applications share a table, a token of one is nothing to the other."""
    keys = Keys([Secret("x" * 40)], "town/other")
    other = Sessions(database, make_settings().sessions, keys, application="town/other", clock=clock)
    token = log_in()

    assert other.lookup(token) is None
    assert sessions.lookup(token) is not None


def test_a_short_idle_time_is_watched_closely(make: Callable[..., Sessions], log_in: LogIn, clock: FakeClock) -> None:
    """With an idle time below a minute, somebody who is active stays in."""
    sessions = make(idle="30s")
    token = log_in(by=sessions)
    for _ in range(10):
        clock.advance(10)
        assert sessions.lookup(token) is not None
