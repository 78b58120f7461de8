"""Whose attempts they are: browsers that are known, names of one person, failures in a row."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from onegov_auth.attempts import Attempt, Attempts
from onegov_auth.database import Database
from onegov_auth.devices import Devices
from onegov_auth.domain import Client
from onegov_auth.models import LoginAttempt, User
from onegov_auth.outcomes import Refused
from onegov_auth.testing.clock import FakeClock

#: The same tests wherever attempts are counted: the answers have to be the same.
pytestmark = pytest.mark.parametrize(
    ("database", "counters"), [("sqlite", None), ("postgresql", None), ("sqlite", "redis")], indirect=True
)

MakeAttempts = Callable[..., Attempts]
Try = Callable[..., Attempt | Refused]


@pytest.fixture(name="ann")
def _ann(database: Database) -> User:
    with database.unit() as db:
        user = User(username="ann", role="member", password_hash="x", email="ann@example.org")
        db.add(user)
    return user


@pytest.fixture(name="eve")
def _eve(database: Database) -> User:
    with database.unit() as db:
        user = User(username="eve", role="member", password_hash="x")
        db.add(user)
    return user


@pytest.fixture(name="at_home")
def _at_home(client: Client, devices: Devices, ann: User) -> Client:
    """The browser that Ann has logged in with before, at an address of her own."""
    return replace(client, address="203.0.113.5", device=devices.note("", ann.id))


@pytest.fixture(name="attempt")
def _attempt(database: Database) -> Try:
    """``attempt(attempts, "ann", client)`` fails; with ``good=True`` it succeeds."""

    def attempt(
        attempts: Attempts, name: str, client: Client, *, good: bool = False, user: User | None = None, **more: Any
    ) -> Attempt | Refused:
        kind = more.pop("kind", "login")
        admitted = attempts.admit(kind, name, client, **more)
        if isinstance(admitted, Attempt):
            with database.unit() as db:
                user_id = None if user is None else user.id
                attempts.settle(db, admitted, "ok" if good else "wrong", success=good, user_id=user_id)
        return admitted

    return attempt


# -- devices --------------------------------------------------------------------------------------


@pytest.mark.sec("RATE-01", "ASVS-6.3.1")
@pytest.mark.parametrize("kind", ["login", "factor", "recovery"])
def test_nobody_locks_the_owner_out_of_a_browser_that_is_known(
    make: MakeAttempts, attempt: Try, client: Client, at_home: Client, kind: str
) -> None:
    """Failures from elsewhere lock the account everywhere but where its owner logged in before, and the address too."""
    limit = {"limit": 3, "within": "10m", "lockout": "1h"}
    attempts = make(factor=limit, recovery=limit, per_address={"limit": 2})
    for number in range(3):
        attempt(attempts, "ann", replace(client, address=f"198.51.100.{number}"), kind=kind)
    for name in ("bob", "eve"):
        attempt(attempts, name, replace(at_home, device=""), kind=kind)

    assert isinstance(attempt(attempts, "ann", client, kind=kind), Refused)
    assert isinstance(attempt(attempts, "bea", replace(at_home, device=""), kind=kind), Refused)
    assert isinstance(attempt(attempts, "ann", at_home, kind=kind, good=True), Attempt)
    assert isinstance(attempt(attempts, "ann", at_home, kind=kind), Attempt)


@pytest.mark.sec("RATE-01", "SESS-12")
def test_a_stolen_device_cookie_gives_no_more_tries_than_an_account_has(
    make: MakeAttempts, attempt: Try, client: Client, at_home: Client
) -> None:
    """A known browser has a budget of its own, wherever its cookie turns up; and the owner's others stay open."""
    attempts = make()
    for number in range(3):
        assert isinstance(attempt(attempts, "ann", replace(at_home, address=f"198.51.100.{number}")), Attempt)

    refused = attempt(attempts, "ann", at_home)
    assert isinstance(refused, Refused)
    assert refused.code == "locked"
    assert isinstance(attempt(attempts, "ann", client), Attempt)


@pytest.mark.sec("RATE-01", "SESS-12")
@pytest.mark.parametrize("forged", ["", "x", "a" * 22 + "." + "b" * 43])
def test_only_the_own_browser_is_known(
    make: MakeAttempts, attempt: Try, client: Client, devices: Devices, ann: User, eve: User, forged: str
) -> None:
    """Neither somebody else's cookie nor a forged one gives a budget for Ann."""
    del ann
    attempts = make()
    theirs = devices.note("", eve.id) or ""
    for device in (forged, theirs, forged):
        attempt(attempts, "ann", replace(client, device=device))

    for device in (forged, theirs):
        assert isinstance(attempt(attempts, "ann", replace(client, device=device)), Refused)


def test_a_directorys_name_is_known_by_the_last_login_with_it(
    make: MakeAttempts, attempt: Try, client: Client, at_home: Client, ann: User
) -> None:
    """A login name that our own table has not is Ann's since she came in with it."""
    attempts = make()
    attempt(attempts, "a.able", at_home, good=True, user=ann)
    for number in range(3):
        attempt(attempts, "a.able", replace(client, address=f"198.51.100.{number}"))

    assert isinstance(attempt(attempts, "a.able", client), Refused)
    assert isinstance(attempt(attempts, "a.able", at_home), Attempt)


# -- one account from one address -----------------------------------------------------------------


@pytest.mark.sec("RATE-01", "RATE-02")
def test_the_owners_login_gives_whoever_guesses_no_new_tries(
    make: MakeAttempts, attempt: Try, client: Client, ann: User
) -> None:
    """A success gives the account its budget back, but not to the address that used it up."""
    attempts = make(login={"limit": 9, "same_address": 3, "within": "10m", "lockout": "1h"})
    owner = replace(client, address="203.0.113.5")
    for _ in range(3):
        attempt(attempts, "ann", client)
        attempt(attempts, "ann", owner, good=True, user=ann)

    assert isinstance(attempt(attempts, "ann", client), Refused)
    assert isinstance(attempt(attempts, "ann", owner), Attempt)


def test_a_kind_has_its_own_number_per_address(make: MakeAttempts, attempt: Try, client: Client) -> None:
    """``attempts.login.per_address`` takes the place of the general number, for that kind only."""
    attempts = make(login={"limit": 9, "per_address": 2}, per_address={"limit": 3})
    for name in ("ann", "bob"):
        attempt(attempts, name, client)
    for name in ("ann", "bob", "eve"):
        assert isinstance(attempt(attempts, name, client, kind="signup"), Attempt)

    assert isinstance(attempt(attempts, "eve", client), Refused)
    assert isinstance(attempt(attempts, "dan", client, kind="signup"), Refused)


# -- one person, several names --------------------------------------------------------------------


@pytest.mark.sec("UNI-11", "ENUM-01", "RATE-03")
def test_names_of_one_person_share_a_budget_that_nobody_sees(
    make: MakeAttempts, attempt: Try, client: Client, ann: User
) -> None:
    """Another name gives no further tries, and doesn't say so: it locks after as many as a name nobody has."""
    del ann
    attempts = make()
    for _ in range(3):
        first = attempt(attempts, "ann", client, covert=True)
        assert isinstance(first, Attempt)
        assert not first.void
    answers = [attempt(attempts, "Ann@Example.org", client, covert=True) for _ in range(4)]
    nobody = [attempt(attempts, "nobody@example.org", client, covert=True) for _ in range(4)]

    assert [one.void for one in answers if isinstance(one, Attempt)] == [True, True, True]
    assert [one.void for one in nobody if isinstance(one, Attempt)] == [False, False, False]
    assert isinstance(answers[3], Refused)
    assert isinstance(nobody[3], Refused)
    assert (answers[3].code, answers[3].retry_after) == (nobody[3].code, nobody[3].retry_after)


def test_a_void_attempt_prolongs_no_lockout(
    make: MakeAttempts, attempt: Try, client: Client, clock: FakeClock, ann: User
) -> None:
    """What came by another name during the lockout counts for that name only; and it can't succeed."""
    attempts = make(login={"limit": 3, "same_address": 9, "within": "10m", "lockout": "1h"})
    for _ in range(3):
        attempt(attempts, "ann", client, covert=True)
    clock.advance(timedelta(minutes=55))
    for _ in range(2):
        void = attempt(attempts, "ann@example.org", client, good=True, user=ann, covert=True)
        assert isinstance(void, Attempt)
        assert void.void
    clock.advance(timedelta(minutes=6))

    again = attempt(attempts, "ann", client, covert=True)
    assert isinstance(again, Attempt)
    assert not again.void


def test_where_the_person_is_known_anyway_the_lock_is_told(
    make: MakeAttempts, attempt: Try, client: Client, ann: User
) -> None:
    """A caller that asks for no secrecy is refused."""
    del ann
    attempts = make()
    for _ in range(3):
        attempt(attempts, "ann", client)

    assert isinstance(attempt(attempts, "ann@example.org", client), Refused)


# -- failures in a row ----------------------------------------------------------------------------


@pytest.fixture(name="guess")
def _guess(attempt: Try, clock: FakeClock, client: Client) -> Callable[..., list[str]]:
    """``guess(attempts, "ann", 20)`` fails so often, each long after the one before, from elsewhere each time."""

    def guess(attempts: Attempts, name: str, times: int, device: str = "", **more: Any) -> list[str]:
        codes = []
        for number in range(times):
            clock.advance(timedelta(hours=2))
            one = attempt(attempts, name, replace(client, address=f"198.51.100.{number}", device=device), **more)
            codes.append(one.code if isinstance(one, Refused) else "admitted")
        return codes

    return guess


@pytest.mark.sec("NIST-33", "RATE-08")
@pytest.mark.parametrize("kind", ["login", "factor"])
def test_so_many_failures_in_a_row_disable_the_account(
    make: MakeAttempts, guess: Any, database: Database, kind: str, ann: User
) -> None:
    """However slowly somebody guesses: until an operator unlocks it, and a name that nobody has looks the same."""
    del ann
    attempts = make(in_a_row=20)

    for name in ("ann", "nobody"):
        assert guess(attempts, name, 17, kind=kind) == ["admitted"] * 15 + ["locked_out"] * 2
    with database.unit() as db:
        assert attempts.unlock(db, "ann", kind=kind) == 15
    assert guess(attempts, "ann", 1, kind=kind) == ["admitted"]


@pytest.mark.sec("NIST-33", "RATE-01")
def test_a_quarter_is_kept_for_browsers_that_are_known(
    make: MakeAttempts, guess: Any, attempt: Try, at_home: Client, ann: User
) -> None:
    """The owner comes in where the account is disabled for all others; and failures there end as well."""
    attempts = make(in_a_row=20)
    guess(attempts, "ann", 15)

    assert guess(attempts, "ann", 1) == ["locked_out"]
    assert guess(attempts, "ann", 6, device=at_home.device) == ["admitted"] * 5 + ["locked_out"]
    with attempts._database.unit() as db:
        attempts.unlock(db, "ann")
    assert isinstance(attempt(attempts, "ann", at_home, good=True, user=ann), Attempt)
    assert guess(attempts, "ann", 16) == ["admitted"] * 15 + ["locked_out"]


@pytest.mark.sec("NIST-33")
def test_a_success_begins_a_new_row(make: MakeAttempts, guess: Any) -> None:
    """Only failures in a row count."""
    attempts = make(in_a_row=20)
    guess(attempts, "ann", 14)
    guess(attempts, "ann", 1, good=True)

    assert guess(attempts, "ann", 15) == ["admitted"] * 15


@pytest.mark.sec("RATE-01")
@pytest.mark.parametrize("kind", ["recovery", "signup", "token"])
def test_what_is_no_guess_disables_nothing(make: MakeAttempts, guess: Any, kind: str) -> None:
    """Whoever asks for a hundred mails may ask for the next one, in time."""
    assert guess(make(in_a_row=20), "ann", 25, kind=kind) == ["admitted"] * 25


@pytest.mark.sec("RATE-01", "NIST-33")
def test_forms_that_nobody_looked_at_disable_nothing(
    make: MakeAttempts, guess: Any, client: Client, clock: FakeClock
) -> None:
    """Any site can make browsers send forms that are not ours: they lock for a time, and count in no row."""
    attempts = make(in_a_row=20)
    for _ in range(40):
        clock.advance(timedelta(hours=2))
        assert attempts.fail("login", "ann", client, "csrf") is None
    assert guess(attempts, "ann", 14) == ["admitted"] * 14
    for _ in range(3):
        attempts.fail("login", "bob", client, "form")
    assert isinstance(attempts.fail("login", "bob", client, "form"), Refused)


@pytest.mark.sec("NIST-33")
def test_failures_in_a_row_outlive_the_cleaning(
    make: MakeAttempts, guess: Any, database: Database, clock: FakeClock, ann: User, counters: Any
) -> None:
    """Of people there are they are kept, of names nobody has they go; Redis may forget them."""
    del ann
    attempts = make(in_a_row=20)
    guess(attempts, "ann", 15)
    guess(attempts, "nobody", 15)
    clock.advance(timedelta(days=31))
    with database.unit() as db:
        assert attempts.cleanup(db) == 15
    if counters is not None:
        counters.drop(["login"])

    assert guess(attempts, "ann", 1) == ["locked_out"]


@pytest.mark.sec("NIST-33", "RACE-09")
def test_guesses_at_once_at_several_names_of_one_person(
    make: MakeAttempts, database: Database, client: Client, ann: User
) -> None:
    """Of thirty at once by two names, no more are looked at than the person has."""
    del ann
    attempts = make(login={"limit": 4, "within": "10m", "lockout": "1h"})
    barrier = threading.Barrier(30)
    results: list[Attempt | Refused] = []

    def work(number: int) -> None:
        barrier.wait()
        name = "ann" if number % 2 else "ann@example.org"
        results.append(attempts.admit("login", name, replace(client, address=f"198.51.100.{number}"), covert=True))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(isinstance(result, Attempt) and not result.void for result in results) == 4
    with database.read() as db:
        assert len(db.scalars(select(LoginAttempt)).all()) == 30
