"""Reserving and settling attempts, in the database and in Redis."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from onegov_auth.attempts import Attempt, Attempts
from onegov_auth.database import Database
from onegov_auth.domain import Client
from onegov_auth.models import LoginAttempt
from onegov_auth.outcomes import Refused
from onegov_auth.testing.clock import FakeClock

#: The same tests wherever attempts are counted: the answers have to be the same.
pytestmark = pytest.mark.parametrize(
    ("database", "counters"), [("sqlite", None), ("postgresql", None), ("sqlite", "redis")], indirect=True
)

MakeAttempts = Callable[..., Attempts]


def fail(attempts: Attempts, database: Database, name: str, client: Client) -> Attempt | Refused:
    admitted = attempts.admit("login", name, client)
    if isinstance(admitted, Attempt):
        with database.unit() as db:
            attempts.settle(db, admitted, "wrong_password", success=False)
    return admitted


def succeed(attempts: Attempts, database: Database, name: str, client: Client) -> None:
    admitted = attempts.admit("login", name, client)
    assert isinstance(admitted, Attempt)
    with database.unit() as db:
        attempts.settle(db, admitted, "ok", success=True)


def test_too_many_failures_lock_the_account(make: MakeAttempts, database: Database, client: Client) -> None:
    """After the limit nothing is answered any more, and the wait is told."""
    attempts = make()
    for _ in range(3):
        assert isinstance(fail(attempts, database, "ann", client), Attempt)

    refused = attempts.admit("login", "ann", client)
    assert isinstance(refused, Refused)
    assert refused.code == "locked"
    assert refused.retry_after == 3601
    assert isinstance(attempts.admit("login", "bob", client), Attempt)


@pytest.mark.sec("RATE-01", "RATE-08", "RATE-06")
def test_the_lockout_ends_and_is_not_prolonged(
    make: MakeAttempts, database: Database, client: Client, clock: FakeClock
) -> None:
    """Attempts during a lockout don't count; an hour after the last failure the account answers again."""
    attempts = make()
    for _ in range(3):
        fail(attempts, database, "ann", client)
    for _ in range(5):
        clock.advance(timedelta(minutes=11))
        assert isinstance(fail(attempts, database, "ann", client), Refused)
    clock.advance(timedelta(minutes=5))

    assert isinstance(fail(attempts, database, "ann", client), Attempt)


def test_slow_failures_lock_nobody(make: MakeAttempts, database: Database, client: Client, clock: FakeClock) -> None:
    """Failures further apart than the counted time add up to nothing."""
    attempts = make()
    for _ in range(6):
        assert isinstance(fail(attempts, database, "ann", client), Attempt)
        clock.advance(timedelta(minutes=6))


def test_success_gives_the_account_its_budget_back(
    make: MakeAttempts, database: Database, client: Client, clock: FakeClock
) -> None:
    """Failures before the last success don't count."""
    attempts = make()
    for _ in range(4):
        fail(attempts, database, "ann", client)
        fail(attempts, database, "ann", client)
        clock.advance(1)
        succeed(attempts, database, "ann", client)
        clock.advance(1)


@pytest.mark.sec("UNI-11")
@pytest.mark.parametrize("spelling", ["ANN", " ann ", "ａｎｎ", "a\u200dnn"])
def test_spellings_of_one_name_share_a_budget(
    make: MakeAttempts, database: Database, client: Client, spelling: str
) -> None:
    """Writing the name differently gives no further tries."""
    attempts = make()
    for _ in range(3):
        fail(attempts, database, "ann", client)

    assert isinstance(attempts.admit("login", spelling, client), Refused)


@pytest.mark.parametrize("name", ["", "\x00", "x" * 5000, "\udc80"])
def test_a_name_that_is_none_has_a_budget_too(
    make: MakeAttempts, database: Database, client: Client, name: str
) -> None:
    """What can't be a username is counted like one."""
    attempts = make()
    for _ in range(3):
        assert isinstance(fail(attempts, database, name, client), Attempt)

    assert isinstance(attempts.admit("login", name, client), Refused)


@pytest.mark.sec("RATE-02")
def test_an_address_has_a_budget_of_its_own(make: MakeAttempts, database: Database, client: Client) -> None:
    """Many accounts from one address are stopped, and a success of one account doesn't help."""
    attempts = make(per_address={"limit": 4, "within": "10m", "lockout": "10m"})
    for number in range(4):
        fail(attempts, database, f"user{number}", client)
        if number == 1:
            succeed(attempts, database, "mine", client)

    assert isinstance(attempts.admit("login", "another", client), Refused)
    assert isinstance(attempts.admit("login", "another", replace(client, address="192.0.2.2")), Attempt)


def test_what_nobody_could_answer_is_not_counted(make: MakeAttempts, database: Database, client: Client) -> None:
    """A directory that is down takes nothing from the budget."""
    attempts = make()
    for _ in range(5):
        admitted = attempts.admit("login", "ann", client)
        assert isinstance(admitted, Attempt)
        with database.unit() as db:
            attempts.settle(db, admitted, "unavailable", success=None)


def test_an_attempt_that_was_never_settled_counts(make: MakeAttempts, client: Client) -> None:
    """Whoever makes the answer fail gets no further try for it."""
    attempts = make()
    for _ in range(3):
        attempts.admit("login", "ann", client)

    assert isinstance(attempts.admit("login", "ann", client), Refused)


def test_everything_is_stored(make: MakeAttempts, database: Database, client: Client) -> None:
    """Rows say what was tried, by which name and address, how it went, and whether it was locked."""
    attempts = make()
    for _ in range(4):
        fail(attempts, database, "Ann", client)

    with database.read() as db:
        rows = db.scalars(select(LoginAttempt).order_by(LoginAttempt.id)).all()
    assert sorted(row.code or "" for row in rows) == ["locked", "wrong_password", "wrong_password", "wrong_password"]
    assert {(row.attempt_type, row.user_input, row.source_ip) for row in rows} == {("login", "ann", "192.0.2.1")}
    assert sum(row.is_during_lockout for row in rows) == 1


@pytest.mark.sec("RACE-09", "ASVS-2.3.4", "ASVS-6.3.1")
def test_guesses_at_once_are_counted_one_by_one(make: MakeAttempts, database: Database, client: Client) -> None:
    """Of thirty attempts at once, exactly as many are admitted as the limit allows."""
    attempts = make()
    barrier = threading.Barrier(30)
    results: list[Attempt | Refused] = []

    def work() -> None:
        barrier.wait()
        results.append(attempts.admit("login", "ann", client))

    threads = [threading.Thread(target=work) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(isinstance(result, Attempt) for result in results) == 3
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(LoginAttempt)) == 30


def test_cleanup_deletes_old_attempts_only(
    make: MakeAttempts, database: Database, client: Client, clock: FakeClock
) -> None:
    """Attempts older than asked for go."""
    attempts = make()
    fail(attempts, database, "ann", client)
    clock.advance(timedelta(days=31))
    fail(attempts, database, "ann", client)

    with database.unit() as db:
        assert attempts.cleanup(db) == 1


@pytest.mark.sec("RATE-01", "UNI-11", "LDAP-64")
def test_spaces_inside_a_name_give_no_further_tries(make: MakeAttempts, database: Database, client: Client) -> None:
    """A directory takes "ann  able" for "ann able", and the budget does as well."""
    attempts = make()
    for spaces in (1, 2, 3):
        fail(attempts, database, f"ann{' ' * spaces}able", client)

    assert isinstance(attempts.admit("login", "ann\u00a0 able", client), Refused)


@pytest.mark.sec("RACE-09", "RATE-01")
def test_guesses_at_many_accounts_from_one_address_are_counted(
    make: MakeAttempts, database: Database, client: Client
) -> None:
    """Of thirty accounts tried at once from one address, exactly as many are admitted as it may."""
    attempts = make(per_address={"limit": 4, "within": "10m", "lockout": "10m"})
    barrier = threading.Barrier(30)
    results: list[Attempt | Refused] = []

    def work(number: int) -> None:
        barrier.wait()
        results.append(attempts.admit("login", f"user{number}", client))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(isinstance(result, Attempt) for result in results) == 4


@pytest.mark.sec("RATE-06")
@pytest.mark.parametrize("back", [1, 3600, 100_000])
def test_a_clock_that_goes_back_gives_no_further_tries(
    make: MakeAttempts, database: Database, client: Client, clock: FakeClock, back: int
) -> None:
    """Neither failures nor a success of what is the future now hide the failures of the present."""
    attempts = make(per_address={"limit": 6, "within": "10m", "lockout": "10m"})
    for name in ("ann", "bob"):
        fail(attempts, database, name, client)
        succeed(attempts, database, name, client)
        fail(attempts, database, name, client)
    clock.advance(-back)
    for _ in range(2):
        assert isinstance(fail(attempts, database, "ann", client), Attempt)

    assert isinstance(attempts.admit("login", "ann", client), Refused)
    assert isinstance(attempts.admit("login", "eve", client), Refused)


@pytest.mark.sec("RATE-05", "ASVS-16.5.3")
def test_without_the_table_nothing_is_looked_at(make: MakeAttempts, database: Database, client: Client) -> None:
    """Where a try can't be counted there is no answer, neither yes nor no."""
    attempts = make()
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE login_attempts RENAME TO gone"))
    try:
        with pytest.raises(DBAPIError):
            attempts.admit("login", "ann", client)
    finally:
        with database.engine.begin() as connection:
            connection.execute(text("ALTER TABLE gone RENAME TO login_attempts"))


@pytest.mark.sec("RATE-07")
@pytest.mark.parametrize("name", ["x" * 1_000_000, "\x00" * 1_000_000])
def test_a_long_name_leaves_a_short_row(make: MakeAttempts, database: Database, client: Client, name: str) -> None:
    """Whoever tries names of a megabyte fills no table with them, and what there is goes with time."""
    attempts = make()
    attempts.admit("login", name, replace(client, address="x" * 1_000_000))

    with database.read() as db:
        row = db.scalars(select(LoginAttempt)).one()
        assert len(row.user_input or "") == 65
        assert len(row.source_ip or "") <= 64
    with database.unit() as db:
        attempts.cleanup(db, timedelta(0) - timedelta(seconds=1))
        assert db.scalar(select(func.count()).select_from(LoginAttempt)) == 0
