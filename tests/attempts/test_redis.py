"""Counters in Redis: what only they have. That they answer like the database is in the tests of the book."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import redis as library
from sqlalchemy import func, select

from onegov_auth.attempts import Attempt, Attempts, RedisCounters
from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import Client
from onegov_auth.errors import CountersUnavailableError, MissingDependencyError
from onegov_auth.models import LoginAttempt, User
from onegov_auth.outcomes import LoggedIn, Refused
from onegov_auth.settings import Secret, Settings
from onegov_auth.statements import LostRaceError
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.servers import Redis

PASSWORD = "correct horse battery staple"
LIMITS = {"login": {"limit": 3, "within": "10m", "lockout": "1h"}, "per_address": False}

#: Redis beside one kind of database is enough here.
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

Make = Callable[..., Attempts]


@pytest.fixture(name="raw")
def _raw(redis_url: str) -> Any:
    client = library.Redis.from_url(redis_url, decode_responses=True)
    yield client
    client.close()


@pytest.fixture(name="make")
def _make(database: Database, clock: FakeClock, make_settings: Callable[..., Settings], redis_url: str) -> Make:
    def make(url: str = redis_url, application: str = "main/app") -> Attempts:
        counters = RedisCounters.from_url(Secret(url), application)
        return Attempts(database, make_settings(attempts=LIMITS).attempts, clock=clock, counters=counters)

    return make


@pytest.fixture(name="stopped")
def _stopped() -> str:
    """The address of a Redis that is not there any more."""
    server = Redis().start()
    server.close()
    return server.url


def lock(attempts: Attempts, client: Client, name: str = "ann") -> None:
    """Use the budget up."""
    for _ in range(3):
        attempts.admit("login", name, client)
    assert isinstance(attempts.admit("login", name, client), Refused)


@pytest.mark.sec("RATE-05", "ASVS-16.5.3")
def test_a_redis_that_is_down_refuses(make: Make, stopped: str, client: Client, database: Database) -> None:
    """Nothing is looked at that can't be counted; and no error tells the address, which may have a password in it."""
    attempts = make(stopped.replace("redis://", "redis://user:hunter2@"))
    for ask in (
        lambda: attempts.admit("login", "ann", client),
        lambda: attempts.fail("login", "ann", client, "csrf"),
    ):
        with pytest.raises(CountersUnavailableError) as caught:
            ask()
        assert "hunter2" not in f"{caught.value!r}"
    with pytest.raises(CountersUnavailableError), database.unit() as db:
        attempts.unlock(db, "ann")
    with pytest.raises(CountersUnavailableError), database.unit() as db:
        attempts.purge(db)
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(LoginAttempt)) == 0


@pytest.mark.sec("RATE-05")
def test_a_redis_that_goes_while_a_password_is_looked_at(
    make: Make, database: Database, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever was admitted gets in; the account has fewer tries for it, never more."""
    server = Redis().start()
    attempts = make(server.url)
    admitted = attempts.admit("login", "ann", client)
    server.close()
    assert isinstance(admitted, Attempt)
    with database.unit() as db:
        attempts.settle(db, admitted, "ok", success=True)

    assert "could not be settled in Redis" in caplog.text
    with database.read() as db:
        assert db.scalars(select(LoginAttempt.success)).all() == [True]


@pytest.mark.sec("RATE-05", "RATE-10")
def test_a_login_counts_in_redis(
    database: Database,
    clock: FakeClock,
    hasher: Any,
    make_settings: Callable[..., Settings],
    redis_url: str,
    client: Client,
    raw: Any,
) -> None:
    """With the key in the settings, two processes count together; what Redis forgot is not asked of the table."""
    with database.unit() as db:
        db.add(User(username="ann", role="member", password_hash=hasher.hash(PASSWORD)))
    settings = make_settings(attempts=LIMITS, redis=redis_url)
    one, other = (Auth(settings, database, clock=clock, hasher=hasher) for _ in range(2))
    for auth in (one, other, one):
        assert isinstance(auth.login("ann", "wrong", client), Refused)

    refused = other.login("ann", PASSWORD, client)
    assert isinstance(refused, Refused)
    assert refused.code == "locked"
    raw.flushall()
    assert isinstance(one.login("ann", PASSWORD, client), LoggedIn)
    for auth in (one, other):
        auth.mailer.close()


def test_without_its_library(redis_url: str, monkeypatch: pytest.MonkeyPatch, database: Database) -> None:
    """The error says what to install."""
    del database
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(MissingDependencyError, match=r"onegov-auth\[redis\]"):
        RedisCounters.from_url(Secret(redis_url), "main/app")


@pytest.mark.sec("RATE-07")
def test_what_is_kept_goes_by_itself(make: Make, raw: Any, client: Client) -> None:
    """Every key but the counter has an end: names that nobody has fill nothing up; no name stands in a key."""
    attempts = make()
    for number in range(50):
        attempts.admit("login", f"somebody-{number}", replace(client, address=f"198.51.100.{number}"))
    keys = raw.keys("*")

    assert len(keys) == 50 * 3 + 1
    assert {raw.ttl(key) > 0 for key in keys if not key.endswith(":number")} == {True}
    assert not any("somebody" in key or "198.51" in key for key in keys)
    assert all(raw.llen(key) == 1 for key in keys if not key.endswith(":number"))


@pytest.mark.sec("RATE-07")
def test_no_list_grows(make: Make, raw: Any, client: Client, clock: FakeClock) -> None:
    """However often somebody fails, a list has no more than twice what counts."""
    attempts = make()
    for _ in range(100):
        clock.advance(3600)
        attempts.admit("login", "ann", client)

    lists = [key for key in raw.keys("*") if not key.endswith(":number")]
    assert sorted(raw.llen(key) for key in lists if ":row:" not in key) == [7, 7]


def test_applications_count_by_themselves(make: Make, client: Client) -> None:
    """Two in one Redis don't know of each other; strange characters in an id are those characters."""
    one, other = make(application="town/app"), make(application="tow*/app")
    lock(one, client)
    assert isinstance(other.admit("login", "ann", client), Attempt)
    with other._database.unit() as db:
        other.purge(db)
    assert isinstance(one.admit("login", "ann", client), Refused)


def test_what_is_purged_counts_no_more(make: Make, client: Client, database: Database) -> None:
    """By name, or all of it; what is old enough to be purged by age counts no more anyway."""
    attempts = make()
    for name in ("ann", "bob"):
        lock(attempts, client, name)
    with database.unit() as db:
        assert attempts.purge(db, older_than=1) == 0
        assert attempts.purge(db, "Ann", attempt_type="login") == 4
    assert isinstance(attempts.admit("login", "ann", client), Attempt)
    assert isinstance(attempts.admit("login", "bob", client), Refused)
    with database.unit() as db:
        attempts.purge(db)
    assert isinstance(attempts.admit("login", "bob", client), Attempt)


@pytest.mark.sec("RATE-02", "RACE-09")
def test_a_success_that_is_not_committed_gives_nothing_back(make: Make, client: Client, database: Database) -> None:
    """A login that loses its race, or is taken back, leaves the budget as it was; Redis hears of what is committed."""
    attempts = make()
    admitted = [attempts.admit("login", "ann", client) for _ in range(3)][-1]
    assert isinstance(admitted, Attempt)
    with pytest.raises(LostRaceError), database.unit() as db:
        attempts.settle(db, admitted, "ok", success=True)
        raise LostRaceError
    with database.unit() as db:
        attempts.settle(db, admitted, "ok", success=True)
        db.rollback()
    assert isinstance(attempts.admit("login", "ann", client), Refused)

    with database.unit() as db:
        attempts.settle(db, admitted, "ok", success=True)
    assert isinstance(attempts.admit("login", "ann", client), Attempt)


def test_settling_twice_is_settling_once(make: Make, client: Client, database: Database) -> None:
    """A unit of work that is done again gives nothing away."""
    attempts = make()
    admitted = [attempts.admit("login", "ann", client) for _ in range(2)]
    for success in (None, True):
        for _ in range(2):
            with database.unit() as db:
                for one in admitted[:1]:
                    assert isinstance(one, Attempt)
                    attempts.settle(db, one, "x", success=success)

    assert isinstance(attempts.admit("login", "ann", client), Attempt)
    assert isinstance(attempts.admit("login", "ann", client), Attempt)
    assert isinstance(attempts.admit("login", "ann", client), Refused)
