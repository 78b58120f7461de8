"""Somebody who is known comes again, and something happens at the same time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from onegov_auth.accounts import Hooks
from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import Client, Password
from onegov_auth.factors import Enrolment
from onegov_auth.models import AuthEvent, User, UserIdentity, UserSession
from onegov_auth.outcomes import FactorRequired, LoggedIn, Refused
from onegov_auth.passwords import Hasher
from onegov_auth.providers import ProviderSettings
from onegov_auth.road import Door
from onegov_auth.steps import LoginStep
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.providers import KnownPeople, person

MakeAuth = Callable[..., Auth]
DORA = person("staff", "42", "dora", realname="Dora Doe")
TOTP = Enrolment(secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
PASSWORD = "correct horse battery staple"
MANY = 20


def count(database: Database, model: type[Any]) -> int:
    with database.read() as db:
        return db.scalar(select(func.count()).select_from(model)) or 0


def change(database: Database, model: type[Any], **values: object) -> None:
    with database.unit() as db:
        db.execute(update(model).values(values))


def set_up_factor(auth: Auth) -> None:
    """As its owner would in another session: all others end."""
    with auth.database.unit() as db:
        user = db.scalars(select(User).with_for_update()).one()
        assert not isinstance(auth.factor_store.add(db, user, auth.factors["totp"], TOTP, None), Refused)
        auth.sessions.end_all(db, user.id)


def wait_for_a_lock(database: Database) -> None:
    """Until somebody else waits for what we have."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with database.read() as db:
            if db.scalar(text(waiting)):
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits")


def together(number: int, work: Callable[[int], object]) -> None:
    barrier = threading.Barrier(number)

    def begin(which: int) -> None:
        barrier.wait()
        work(which)

    threads = [threading.Thread(target=begin, args=(which,)) for which in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.fixture(name="known")
def _known(make_auth: MakeAuth, staff: KnownPeople, client: Client) -> Callable[..., Auth]:
    """``known()`` knows Dora, who came once."""

    def known(**changes: Any) -> Auth:
        auth = make_auth(staff, **changes)
        first = auth.road.complete(DORA, Door(client=client, provider="staff"))
        assert isinstance(first, LoggedIn)
        return auth

    return known


def test_who_comes_again_is_noted_everywhere(
    known: Callable[..., Auth], client: Client, database: Database, clock: FakeClock
) -> None:
    """The login, the use of the link, the session and the event are written together."""
    auth = known()
    clock.advance(timedelta(hours=1))
    outcome = auth.road.complete(DORA, Door(client=client, provider="staff"))

    assert isinstance(outcome, LoggedIn)
    assert auth.sessions.lookup(outcome.token) is not None
    with database.read() as db:
        assert db.scalars(select(User.last_login)).one() == clock()
        assert db.scalars(select(UserIdentity.last_used)).one() == clock()
        assert set(db.scalars(select(AuthEvent.code))) == {"ok"}
    assert (count(database, UserSession), count(database, AuthEvent)) == (2, 2)


@pytest.mark.sec("RACE-13", "LINK-18")
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("model", "values", "code"),
    [
        (User, {"active": False}, "inactive"),
        (UserIdentity, {"frozen": True}, "identity_frozen"),
    ],
    ids=repr,
)
def test_who_is_shut_out_in_between_is_refused(
    known: Callable[..., Auth],
    client: Client,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    model: type[Any],
    values: dict[str, object],
    code: str,
) -> None:
    """Between reading who it is and writing the session an administrator was quicker: refused, and no session."""
    auth = known()
    opened, tries = auth.sessions.open, []

    def slowly(*args: Any, **more: Any) -> Any:
        tries.append(1)
        if len(tries) == 1:
            change(database, model, **values)
        return opened(*args, **more)

    monkeypatch.setattr(auth.sessions, "open", slowly)
    outcome = auth.road.complete(DORA, Door(client=client, provider="staff"))

    assert isinstance(outcome, Refused)
    assert (outcome.code, len(tries), count(database, UserSession)) == (code, 1, 1)
    with database.read() as db:
        assert db.scalars(select(AuthEvent.code).order_by(AuthEvent.id)).all() == ["ok", code]


@pytest.mark.sec("RACE-13")
def test_a_deactivation_and_logins_at_once_leave_no_session(
    known: Callable[..., Auth], client: Client, database: Database
) -> None:
    """Whatever comes first, nobody who is deactivated is in, round after round."""
    auth = known(sessions={"max_per_user": 1000})
    for _ in range(10):
        change(database, User, active=True)
        tokens: list[str] = []

        def work(which: int, tokens: list[str] = tokens) -> None:
            if which == 0:
                with database.unit() as db:
                    db.scalars(select(User).with_for_update()).one().active = False
                return
            outcome = auth.road.complete(DORA, Door(client=client, provider="staff"))
            if isinstance(outcome, LoggedIn):
                tokens.append(outcome.token)

        together(5, work)

        change(database, User, active=True)
        assert [auth.sessions.lookup(token) for token in tokens] == [None] * len(tokens)


@pytest.mark.sec("MFA-16")
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_first_factor_set_up_meanwhile_is_asked_for(
    known: Callable[..., Auth], client: Client, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A login that read the user before the factor was there begins anew, and finds it."""
    auth = known(second_factors={"totp": {}})
    opened = auth.sessions.open

    def slowly(*args: Any, **more: Any) -> Any:
        set_up_factor(auth)
        return opened(*args, **more)

    monkeypatch.setattr(auth.sessions, "open", slowly)
    outcome = auth.road.complete(DORA, Door(client=client, provider="staff"))

    assert isinstance(outcome, FactorRequired)
    assert count(database, UserSession) == 0


@pytest.mark.sec("MFA-16")
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("way", ["password", "provider"])
def test_who_waits_for_the_first_factor_is_asked_for_it(
    known: Callable[..., Auth], client: Client, database: Database, hasher: Hasher, way: str
) -> None:
    """A login that waits for whoever sets the factor up sees it, though it asked before it was there."""
    auth = known(second_factors={"totp": {}})
    change(database, User, password_hash=hasher.hash(PASSWORD))
    outcomes: list[object] = []

    def come_in() -> None:
        if way == "password":
            verdict = auth.local.verify("dora", Password(PASSWORD))
            outcomes.append(auth.road.complete(verdict, Door(client=client, username="dora")))
        else:
            outcomes.append(auth.road.complete(DORA, Door(client=client, provider="staff")))

    thread = threading.Thread(target=come_in)
    with database.unit() as db:
        user = db.scalars(select(User).with_for_update()).one()
        thread.start()
        wait_for_a_lock(database)
        assert not isinstance(auth.factor_store.add(db, user, auth.factors["totp"], TOTP, None), Refused)
        auth.sessions.end_all(db, user.id)
    thread.join()

    assert [type(outcome) for outcome in outcomes] == [FactorRequired]
    assert count(database, UserSession) == 0


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_nobody_waits_in_a_circle(known: Callable[..., Auth], client: Client, database: Database) -> None:
    """Who has a factor is asked for it in a unit that locks the user first, as everybody does who changes a user."""
    auth = known(second_factors={"totp": {}})
    set_up_factor(auth)
    outcomes: list[object] = []
    thread = threading.Thread(
        target=lambda: outcomes.append(auth.road.complete(DORA, Door(client=client, provider="staff")))
    )
    with database.unit() as db:
        db.scalars(select(User).with_for_update()).one()
        thread.start()
        wait_for_a_lock(database)
        # Waits for nobody: who waits for us has nothing yet.
        db.execute(text("SET LOCAL lock_timeout = '2s'"))
        db.execute(update(UserIdentity).values(missed=0))
    thread.join()

    assert [type(outcome) for outcome in outcomes] == [FactorRequired]


@pytest.mark.sec("RACE-11")
def test_many_logins_of_one_person_at_once_all_succeed(
    known: Callable[..., Auth], client: Client, database: Database
) -> None:
    """The loser of a race comes in by the next try, and no more sessions are kept than may be."""
    auth = known(sessions={"max_per_user": 5})
    outcomes: list[object] = []

    def work(which: int) -> None:
        browser = replace(client, browser=f"browser-{which}")
        outcomes.append(auth.road.complete(DORA, Door(client=browser, provider="staff")))

    together(MANY, work)

    assert [type(outcome) for outcome in outcomes] == [LoggedIn] * MANY
    assert (count(database, UserSession), count(database, AuthEvent)) == (5, MANY + 1)


def test_the_oldest_session_makes_room(
    known: Callable[..., Auth], client: Client, database: Database, clock: FakeClock
) -> None:
    """Who comes once more than may be open loses the one that was used longest ago."""
    auth = known(sessions={"max_per_user": 2})
    tokens = []
    for _ in range(3):
        clock.advance(timedelta(minutes=5))
        outcome = auth.road.complete(DORA, Door(client=client, provider="staff"))
        assert isinstance(outcome, LoggedIn)
        tokens.append(outcome.token)

    assert [auth.sessions.lookup(token) is not None for token in tokens] == [False, True, True]
    assert count(database, UserSession) == 2


def test_a_hook_sees_what_the_login_wrote(
    make_auth: MakeAuth, staff: KnownPeople, client: Client, database: Database, clock: FakeClock
) -> None:
    """``on_login`` is asked in the same transaction, with the login in it; if it fails, nothing is left."""
    seen: list[Any] = []

    def note(db: Any, user: User, _client: Client) -> None:
        seen.append((user.last_login, db.scalar(select(func.count()).select_from(UserSession))))
        if len(seen) == 3:
            raise RuntimeError("no")

    auth = make_auth(staff, hooks=Hooks(on_login=note))
    door = Door(client=client, provider="staff")
    for _ in range(2):
        clock.advance(timedelta(hours=1))
        auth.road.complete(DORA, door)
    with pytest.raises(RuntimeError):
        auth.road.complete(DORA, door)

    assert seen == [(clock() - timedelta(hours=1), 1), (clock(), 2), (clock(), 3)]
    assert (count(database, UserSession), count(database, AuthEvent)) == (2, 2)


def test_a_step_of_the_application_may_change_the_user(
    make_auth: MakeAuth, staff: KnownPeople, client: Client, database: Database
) -> None:
    """What a login itself changes of the user is no race with somebody else."""

    class Counting(LoginStep):
        name = "counting"

        def needed(self, db: Any, user: Any) -> bool:
            """Note that it was asked."""
            user.data = {"asked": user.data.get("asked", 0) + 1}
            db.flush()
            return False

        def take(self, *_: object) -> None:
            """Never asked for."""

    auth = make_auth(staff, hooks=Hooks(login_steps=(Counting(),)))
    for _ in range(2):
        assert isinstance(auth.road.complete(DORA, Door(client=client, provider="staff")), LoggedIn)

    with database.read() as db:
        assert db.scalars(select(User.data)).one() == {"asked": 2}


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_restarted_server_is_not_noticed(known: Callable[..., Auth], client: Client, database: Database) -> None:
    """Connections that broke while nobody used them are replaced."""
    auth = known()
    for _ in range(2):
        others = "WHERE pid <> pg_backend_pid() AND datname = current_database()"
        administrator = Database(database.engine.url)
        with administrator.unit() as db:
            db.connection().exec_driver_sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity {others}")
        administrator.dispose()
        assert isinstance(auth.road.complete(DORA, Door(client=client, provider="staff")), LoggedIn)

    assert count(database, UserSession) == 3


def test_rights_that_are_not_kept_are_changed_on_the_way(
    make_auth: MakeAuth, client: Client, database: Database
) -> None:
    """Who comes with another role goes the long way, in the same unit."""
    block = ProviderSettings.model_validate({"kind": "known-people", "roles": {"editor": ["editors"], "member": ["*"]}})
    auth = make_auth(KnownPeople(name="staff", settings=block))
    door = Door(client=client, provider="staff")
    for groups in ((), ("editors",)):
        assert isinstance(auth.road.complete(replace(DORA, groups=frozenset(groups)), door), LoggedIn)

    with database.read() as db:
        assert db.scalars(select(User.role)).one() == "editor"
