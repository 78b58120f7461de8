"""Proving a second factor in the middle of a login."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import Client
from onegov_auth.models import User, UserFactor, UserSession
from onegov_auth.outcomes import FactorRequired, LoggedIn, Refused
from onegov_auth.testing.clock import FakeClock

MakeAuth = Callable[..., Auth]
Asked = Callable[..., str]
Code = Callable[..., str]
PASSWORD = "correct horse battery staple"
OTHER = "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U"


def refusal(outcome: object) -> str:
    assert isinstance(outcome, Refused), outcome
    return outcome.code


@pytest.mark.sec("MFA-01", "MFA-04")
def test_the_password_alone_opens_nothing(auth: Auth, ann: User, client: Client, sessions: Callable[[], int]) -> None:
    """Whoever has an app is asked for it, and has no session until then."""
    outcome = auth.login("ann@example.org", PASSWORD, client)

    assert isinstance(outcome, FactorRequired)
    assert outcome.factors == ("totp",)
    assert sessions() == 0


@pytest.mark.sec("MFA-17")
@pytest.mark.parametrize(
    "spelling", ["ANN@Example.ORG", " ann@example.org ", "ａnn@example.org", "a\u200dnn@example.org"]
)
def test_another_spelling_of_the_name(auth: Auth, ann: User, client: Client, spelling: str) -> None:
    """Whoever writes the name differently is asked for the factor all the same."""
    assert isinstance(auth.login(spelling, PASSWORD, client), FactorRequired)


def test_the_right_code_lets_in(
    auth: Auth, ann: User, client: Client, asked: Asked, code: Code, database: Database, events: Any
) -> None:
    """The session records what was proven, the factor when it was used, and the log both steps."""
    outcome = auth.verify_factor(asked(auth, client), "totp", code(), client)

    assert isinstance(outcome, LoggedIn)
    with database.read() as db:
        assert db.get_one(UserSession, outcome.session.id).factors == ["totp"]
        assert db.query(UserFactor).one().last_used == auth.clock()
    assert events() == [("factor", "ok", "totp")]
    assert events("login") == [("login", "factor_required", None), ("login", "ok", "totp")]


@pytest.mark.sec("MFA-04", "MFA-18")
@pytest.mark.parametrize(
    ("factor", "answer", "expected"),
    [
        ("totp", "000000", "wrong_code"),
        ("totp", "", "invalid_code"),
        ("totp", "x" * 200_000, "invalid_code"),
        ("none", "123456", "unknown_factor"),
        ("", "123456", "unknown_factor"),
        ("recovery_codes", "0" * 16, "unknown_factor"),
        ("password", PASSWORD, "unknown_factor"),
    ],
)
def test_wrong_answers(
    auth: Auth, ann: User, client: Client, asked: Asked, code: Code, factor: str, answer: str, expected: str
) -> None:
    """A wrong code, no code, an unknown factor and one the user doesn't have are refused; the login stays pending."""
    transaction = asked(auth, client)

    assert refusal(auth.verify_factor(transaction, factor, answer, client)) == expected
    assert isinstance(auth.verify_factor(transaction, "totp", code(), client), LoggedIn)


@pytest.mark.sec("OTP-02", "OTP-12", "NIST-29", "ASVS-6.5.1", "ASVS-6.5.8")
def test_a_code_works_once(auth: Auth, ann: User, client: Client, asked: Asked, code: Code, clock: FakeClock) -> None:
    """No code is taken again, nor one of an earlier step, even if the clock goes back."""
    old = code(-1)
    assert isinstance(auth.verify_factor(asked(auth, client), "totp", code(), client), LoggedIn)

    assert refusal(auth.verify_factor(asked(auth, client), "totp", code(), client)) == "code_used"
    assert refusal(auth.verify_factor(asked(auth, client), "totp", old, client)) == "code_used"
    clock.advance(timedelta(seconds=-30))
    for steps in (-1, 0, 1):
        assert refusal(auth.verify_factor(asked(auth, client), "totp", code(steps), client)) == "code_used"


@pytest.mark.sec("MFA-06", "MFA-07", "OTP-13")
def test_the_code_of_somebody_else(
    auth: Auth, ann: User, add: Callable[..., User], client: Client, asked: Asked, code: Code
) -> None:
    """A code of another user's app opens nothing, however it is sent."""
    add("eve@example.org", second_factor={"type": "totp", "data": OTHER})
    mine = asked(auth, client, "eve@example.org")
    hers = asked(auth, client)

    assert refusal(auth.verify_factor(hers, "totp", code(secret=OTHER), client)) == "wrong_code"
    outcome = auth.verify_factor(mine, "totp", code(secret=OTHER), client)
    assert isinstance(outcome, LoggedIn)
    assert outcome.user.username == "eve@example.org"


@pytest.mark.sec("MFA-06")
def test_another_browsers_login(auth: Auth, ann: User, client: Client, asked: Asked, code: Code) -> None:
    """Whoever steals the transaction's id can't go on with it elsewhere, and spoils nothing."""
    transaction = asked(auth, client)
    thief = replace(client, browser="another browser")

    assert refusal(auth.verify_factor(transaction, "totp", code(), thief)) == "unknown_transaction"
    assert auth.pending_factor(transaction, thief) is None
    assert isinstance(auth.verify_factor(transaction, "totp", code(), client), LoggedIn)
    assert refusal(auth.verify_factor(transaction, "totp", code(1), client)) == "unknown_transaction"


@pytest.mark.sec("OTP-05", "RATE-04", "NIST-31", "RATE-10", "NIST-35", "RATE-08")
def test_too_many_wrong_codes(
    auth: Auth, ann: User, client: Client, asked: Asked, code: Code, clock: FakeClock, events: Any
) -> None:
    """After five wrong codes nothing is looked at for a quarter of an hour, the right code included, and it is told."""
    transaction = asked(auth, client)
    for _ in range(5):
        auth.verify_factor(transaction, "totp", "000000", client)
    locked = auth.verify_factor(transaction, "totp", code(), client)

    assert isinstance(locked, Refused)
    assert locked.code == "locked"
    assert locked.retry_after is not None
    assert 14 * 60 < locked.retry_after <= 15 * 60 + 1
    assert events()[-1] == ("factor", "locked", "totp")
    clock.advance(timedelta(minutes=15, seconds=1))
    assert isinstance(auth.verify_factor(asked(auth, client), "totp", code(), client), LoggedIn)


@pytest.mark.sec("OTP-05", "OTP-06", "RATE-02", "RATE-09", "RECOV-06", "NIST-24", "NIST-34")
def test_starting_over_gives_no_budget_back(
    auth: Auth, ann: User, add: Callable[..., User], client: Client, asked: Asked, code: Code
) -> None:
    """Neither another login, nor another factor, address, or somebody else's success lets anybody guess further."""
    add("eve@example.org", second_factor={"type": "totp", "data": OTHER})
    for number in range(5):
        browser = replace(client, browser=f"browser-{number}", address=f"192.0.2.{number}")
        factor = "totp" if number % 2 else "recovery_codes"
        auth.verify_factor(asked(auth, browser), factor, "000000", browser)
    hers = auth.verify_factor(asked(auth, client, "eve@example.org"), "totp", code(secret=OTHER), client)

    assert isinstance(hers, LoggedIn)
    assert refusal(auth.verify_factor(asked(auth, client), "totp", code(), client)) == "locked"


@pytest.mark.sec("RATE-01")
def test_an_address_that_guesses_at_many(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, asked: Asked, code: Code
) -> None:
    """One address that guesses the codes of several people is locked out, whoever it tries next."""
    auth = make_auth(second_factors={"totp": {}}, attempts={"per_address": {"limit": 2}})
    for name in ("a", "b", "c"):
        add(f"{name}@example.org", second_factor={"type": "totp", "data": OTHER})
    for name in ("a", "b"):
        auth.verify_factor(asked(auth, client, f"{name}@example.org"), "totp", "000000", client)

    waiting = asked(auth, client, "c@example.org")
    assert refusal(auth.verify_factor(waiting, "totp", code(secret=OTHER), client)) == "locked"


def test_a_right_code_gives_the_budget_back(
    auth: Auth, ann: User, client: Client, asked: Asked, code: Code, clock: FakeClock
) -> None:
    """Four mistakes before a right code don't count with the next login."""
    for _ in range(3):
        transaction = asked(auth, client)
        for _again in range(4):
            auth.verify_factor(transaction, "totp", "000000", client)
        assert isinstance(auth.verify_factor(transaction, "totp", code(), client), LoggedIn)
        clock.advance(timedelta(seconds=30))


def _at_once(auth: Auth, waiting: list[tuple[str, Client]], factor: str, answer: str) -> list[object]:
    barrier = threading.Barrier(len(waiting))
    outcomes: list[object] = []

    def work(transaction: str, client: Client) -> None:
        barrier.wait()
        outcomes.append(auth.verify_factor(transaction, factor, answer, client))

    threads = [threading.Thread(target=work, args=one) for one in waiting]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@pytest.mark.slow
@pytest.mark.sec("OTP-04", "RECOV-03", "NIST-19", "ASVS-6.5.1")
@pytest.mark.parametrize("factor", ["totp", "recovery_codes"])
def test_a_hundred_at_once_with_one_right_code(
    make_auth: MakeAuth,
    add: Callable[..., User],
    client: Client,
    asked: Asked,
    code: Code,
    factor: str,
    enter: Callable[..., Any],
    clock: FakeClock,
) -> None:
    """Of a hundred logins with the same right code at the same moment, exactly one gets in."""
    limits = {"login": {"limit": 100}, "factor": {"limit": 100}, "per_address": False}
    auth = make_auth(second_factors={"totp": {}, "recovery_codes": {}}, attempts=limits, sessions={"max_per_user": 200})
    add("ann@example.org", second_factor={"type": "totp", "data": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"})
    answer = code()
    if factor == "recovery_codes":
        added: Any = auth.regenerate_recovery_codes(enter(auth, client)[0], client)
        answer = added.show["codes"][0]
        clock.advance(timedelta(seconds=30))
    browsers = [replace(client, browser=f"browser-{number}", session_token=None) for number in range(100)]
    waiting = [(asked(auth, browser), browser) for browser in browsers]

    outcomes = _at_once(auth, waiting, factor, answer)

    assert len(outcomes) == 100
    assert sum(isinstance(outcome, LoggedIn) for outcome in outcomes) == 1
    refused = [outcome.code for outcome in outcomes if isinstance(outcome, Refused)]
    assert len(refused) == 99
    assert set(refused) <= {"code_used", "locked", "locked_out"}


@pytest.mark.sec("OTP-04")
def test_one_login_answered_many_times_at_once(auth: Auth, ann: User, client: Client, asked: Asked, code: Code) -> None:
    """The same login answered four times at once opens one session."""
    transaction = asked(auth, client)
    outcomes = _at_once(auth, [(transaction, client)] * 4, "totp", code())

    assert sum(isinstance(outcome, LoggedIn) for outcome in outcomes) == 1


@pytest.mark.sec("OTP-08", "MFA-15")
def test_a_secret_that_cannot_be_decrypted(
    auth: Auth, ann: User, add: Callable[..., User], client: Client, asked: Asked, code: Code, database: Database
) -> None:
    """A ciphertext that was moved from another row, or changed, lets nobody in."""
    add("eve@example.org", second_factor={"type": "totp", "data": OTHER})
    with database.unit() as db:
        one, other = db.query(UserFactor).all()
        one.secret, other.secret = other.secret, one.secret

    for name, secret in (("ann@example.org", OTHER), ("eve@example.org", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")):
        outcome = auth.verify_factor(asked(auth, client, name), "totp", code(secret=secret), client)
        assert refusal(outcome) == "unknown_factor"


@pytest.mark.sec("MFA-07")
def test_a_factor_that_was_removed_meanwhile(
    auth: Auth, ann: User, client: Client, asked: Asked, code: Code, database: Database
) -> None:
    """Its code is refused, though the login had begun before."""
    transaction = asked(auth, client)
    with database.unit() as db:
        db.query(User).one().second_factor = None

    assert refusal(auth.verify_factor(transaction, "totp", code(), client)) == "unknown_factor"


@pytest.mark.sec("RACE-14")
def test_a_password_that_was_changed_meanwhile(
    auth: Auth, ann: User, client: Client, asked: Asked, code: Code, database: Database
) -> None:
    """A right code opens nothing for a login by a password that is no more."""
    transaction = asked(auth, client)
    with database.unit() as db:
        db.query(User).one().password = "another long password"

    assert refusal(auth.verify_factor(transaction, "totp", code(), client)) == "password_changed"


@pytest.mark.sec("OTP-07")
def test_a_clock_that_is_off_is_told_and_its_code_used_up(
    auth: Auth, ann: User, client: Client, asked: Asked, code: Code, clock: FakeClock
) -> None:
    """Up to ten steps away the person is told so, and that code never lets anybody in afterwards."""
    transaction = asked(auth, client)
    ahead = code(5)

    assert refusal(auth.verify_factor(transaction, "totp", ahead, client)) == "clock_off"
    assert refusal(auth.verify_factor(transaction, "totp", code(11), client)) == "wrong_code"
    clock.advance(timedelta(seconds=150))
    assert refusal(auth.verify_factor(transaction, "totp", ahead, client)) == "code_used"


def test_what_the_page_shows(auth: Auth, ann: User, client: Client, asked: Asked) -> None:
    """Whose login it is, and the types to choose from."""
    pending = auth.pending_factor(asked(auth, client), client)

    assert pending is not None
    assert (pending.username, [choice.type for choice in pending.factors]) == ("ann@example.org", ["totp"])
    assert (pending.enrolment, pending.trust, pending.begun) == (False, False, None)
    assert auth.pending_factor("nothing", client) is None


def test_a_challenge(auth: Auth, ann: User, client: Client, asked: Asked, code: Code) -> None:
    """It leaves the login pending; an unknown factor or transaction is refused."""
    transaction = asked(auth, client)

    assert auth.challenge(transaction, "totp", client).__class__.__name__ == "Challenge"
    assert refusal(auth.challenge(transaction, "recovery_codes", client)) == "unknown_factor"
    assert refusal(auth.challenge("nothing", "totp", client)) == "unknown_transaction"
    assert isinstance(auth.verify_factor(transaction, "totp", code(), client), LoggedIn)
