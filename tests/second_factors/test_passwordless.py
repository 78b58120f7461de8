"""Logging in with a passkey alone."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import Client
from onegov_auth.factors import EnrolmentForm
from onegov_auth.models import AuthEvent, User, UserFactor
from onegov_auth.outcomes import Challenge, EnrolmentRequired, FactorRequired, LoggedIn, Outcome, Refused
from onegov_auth.second_factors.passwordless import PasskeyAsked
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.passkey import UP, SoftwarePasskey, to_base64url

PASSWORD = "correct horse battery staple"
NAME = "ann@example.org"


@pytest.fixture(name="auth")
def _auth(make_auth: Callable[..., Auth]) -> Auth:
    return make_auth(second_factors={"webauthn": {"passwordless": True}, "required_for": ["member"]})


@pytest.fixture(name="passkey")
def _passkey(auth: Auth, add: Callable[..., User], client: Client) -> SoftwarePasskey:
    """Ann's, set up at her first login."""
    add(NAME)
    passkey = SoftwarePasskey()
    pending = auth.login(NAME, PASSWORD, client)
    assert isinstance(pending, EnrolmentRequired), pending
    transaction = pending.transaction.id
    form = auth.enrol_at_login(transaction, "webauthn", None, client)
    assert isinstance(form, EnrolmentForm), form
    options: Any = form.show["options"]
    done = auth.enrol_at_login(transaction, "webauthn", passkey.create(options), client)
    assert isinstance(done, LoggedIn), done
    return passkey


@pytest.fixture(name="ask")
def _ask(auth: Auth, client: Client) -> Callable[..., tuple[str, Any]]:
    def ask(to: str = "/") -> tuple[str, Any]:
        asked = auth.begin_passkey(client, to)
        assert isinstance(asked, PasskeyAsked)
        return asked.transaction.id, asked.show["options"]

    return ask


@pytest.fixture(name="log_in")
def _log_in(auth: Auth, client: Client, ask: Callable[..., tuple[str, Any]]) -> Callable[..., Outcome]:
    def log_in(passkey: SoftwarePasskey, **other: str | None) -> Outcome:
        transaction, options = ask("/there")
        return auth.login_with_passkey(transaction, passkey.get(options, **other), client)

    return log_in


def last_event(database: Database) -> AuthEvent:
    with database.read() as db:
        return db.scalars(select(AuthEvent).order_by(AuthEvent.id.desc()).limit(1)).one()


def test_a_passkey_is_enough(log_in: Callable[..., Outcome], passkey: SoftwarePasskey, database: Database) -> None:
    """Without username, password or second factor the person is in, where they wanted to go, and it is written down."""
    outcome = log_in(passkey)

    assert isinstance(outcome, LoggedIn)
    assert (outcome.user.username, outcome.to, outcome.session.provider) == (NAME, "/there", "local")
    event = last_event(database)
    assert (event.type, event.code, event.username, event.factor) == ("login", "ok", NAME, "webauthn")
    with database.read() as db:
        row = db.scalars(select(UserFactor)).one()
    assert (row.counter, row.last_used is not None) == (passkey.count, True)


@pytest.mark.sec("NIST-38")
def test_it_is_a_second_factor_as_well(auth: Auth, passkey: SoftwarePasskey, client: Client) -> None:
    """Who logs in by password is asked for the passkey."""
    pending = auth.login(NAME, PASSWORD, client)
    assert isinstance(pending, FactorRequired)
    asked = auth.challenge(pending.transaction.id, "webauthn", client)
    assert isinstance(asked, Challenge)
    options: Any = asked.show["options"]

    outcome = auth.verify_factor(pending.transaction.id, "webauthn", passkey.get(options), client)

    assert isinstance(outcome, LoggedIn)


@pytest.mark.sec("WAN-01", "WAN-15", "ASVS-6.7.2", "NIST-32")
def test_a_challenge_is_good_for_one_answer(
    auth: Auth, passkey: SoftwarePasskey, ask: Callable[..., tuple[str, Any]], client: Client
) -> None:
    """After a right answer, and after a wrong one, the same challenge is unknown."""
    for right in (True, False):
        transaction, options = ask()
        auth.login_with_passkey(transaction, passkey.get(options) if right else "{}", client)

        again = auth.login_with_passkey(transaction, passkey.get(options), client)

        assert isinstance(again, Refused)
        assert again.code == "unknown_transaction"


@pytest.mark.sec("WAN-01")
def test_a_challenge_belongs_to_one_browser(
    auth: Auth, passkey: SoftwarePasskey, ask: Callable[..., tuple[str, Any]], client: Client
) -> None:
    """Another browser can't answer it, nor is one without a cookie asked."""
    transaction, options = ask()
    other = replace(client, browser="another")

    assert isinstance(auth.login_with_passkey(transaction, passkey.get(options), other), Refused)
    assert isinstance(auth.login_with_passkey(None, passkey.get(options), client), Refused)
    assert auth.begin_passkey(replace(client, browser=None)) == Refused("no_browser")


@pytest.mark.sec("WAN-15")
def test_a_failed_answer_leaves_the_challenge_of_a_login_void(
    auth: Auth, passkey: SoftwarePasskey, client: Client
) -> None:
    """As a second factor too, what was answered wrongly can't be answered once more."""
    pending = auth.login(NAME, PASSWORD, client)
    assert isinstance(pending, FactorRequired)
    asked = auth.challenge(pending.transaction.id, "webauthn", client)
    assert isinstance(asked, Challenge)
    options: Any = asked.show["options"]
    wrong = auth.verify_factor(pending.transaction.id, "webauthn", passkey.get(options, signature="YWJj"), client)
    assert isinstance(wrong, Refused)

    assert isinstance(auth.verify_factor(pending.transaction.id, "webauthn", passkey.get(options), client), Refused)


@pytest.mark.sec("WAN-07", "WAN-09")
def test_unknown_passkeys_and_other_handles_are_refused(
    log_in: Callable[..., Outcome], passkey: SoftwarePasskey, database: Database
) -> None:
    """A passkey that nobody set up, somebody else's handle, and nonsense: nobody is in, and the log says why."""
    for answer, code in (
        (SoftwarePasskey(user_handle=passkey.user_handle), "unknown_factor"),
        (replace(passkey, user_handle=b"bob"), "unknown_factor"),
    ):
        outcome = log_in(answer)

        assert isinstance(outcome, Refused)
        assert (outcome.code, outcome.to, last_event(database).code) == (code, "/there", code)


@pytest.mark.sec("WAN-09")
@pytest.mark.parametrize("id_", ["\x00", "\ud800", "", "a" * 1365, "a b", 7, None])
def test_ids_that_are_none(auth: Auth, ask: Callable[..., tuple[str, Any]], client: Client, id_: object) -> None:
    """What no browser sends as an id, and no database takes, is refused like any other nonsense."""
    transaction, _ = ask()
    outcome = auth.login_with_passkey(transaction, json.dumps({"id": id_}), client)

    assert isinstance(outcome, Refused)
    assert outcome.code == "invalid_code"


@pytest.mark.sec("WAN-17", "WAN-05")
def test_without_the_persons_proof_it_is_not_enough(log_in: Callable[..., Outcome], passkey: SoftwarePasskey) -> None:
    """A touch alone is one factor: nobody is let in by it."""
    assert isinstance(log_in(replace(passkey, flags=UP)), Refused)


@pytest.mark.sec("WAN-10")
def test_a_copy_is_refused_and_written_down(
    log_in: Callable[..., Outcome], passkey: SoftwarePasskey, database: Database
) -> None:
    """A count that went back is in the event log by its own code."""
    copy = replace(passkey)
    assert isinstance(log_in(passkey), LoggedIn)

    assert isinstance(log_in(copy), Refused)

    assert last_event(database).code == "counter_went_back"


@pytest.mark.sec("MFA-02", "NIST-50")
@pytest.mark.parametrize(
    ("changes", "code"), [({"active": False}, "inactive"), ({"password_hash": ""}, "no_local_password")]
)
def test_who_may_not_come_in_does_not(
    log_in: Callable[..., Outcome], passkey: SoftwarePasskey, database: Database, changes: dict[str, Any], code: str
) -> None:
    """Neither somebody inactive nor somebody who belongs to a provider only comes in by a passkey."""
    with database.unit() as db:
        user = db.scalars(select(User)).one()
        for name, value in changes.items():
            setattr(user, name, value)

    outcome = log_in(passkey)

    assert isinstance(outcome, Refused)
    assert outcome.code == code


@pytest.mark.sec("RATE-01")
def test_wrong_answers_are_counted(
    auth: Auth, log_in: Callable[..., Outcome], passkey: SoftwarePasskey, clock: FakeClock
) -> None:
    """After as many wrong answers as the settings allow, the right one has to wait."""
    clock.advance(timedelta(minutes=1))
    for _ in range(auth.settings.attempts.factor.limit):
        assert isinstance(log_in(passkey, signature="YWJj"), Refused)

    locked = log_in(passkey)

    assert isinstance(locked, Refused)
    assert (locked.code, locked.retry_after is not None) == ("locked", True)


@pytest.mark.sec("RACE-07")
def test_one_of_many_at_once_is_let_in(
    auth: Auth, passkey: SoftwarePasskey, ask: Callable[..., tuple[str, Any]], client: Client
) -> None:
    """Twenty threads with the same right answer: one session."""
    transaction, options = ask()
    answer, start = passkey.get(options), threading.Barrier(20)
    outcomes: list[Outcome] = []

    def answer_it() -> None:
        start.wait()
        outcomes.append(auth.login_with_passkey(transaction, answer, client))

    threads = [threading.Thread(target=answer_it) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(isinstance(outcome, LoggedIn) for outcome in outcomes) == 1


def test_where_it_is_off_nobody_is_asked(make_auth: Callable[..., Auth], client: Client) -> None:
    """Without passkeys, or with passkeys as second factors only, nothing is offered and nothing is taken."""
    off: list[dict[str, object]] = [{}, {"webauthn": {}}]
    for factors in off:
        auth = make_auth(second_factors=factors)

        assert auth.passwordless is False
        assert auth.begin_passkey(client) == Refused("passwordless_off")
        outcome = auth.login_with_passkey("x", "{}", client)
        assert isinstance(outcome, Refused)
        assert outcome.code == "passwordless_off"


def test_the_handle_is_no_name(passkey: SoftwarePasskey) -> None:
    """What the authenticator keeps of the user tells nobody who it is."""
    assert passkey.user_handle is not None
    assert "ann" not in to_base64url(passkey.user_handle)
    assert b"ann" not in passkey.user_handle


@pytest.mark.sec("WAN-12")
def test_a_credential_is_one_users(
    auth: Auth, passkey: SoftwarePasskey, add: Callable[..., User], client: Client
) -> None:
    """A passkey whose id somebody has already is set up for nobody else."""
    add("bob@example.org")
    pending = auth.login("bob@example.org", PASSWORD, client)
    assert isinstance(pending, EnrolmentRequired)
    form = auth.enrol_at_login(pending.transaction.id, "webauthn", None, client)
    assert isinstance(form, EnrolmentForm)
    options: Any = form.show["options"]

    outcome = auth.enrol_at_login(pending.transaction.id, "webauthn", passkey.create(options), client)

    assert isinstance(outcome, Refused)
    assert outcome.code == "factor_taken"


@pytest.mark.sec("WAN-18")
def test_the_last_one_of_whom_must_have_one_stays(
    auth: Auth, log_in: Callable[..., Outcome], passkey: SoftwarePasskey, client: Client
) -> None:
    """Somebody whose role must have a factor can't remove the only passkey."""
    outcome = log_in(passkey)
    assert isinstance(outcome, LoggedIn)
    session = auth.sessions.lookup(outcome.token)
    assert session is not None

    removed = auth.remove_factor(session, auth.factors_of(session)[0].id, client)

    assert isinstance(removed, Refused)
    assert removed.code == "last_factor"


@pytest.mark.sec("RATE-04")
def test_questions_without_answers_are_limited(
    make_auth: Callable[..., Auth], add: Callable[..., User], client: Client
) -> None:
    """Asking for a passkey over and over fills nothing up; who answers may ask as often as they like."""
    limits = {"per_address": {"limit": 3, "within": "10m", "lockout": "10m"}}
    auth = make_auth(second_factors={"webauthn": {"passwordless": True}}, attempts=limits)
    add(NAME)
    for _ in range(5):
        asked = auth.begin_passkey(client)
        assert isinstance(asked, PasskeyAsked)
        auth.login_with_passkey(asked.transaction.id, "no answer", client)
    for _ in range(3):
        assert isinstance(auth.begin_passkey(client), PasskeyAsked)

    refused = auth.begin_passkey(client)
    assert isinstance(refused, Refused)
    assert refused.code == "locked"
    assert isinstance(auth.begin_passkey(replace(client, address="198.51.100.7")), PasskeyAsked)
