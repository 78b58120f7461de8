"""A login that is void by now leaves no factor behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import delete, select

from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import Callback, Client, Identity
from onegov_auth.factors import Enrolment, EnrolmentForm
from onegov_auth.factors.totp import TOTPFactor
from onegov_auth.models import User, UserFactor, UserIdentity, UserSession
from onegov_auth.outcomes import Enrolling, EnrolmentRequired, LoggedIn, Refused
from onegov_auth.passwords import Hasher
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.providers import KnownIssuer

MakeAuth = Callable[..., Auth]
Code = Callable[..., str]
PASSWORD = "correct horse battery staple"
BOB = "bob@example.org"
REQUIRED: Mapping[str, Any] = {"totp": {}, "required_for": ["member"]}


def refusal(outcome: object) -> str:
    assert isinstance(outcome, Refused), outcome
    return outcome.code


def factors(database: Database) -> int:
    with database.read() as db:
        return len(db.scalars(select(UserFactor)).all())


def begun(auth: Auth, outcome: object, client: Client) -> tuple[str, str]:
    assert isinstance(outcome, EnrolmentRequired), outcome
    form = auth.enrol_at_login(outcome.transaction.id, "totp", None, client)
    assert isinstance(form, EnrolmentForm)
    return outcome.transaction.id, str(form.show["secret"]).replace(" ", "")


@pytest.mark.sec("RACE-14", "MFA-09")
def test_a_password_that_was_changed_meanwhile(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, code: Code, database: Database, hasher: Hasher
) -> None:
    """Whoever knew the old one sets nothing up for an account that is taken back."""
    add(BOB)
    auth = make_auth(second_factors=REQUIRED)
    transaction, secret = begun(auth, auth.login(BOB, PASSWORD, client), client)
    with database.unit() as db:
        db.scalars(select(User)).one().password_hash = hasher.hash("an entirely different sentence")

    assert refusal(auth.enrol_at_login(transaction, "totp", code(secret=secret), client)) == "password_changed"
    assert factors(database) == 0


@pytest.mark.sec("MFA-09")
def test_an_identity_that_was_taken_back_meanwhile(
    make_auth: MakeAuth, client: Client, code: Code, database: Database, company: KnownIssuer
) -> None:
    """The same goes for whoever came by a provider."""
    auth = make_auth(company, second_factors=REQUIRED)
    started: Any = auth.start("company", client)
    state = parse_qs(urlsplit(started.url).query)["state"][0]
    outcome = auth.finish("company", Callback({"code": "code-1", "state": state}), client)
    transaction, secret = begun(auth, outcome, client)
    with database.unit() as db:
        db.execute(delete(UserIdentity))

    assert refusal(auth.enrol_at_login(transaction, "totp", code(secret=secret), client)) == "identity_frozen"
    assert factors(database) == 0


@pytest.mark.sec("MFA-16")
def test_a_session_that_ended_meanwhile(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, code: Code, database: Database, clock: FakeClock
) -> None:
    """While an answer is looked at, the session may be ended; what comes of it is not stored."""
    add(BOB)
    auth = make_auth(second_factors={"totp": {}})
    opened = auth.login(BOB, PASSWORD, client)
    assert isinstance(opened, LoggedIn)
    session = auth.sessions.lookup(opened.token)
    assert isinstance(session, Identity)
    form = auth.enrol(session, "totp", None, client)
    assert isinstance(form, Enrolling)
    secret = str(form.show["secret"]).replace(" ", "")

    def late() -> datetime:
        with database.unit() as db:
            db.execute(delete(UserSession))
        return clock()

    app: Any = auth.factors["totp"]
    auth.factors = {"totp": replace(app, clock=late)}
    answered = auth.enrol(session, "totp", code(secret=secret), client, transaction=form.transaction.id)

    assert refusal(answered) == "not_fresh"
    assert factors(database) == 0


@pytest.mark.sec("YUBI-05", "WAN-12")
def test_two_people_with_one_key_at_once(make_auth: MakeAuth, add: Callable[..., User], database: Database) -> None:
    """The second one waits until the first one is done, and is refused."""
    people = [add("ann@example.org").id, add(BOB).id]
    store = make_auth(second_factors={"totp": {}}).factor_store
    factor = TOTPFactor(settings=None)

    def add_to(db: Any, user_id: Any) -> UserFactor | Refused:
        return store.add(db, db.get_one(User, user_id), factor, Enrolment(key="k"), None)

    def second() -> UserFactor | Refused:
        return database.once(lambda db: add_to(db, people[1]))

    with ThreadPoolExecutor(1) as pool:
        with database.unit() as db:
            assert isinstance(add_to(db, people[0]), UserFactor)
            waiting = pool.submit(second)
            with pytest.raises(TimeoutError):
                waiting.result(0.5)
        assert refusal(waiting.result(30)) == "factor_taken"


def test_what_a_form_shows_is_in_no_log() -> None:
    """The secret of a form that is being answered is not in its text."""
    form = EnrolmentForm({"secret": "ABCD"}, {"secret": "ABCD"})

    assert "ABCD" not in repr(form)
