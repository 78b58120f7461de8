"""Looking after one's own second factors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import Client, Identity
from onegov_auth.models import User, UserFactor
from onegov_auth.outcomes import Done, Enrolling, FactorAdded, LoggedIn, Refused
from onegov_auth.testing.clock import FakeClock

Enter = Callable[..., tuple[Identity, LoggedIn]]
Code = Callable[..., str]
PASSWORD = "correct horse battery staple"
FACTORS: dict[str, Any] = {"totp": {}, "recovery_codes": {}}


def refusal(outcome: object) -> str:
    assert isinstance(outcome, Refused), outcome
    return outcome.code


@pytest.fixture(name="bob")
def _bob(auth: Auth, add: Callable[..., User], client: Client) -> Identity:
    """The session of somebody without a factor."""
    add("bob@example.org", email="bob@example.org", email_verified=True)
    outcome = auth.login("bob@example.org", PASSWORD, client)
    assert isinstance(outcome, LoggedIn)
    session = auth.sessions.lookup(outcome.token)
    assert session is not None
    return session


@pytest.fixture(name="begin")
def _begin(auth: Auth, client: Client) -> Callable[..., tuple[str, str]]:
    """``begin(session)`` shows an app's secret: the transaction, and the secret as it is typed."""

    def begin(session: Identity) -> tuple[str, str]:
        form = auth.enrol(session, "totp", None, client)
        assert isinstance(form, Enrolling), form
        return form.transaction.id, str(form.show["secret"]).replace(" ", "")

    return begin


@pytest.mark.sec("OTP-09", "OTP-10", "NIST-40", "NIST-41")
def test_an_app_is_set_up(
    auth: Auth, bob: Identity, client: Client, begin: Any, code: Code, mailed: Any, clock: FakeClock, events: Any
) -> None:
    """It is there once a code proves it, told by mail, asked for from then on, and the code can't be used again."""
    transaction, secret = begin(bob)
    assert auth.factors_of(bob) == []
    added = auth.enrol(bob, "totp", code(secret=secret), client, transaction=transaction, name="My\nphone")

    assert isinstance(added, FactorAdded)
    (info,) = auth.factors_of(bob)
    assert (info.id, info.type, info.name, info.created, info.last_used) == (
        added.id,
        "totp",
        "Myphone",
        clock(),
        None,
    )
    assert mailed() == ["factor_changed"]
    assert events("factor_enrolled") == [("factor_enrolled", "ok", "totp")]
    again: Any = auth.login("bob@example.org", PASSWORD, client)
    assert refusal(auth.verify_factor(again.transaction.id, "totp", code(secret=secret), client)) == "code_used"
    clock.advance(timedelta(seconds=30))
    assert isinstance(auth.verify_factor(again.transaction.id, "totp", code(secret=secret), client), LoggedIn)


@pytest.mark.sec("OTP-08", "NIST-27", "NIST-28")
def test_the_secret_is_encrypted(
    auth: Auth, bob: Identity, client: Client, begin: Any, code: Code, database: Database
) -> None:
    """It has 160 bits, and the row holds nothing that could be read without the key."""
    transaction, secret = begin(bob)
    auth.enrol(bob, "totp", code(secret=secret), client, transaction=transaction)
    with database.read() as db:
        row = db.scalars(select(UserFactor)).one()
        assert len(secret) * 5 == 160
        assert row.clear_secret == secret
        assert secret not in f"{row.secret}{row.data}"


@pytest.mark.sec("OTP-09")
@pytest.mark.parametrize(
    ("answer", "expected"), [("000000", "wrong_code"), ("12345", "invalid_code"), (5, "clock_off"), (-9, "clock_off")]
)
def test_a_wrong_code_sets_nothing_up(
    auth: Auth, bob: Identity, client: Client, begin: Any, code: Code, answer: Any, expected: str
) -> None:
    """The same form can be answered again, and shows the same secret; a clock that is off is told."""
    transaction, secret = begin(bob)
    answer = code(answer, secret) if isinstance(answer, int) else answer

    assert refusal(auth.enrol(bob, "totp", answer, client, transaction=transaction)) == expected
    shown = auth.enrolling(bob, transaction, client)
    assert shown is not None
    assert str(shown.show["secret"]).replace(" ", "") == secret
    assert isinstance(auth.enrol(bob, "totp", code(secret=secret), client, transaction=transaction), FactorAdded)


@pytest.mark.sec("OTP-09", "MFA-08")
def test_a_set_up_belongs_to_its_session(
    auth: Auth, bob: Identity, ann: User, enter: Enter, client: Client, begin: Any, code: Code
) -> None:
    """Nobody else's session, no other browser and no other factor can finish it, and no late one."""
    transaction, secret = begin(bob)
    hers, _ = enter(auth, replace(client, browser="hers"))
    answer = code(secret=secret)

    for session, at, factor in (
        (hers, client, "totp"),
        (bob, replace(client, browser="other"), "totp"),
        (bob, client, "recovery_codes"),
    ):
        outcome = auth.enrol(session, factor, answer, at, transaction=transaction)
        assert refusal(outcome) in {"unknown_transaction", "no_factor"}
    assert len(auth.factors_of(bob)) == 0
    assert refusal(auth.enrol(bob, "totp", answer, client)) == "unknown_transaction"
    assert refusal(auth.enrol(bob, "totp", None, replace(client, browser=None))) == "no_browser"


@pytest.mark.sec("MFA-10", "RECOV-05", "RECOV-07", "NIST-41", "ASVS-7.5.1", "ASVS-6.4.4")
def test_changes_ask_for_a_fresh_login(auth: Auth, ann: User, enter: Enter, client: Client, clock: FakeClock) -> None:
    """Five minutes after the login nothing can be added, removed or made anew."""
    session, _ = enter(auth, client)
    (info,) = auth.factors_of(session)
    clock.advance(timedelta(minutes=5, seconds=1))

    assert refusal(auth.enrol(session, "totp", None, client)) == "not_fresh"
    assert refusal(auth.remove_factor(session, info.id, client)) == "not_fresh"
    assert refusal(auth.regenerate_recovery_codes(session, client)) == "not_fresh"
    assert auth.rename_factor(session, info.id, "Old phone", client) == Done("factor_renamed", auth._me(session))


@pytest.mark.sec("MFA-12", "ASVS-7.5.3", "NIST-57")
def test_a_browser_that_is_trusted_changes_nothing(make_auth: Any, ann: User, enter: Enter, client: Client) -> None:
    """A login that was spared the factor can't change factors; confirming oneself asks for it."""
    auth = make_auth(second_factors={**FACTORS, "trusted_device": "14d"})
    _, first = enter(auth, client, trust=True)
    assert first.trusted is not None
    at = replace(client, trusted=first.trusted)
    outcome = auth.login("ann@example.org", PASSWORD, at)
    assert isinstance(outcome, LoggedIn)
    session = auth.sessions.lookup(outcome.token)

    assert refusal(auth.enrol(session, "totp", None, at)) == "not_fresh"
    assert refusal(auth.remove_factor(session, auth.factors_of(session)[0].id, at)) == "not_fresh"
    assert type(auth.confirm_identity(session, PASSWORD, at)).__name__ == "FactorRequired"


@pytest.mark.sec("ASVS-6.5.6", "NIST-48", "NIST-50")
def test_removing_the_last_one_takes_the_codes_along(
    auth: Auth, ann: User, enter: Enter, client: Client, mailed: Any, sessions: Any
) -> None:
    """The codes stand in for nothing any more; other sessions end, it is told, and the password is enough."""
    enter(auth, replace(client, browser="elsewhere"))
    auth.clock.advance(timedelta(seconds=30))  # type: ignore[attr-defined]  # the clock of tests
    session, _ = enter(auth, client)
    auth.regenerate_recovery_codes(session, client)
    first = auth.factors_of(session)[0]

    assert isinstance(auth.remove_factor(session, first.id, client), Done)
    assert auth.factors_of(session) == []
    assert sessions() == 1
    assert mailed() == ["factor_changed", "factor_changed"]
    assert isinstance(auth.login("ann@example.org", PASSWORD, client), LoggedIn)


@pytest.mark.sec("MFA-05")
def test_the_last_one_stays_where_the_role_must_have_one(
    make_auth: Any, ann: User, enter: Enter, client: Client
) -> None:
    """A spare may go, the last factor not."""
    auth = make_auth(second_factors={**FACTORS, "required_for": ["member"]})
    session, _ = enter(auth, client)
    auth.regenerate_recovery_codes(session, client)
    codes, app = sorted(auth.factors_of(session), key=lambda info: info.type)

    assert refusal(auth.remove_factor(session, app.id, client)) == "last_factor"
    assert isinstance(auth.remove_factor(session, codes.id, client), Done)


@pytest.mark.sec("MFA-07", "ASVS-8.2.2")
def test_nobody_elses_factor(auth: Auth, ann: User, bob: Identity, client: Client, database: Database) -> None:
    """Another user's factor, and one that isn't there, can't be renamed or removed."""
    with database.read() as db:
        hers = db.scalars(select(UserFactor)).one().id
    for id_ in (hers, uuid4(), "nonsense"):
        assert refusal(auth.remove_factor(bob, id_, client)) == "unknown_factor"
        assert refusal(auth.rename_factor(bob, id_, "mine", client)) == "unknown_factor"


@pytest.mark.sec("MFA-16")
def test_the_first_factor_ends_other_sessions(
    auth: Auth, bob: Identity, client: Client, begin: Any, code: Code, sessions: Any
) -> None:
    """The session in which it is set up goes on, and counts as one in which it was proven."""
    auth.login("bob@example.org", PASSWORD, replace(client, browser="elsewhere"))
    assert sessions() == 2
    transaction, secret = begin(bob)
    auth.enrol(bob, "totp", code(secret=secret), client, transaction=transaction)

    assert sessions() == 1
    assert isinstance(auth.regenerate_recovery_codes(bob, client), FactorAdded)


@pytest.mark.sec("RECOV-01", "RECOV-02", "RECOV-05", "NIST-18", "NIST-20", "NIST-43")
def test_recovery_codes(
    auth: Auth, ann: User, enter: Enter, client: Client, asked: Any, mailed: Any, database: Database
) -> None:
    """Ten codes of 80 bits, shown once, kept as hashes; each lets in once, which is told; new ones void the old."""
    session, _ = enter(auth, client)
    added = auth.regenerate_recovery_codes(session, client)
    assert isinstance(added, FactorAdded)
    codes: Any = added.show["codes"]
    with database.read() as db:
        row = db.scalars(select(UserFactor).where(UserFactor.type == "recovery_codes")).one()
        kept = f"{row.clear_secret}{row.secret}{row.data}"

    assert len(set(codes)) == 10
    assert all(len(one.replace("-", "")) * 5 == 80 for one in codes)
    assert not [one for one in codes if one.replace("-", "") in kept]
    outcome = auth.verify_factor(asked(auth, client), "recovery_codes", codes[3].lower().replace("-", " "), client)
    assert isinstance(outcome, LoggedIn)
    assert [info.left for info in auth.factors_of(session) if info.spare] == [9]
    assert mailed() == ["factor_changed", "recovery_code_used"]
    assert refusal(auth.verify_factor(asked(auth, client), "recovery_codes", codes[3], client)) == "code_used"
    fresh: Any = auth.sessions.lookup(outcome.token)
    assert isinstance(auth.regenerate_recovery_codes(fresh, client), FactorAdded)
    assert refusal(auth.verify_factor(asked(auth, client), "recovery_codes", codes[4], client)) == "wrong_code"


@pytest.mark.sec("RECOV-07")
def test_codes_are_no_first_factor(auth: Auth, bob: Identity, client: Client) -> None:
    """Without a factor that they could stand in for, there are none."""
    assert refusal(auth.regenerate_recovery_codes(bob, client)) == "no_factor"


def test_as_many_as_one_may_have(auth: Auth, ann: User, enter: Enter, client: Client, begin: Any, code: Code) -> None:
    """Ten apps are enough; each of them lets in."""
    session, _ = enter(auth, client)
    for number in range(9):
        transaction, secret = begin(session)
        answer = code(secret=secret)
        added = auth.enrol(session, "totp", answer, client, transaction=transaction, name=f"{number}")
        assert isinstance(added, FactorAdded)
    transaction, secret = begin(session)

    assert refusal(auth.enrol(session, "totp", code(secret=secret), client, transaction=transaction)) == (
        "too_many_factors"
    )


def test_guessing_at_a_set_up_is_counted(auth: Auth, bob: Identity, client: Client, begin: Any, code: Code) -> None:
    """Five wrong codes lock it, as they do at a login."""
    transaction, secret = begin(bob)
    for _ in range(5):
        auth.enrol(bob, "totp", "000000", client, transaction=transaction)

    assert refusal(auth.enrol(bob, "totp", code(secret=secret), client, transaction=transaction)) == "locked"


def test_what_may_be_set_up(auth: Auth, bob: Identity, client: Client) -> None:
    """The configured types, spares last; another one is unknown."""
    assert [(choice.type, choice.spare) for choice in auth.factor_types()] == [
        ("totp", False),
        ("recovery_codes", True),
    ]
    assert refusal(auth.enrol(bob, "none", None, client)) == "unknown_factor"
