"""Setting a factor up at a login that waits for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import Client
from onegov_auth.factors import EnrolmentForm
from onegov_auth.models import User, UserFactor
from onegov_auth.outcomes import EnrolmentRequired, LoggedIn, Refused

PASSWORD = "correct horse battery staple"
Code = Callable[..., str]


def refusal(outcome: object) -> str:
    assert isinstance(outcome, Refused), outcome
    return outcome.code


@pytest.fixture(name="auth")
def _auth(make_auth: Callable[..., Auth], add: Callable[..., User]) -> Auth:
    """Members must have a factor; there is one without."""
    add("bob@example.org", email="bob@example.org", email_verified=True)
    return make_auth(second_factors={"totp": {}, "recovery_codes": {}, "required_for": ["member"]})


def _waiting(auth: Auth, client: Client) -> str:
    outcome = auth.login("bob@example.org", PASSWORD, client)
    assert isinstance(outcome, EnrolmentRequired), outcome
    assert outcome.factors == ("totp",)
    return outcome.transaction.id


def _secret(form: object) -> str:
    assert isinstance(form, EnrolmentForm), form
    return str(form.show["secret"]).replace(" ", "")


@pytest.mark.sec("MFA-01", "MFA-09")
def test_a_role_that_must_have_one(
    auth: Auth, client: Client, code: Code, mailed: Any, sessions: Any, events: Any
) -> None:
    """The login waits until a factor is set up, which is told by mail; then the person is in."""
    transaction = _waiting(auth, client)
    assert sessions() == 0
    secret = _secret(auth.enrol_at_login(transaction, "totp", None, client))
    pending = auth.pending_factor(transaction, client)
    assert pending is not None
    assert (pending.enrolment, pending.begun, pending.trust) == (True, "totp", False)
    assert str(pending.show["secret"]).replace(" ", "") == secret
    outcome = auth.enrol_at_login(transaction, "totp", code(secret=secret), client, name="Phone")

    assert isinstance(outcome, LoggedIn)
    session = auth.sessions.lookup(outcome.token)
    assert session is not None
    assert [info.name for info in auth.factors_of(session)] == ["Phone"]
    assert mailed() == ["factor_changed"]
    assert events("login") == [("login", "enrolment_required", None), ("login", "ok", "totp")]


@pytest.mark.sec("MFA-04", "RECOV-07")
@pytest.mark.parametrize("factor", ["recovery_codes", "none", ""])
def test_other_types(auth: Auth, client: Client, factor: str, sessions: Any) -> None:
    """Neither a spare nor something unknown can be set up in its place."""
    transaction = _waiting(auth, client)
    for answer in (None, "", "123456"):
        assert refusal(auth.enrol_at_login(transaction, factor, answer, client)) == "unknown_factor"

    assert sessions() == 0


@pytest.mark.sec("MFA-04")
def test_an_answer_without_a_form(auth: Auth, client: Client) -> None:
    """Whoever answers before anything was shown is shown it; nobody else's browser sees it."""
    transaction = _waiting(auth, client)

    assert isinstance(auth.enrol_at_login(transaction, "totp", "123456", client), EnrolmentForm)
    other = replace(client, browser="another")
    assert refusal(auth.enrol_at_login(transaction, "totp", None, other)) == "unknown_transaction"


@pytest.mark.sec("MFA-04", "MFA-08")
def test_the_two_kinds_of_waiting_are_kept_apart(auth: Auth, client: Client, sessions: Any) -> None:
    """Who must set one up can't prove one, and who must prove one can't set another up."""
    enrolment = _waiting(auth, client)
    assert refusal(auth.verify_factor(enrolment, "totp", "123456", client)) == "unknown_transaction"

    with auth.database.unit() as db:
        db.query(User).one().second_factor = {"type": "totp", "data": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}
    asked: Any = auth.login("bob@example.org", PASSWORD, client)
    assert refusal(auth.enrol_at_login(asked.transaction.id, "totp", None, client)) == "unknown_transaction"
    assert sessions() == 0


@pytest.mark.sec("MFA-09", "MFA-06")
def test_a_factor_that_was_set_up_meanwhile(auth: Auth, client: Client, code: Code, database: Database) -> None:
    """Of two logins that wait for the first factor, one sets it up; the other one has to prove it."""
    browsers = [client, replace(client, browser="another")]
    waiting = [(_waiting(auth, browser), browser) for browser in browsers]
    secrets = [_secret(auth.enrol_at_login(which, "totp", None, browser)) for which, browser in waiting]
    outcomes = [
        auth.enrol_at_login(which, "totp", code(secret=secret), browser)
        for (which, browser), secret in zip(waiting, secrets, strict=True)
    ]

    assert isinstance(outcomes[0], LoggedIn)
    assert refusal(outcomes[1]) == "factor_enrolled_meanwhile"
    with database.read() as db:
        assert db.query(UserFactor).count() == 1


@pytest.mark.sec("NIST-50")
def test_somebody_who_was_deactivated_meanwhile(
    auth: Auth, client: Client, code: Code, database: Database, shut_out: Callable[[User], None]
) -> None:
    """Nothing is set up for an account that is no more."""
    transaction = _waiting(auth, client)
    secret = _secret(auth.enrol_at_login(transaction, "totp", None, client))
    with database.unit() as db:
        shut_out(db.query(User).one())

    assert refusal(auth.enrol_at_login(transaction, "totp", code(secret=secret), client)) == "inactive"
    with database.read() as db:
        assert db.query(UserFactor).count() == 0
