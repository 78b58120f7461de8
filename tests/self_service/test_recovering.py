"""Choosing another password after the old one was forgotten."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import Client
from onegov_auth.errors import InsecurePasswordError
from onegov_auth.models import AuthEvent, LoginAttempt, LoginTransaction, User, UserSession
from onegov_auth.outcomes import Done, LoggedIn, Refused
from onegov_auth.passwords import Hasher
from onegov_auth.self_service import password_reset_url
from onegov_auth.testing.clock import FakeClock

MakeAuth = Callable[..., Auth]
PASSWORD = "correct horse battery staple"
NEW = "an entirely different sentence"
ANN = "ann@example.org"


@pytest.fixture(name="auth")
def _auth(make_auth: MakeAuth, add: Callable[..., User]) -> Auth:
    add(ANN, email=ANN, email_verified=True)
    return make_auth()


@pytest.fixture(name="token")
def _token(auth: Auth, client: Client, mails: Any) -> str:
    auth.recover(ANN, client)
    (mail,) = mails(auth)
    assert mail.to == ANN
    token: str = mail.token
    return token


@pytest.mark.sec("RESET-05", "RESET-10", "LINK-21", "LINK-23", "SESS-05", "ASVS-6.4.3", "NIST-47", "ASVS-6.3.7")
def test_a_reset_takes_everything_back(
    auth: Auth, client: Client, token: str, mails: Any, one: Any, log_in: Any, database: Database, told: Any
) -> None:
    """The new password counts, sessions and all that is pending end, nobody is logged in, the owner is told."""
    log_in(auth, ANN)
    auth.recover(ANN, client)
    token = mails(auth)[0].token
    with database.unit() as db:
        user = db.scalars(select(User)).one()
        user.email_pending = "intruder@example.org"
        auth.transactions.store(db, auth.transactions.begin("step"), client, {}, user.id)
    assert auth.pending_reset(token) == ANN

    done = auth.reset(token, "Ann@Example.org", NEW, client)
    assert isinstance(done, Done)
    assert done.code == "password_reset"
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(UserSession)) == 0
        assert db.scalar(select(func.count()).select_from(LoginTransaction)) == 0
    assert one(username=ANN).email_pending is None
    assert [mail.to for mail in mails(auth)] == [ANN]
    assert isinstance(auth.login(ANN, PASSWORD, client), Refused)
    assert isinstance(auth.login(ANN, NEW, client), LoggedIn)
    assert ("password_reset", "ok") in told()


@pytest.mark.sec("RESET-07", "LINK-24")
@pytest.mark.parametrize("squatter", ["unverified", "inactive", "registered"])
def test_nobody_stands_before_the_owner_of_an_address(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, mails: Any, squatter: str
) -> None:
    """An older account that only claims the address does not keep the mail from whoever proved to have it."""
    state: dict[str, Any] = {"active": squatter == "unverified"}
    if squatter == "registered":
        state["data"] = {"activation_token": "secret"}
    add("squatter", email=ANN, email_verified=squatter == "inactive", **state)
    add("ann", email=ANN, email_verified=True)
    auth = make_auth()
    auth.recover(ANN, client)

    (mail,) = mails(auth)
    assert mail.to == ANN
    assert auth.pending_reset(mail.token) == "ann"


@pytest.mark.sec("RACE-01", "RESET-02")
def test_fifty_resets_at_once_are_one(make_auth: MakeAuth, auth: Auth, token: str, client: Client) -> None:
    """Exactly one of them succeeds, and its password is the one that is stored."""
    auth = make_auth(attempts={"recovery": {"limit": 100}, "per_address": {"limit": 1000}})

    def reset(number: int) -> Done | Refused:
        return auth.reset(token, ANN, f"the long password number {number}", client)

    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(reset, range(50)))
    (winner,) = [number for number, outcome in enumerate(outcomes) if isinstance(outcome, Done)]

    assert {outcome.code for outcome in outcomes} == {"password_reset", "invalid_token"}
    assert isinstance(auth.login(ANN, f"the long password number {winner}", client), LoggedIn)


@pytest.mark.sec("RESET-02", "RESET-01")
@pytest.mark.parametrize(
    "change", ["password", "username", "email", "active", "disabled", "login", "newer", "time", "forged"]
)
def test_a_token_is_void(
    auth: Auth, token: str, client: Client, database: Database, clock: FakeClock, hasher: Hasher, change: str
) -> None:
    """Once the password, the name, the address or the activity changed, somebody logged in, or a newer one was sent."""
    with database.unit() as db:
        user = db.scalars(select(User)).one()
        if change == "password":
            user.password_hash = hasher.hash(PASSWORD)
        elif change == "username":
            user.username = "anne@example.org"
        elif change == "email":
            user.email = "anne@example.org"
        elif change == "active":
            user.active = False
        elif change == "disabled":
            user.disabled_utc = clock()
    if change == "login":
        clock.advance(1)
        auth.login(ANN, PASSWORD, client)
    elif change == "newer":
        auth.recover(ANN, client)
    elif change == "time":
        clock.advance(timedelta(hours=1))
    elif change == "forged":
        token = token[:-2] + "AA"
    assert auth.pending_reset(token) is None

    assert auth.reset(token, ANN, NEW, client) == Refused("invalid_token")
    assert hasher.verify(PASSWORD, _only(database).password_hash)


def _only(database: Database) -> User:
    with database.read() as db:
        return db.scalars(select(User)).one()


@pytest.mark.sec("RESET-06")
def test_the_token_alone_says_whose_password_it_is(
    auth: Auth, token: str, client: Client, add: Callable[..., User]
) -> None:
    """With somebody else's address, nobody's password changes."""
    add("bob@example.org")
    assert auth.reset(token, "bob@example.org", NEW, client) == Refused("wrong_address")
    assert auth.reset(token, "\x00", NEW, client) == Refused("wrong_address")
    assert isinstance(auth.login("bob@example.org", PASSWORD, client), LoggedIn)
    assert isinstance(auth.login(ANN, PASSWORD, client), LoggedIn)


@pytest.mark.sec("ASVS-9.2.2", "ASVS-9.2.4")
def test_no_other_token_resets(auth: Auth, client: Client, database: Database) -> None:
    """A token for something else, of the same user and application, is none to reset with."""
    other = auth.new_signup_token("member")

    assert auth.reset(other, ANN, NEW, client) == Refused("invalid_token")


def test_the_policy_decides_and_the_token_stays_good(auth: Auth, token: str, client: Client) -> None:
    """A password that is too weak costs neither the token nor a try."""
    for _ in range(8):
        with pytest.raises(InsecurePasswordError):
            auth.reset(token, ANN, "short", client)
    assert isinstance(auth.reset(token, ANN, NEW, client), Done)


@pytest.mark.sec("RATE-04")
def test_tries_are_limited(auth: Auth, token: str, client: Client) -> None:
    """One token is not tried without end, and nobody else's tries are spent by it."""
    codes = [auth.reset("forged", ANN, NEW, client) for _ in range(6)]

    assert [isinstance(code, Refused) and code.code for code in codes] == ["invalid_token"] * 5 + ["locked"]
    assert isinstance(auth.reset(token, ANN, NEW, client), Done)


@pytest.mark.sec("RESET-12", "RATE-04")
def test_requests_are_limited(auth: Auth, client: Client, mails: Any) -> None:
    """Nobody's mailbox is filled: five mails an hour and no more."""
    for _ in range(9):
        auth.recover(ANN, client)

    assert len(mails(auth)) == 5


@pytest.mark.sec("RESET-07", "RESET-08", "RESET-09", "LINK-24", "ENUM-04", "NIST-45")
def test_who_gets_which_mail(
    auth: Auth, client: Client, add: Callable[..., User], mails: Any, form: Any, inactive: dict[str, Any]
) -> None:
    """Strangers, inactive people and unverified addresses get none; external people are told where to go."""
    add("gone@example.org", **inactive)
    add("eve", email="eve@example.org", email_verified=False)
    add("kim")
    add(
        "dora@example.org",
        password_hash="",
        source="staff",
        source_id="id-9",
        email="d@example.org",
        email_verified=True,
    )
    for name in ("gone@example.org", "eve@example.org", "eve", "kim", "nobody@example.org", "\x00", "dora@example.org"):
        assert auth.recover(name, client) is None  # type: ignore[func-returns-value]  # that it says nothing is the test

    (mail,) = mails(auth)
    assert mail.to == "d@example.org"
    assert "token" not in mail.query
    assert "staff" in mail.text


def test_an_unconfirmed_registration_gets_that_mail(make_auth: MakeAuth, client: Client, form: Any, mails: Any) -> None:
    """Nothing can be reset before the address is confirmed: the link to confirm it is sent again."""
    auth = make_auth(registration={"enabled": True})
    auth.register(form("bob@example.org"), client)
    mails(auth)
    auth.recover("bob@example.org", client)
    (mail,) = mails(auth)

    assert isinstance(auth.reset(mail.token, "bob@example.org", NEW, client), Refused)
    assert isinstance(auth.activate(mail.token, client), Done)


@pytest.mark.sec("UNI-01", "UNI-02")
@pytest.mark.parametrize("typed", ["mıke@example.org", "mike@exampleK.org", "ＭＩＫＥ@example.org"])
def test_mails_go_to_the_stored_address_only(
    auth: Auth, client: Client, add: Callable[..., User], mails: Any, typed: str
) -> None:
    """What merely looks like the address is never written to."""
    add("mike@example.org")
    auth.recover(typed, client)

    assert all(mail.to == "mike@example.org" for mail in mails(auth))


@pytest.mark.sec("UNI-01")
def test_dotless_i_is_another_letter(auth: Auth, client: Client, add: Callable[..., User], mails: Any) -> None:
    """The address of 2019's bug finds nobody."""
    add("mike@example.org")
    auth.recover("mıke@example.org", client)

    assert mails(auth) == []


@pytest.mark.sec("HOST-01")
def test_links_are_made_of_the_settings(auth: Auth, client: Client, mails: Any) -> None:
    """Every link begins with the configured address; no request is looked at."""
    auth.recover(ANN, client)
    (mail,) = mails(auth)

    assert "https://app.example.org/auth/reset-password?token=" in mail.text


def test_recovery_can_be_off(make_auth: MakeAuth, auth: Auth, token: str, client: Client, mails: Any) -> None:
    """Then no mail is sent, and an old link does nothing."""
    off = make_auth(recovery={"enabled": False})
    off.recover(ANN, client)

    assert mails(off) == []
    assert off.reset(token, ANN, NEW, client) == Refused("recovery_disabled")


@pytest.mark.sec("RESET-08")
def test_who_became_external_resets_nothing(auth: Auth, token: str, client: Client, database: Database) -> None:
    """A token of somebody who has no password here any more sets none."""
    with database.unit() as db:
        user = db.scalars(select(User)).one()
        user.password_hash, user.source, user.source_id = "", "staff", "id-1"
        db.flush()
        token = user.token_generate()
        assert password_reset_url(user, None, "https://app.example.org/reset") is None

    assert auth.reset(token, ANN, NEW, client) == Refused("external_user")


@pytest.mark.parametrize(("url", "joint"), [("https://a.example/r", "?"), ("https://a.example/r?lang=de", "&")])
def test_the_first_seed_s_link(auth: Auth, client: Client, database: Database, url: str, joint: str) -> None:
    """It is the page with a token that resets, whether or not the page has a query."""
    with database.read() as db:
        made = password_reset_url(db.scalars(select(User)).one(), None, url)
    assert made is not None
    page, _, token = made.partition(f"{joint}token=")

    assert page == url
    assert isinstance(auth.reset(token, ANN, NEW, client), Done)


@pytest.mark.sec("NIST-46", "ASVS-6.4.3", "ASVS-6.4.4")
def test_a_second_factor_stays(auth: Auth, token: str, client: Client, database: Database) -> None:
    """A reset takes no factor away, and with one nobody is in by the new password alone."""
    with database.unit() as db:
        db.scalars(select(User)).one().yubikey = "cccccccccccc"
    assert isinstance(auth.reset(token, ANN, NEW, client), Done)

    assert auth.login(ANN, NEW, client).code == "factor_unavailable"  # type: ignore[union-attr]  # a refusal


@pytest.mark.sec("RATE-08", "RATE-01", "NIST-33")
def test_a_new_password_unlocks(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, mails: Any, database: Database
) -> None:
    """Who has locked themselves out, or was locked out, comes in with the new password; codes stay locked."""
    limit = {"limit": 3, "within": "10m", "lockout": "1h"}
    auth = make_auth(attempts={"login": limit, "factor": limit})
    add(ANN, email=ANN, email_verified=True)
    for _ in range(4):
        auth.login(ANN, "wrong", client)
        auth.attempts.admit("factor", ANN, client)
    auth.recover(ANN, client)
    token = mails(auth)[0].token

    assert isinstance(auth.login(ANN, PASSWORD, client), Refused)
    assert isinstance(auth.reset(token, ANN, NEW, client), Done)
    assert isinstance(auth.login(ANN, NEW, client), LoggedIn)
    assert isinstance(auth.attempts.admit("factor", ANN, client), Refused)
    with database.read() as db:
        event = db.scalars(select(AuthEvent).where(AuthEvent.type == "password_reset")).one()
    assert event.steps == [["unlocked", "3"]]


@pytest.mark.sec("RATE-04", "RESET-12")
def test_every_use_of_the_page_counts(auth: Auth, token: str, client: Client, database: Database) -> None:
    """As in the second seed, a reset that worked counts as one that did not, for its link and for the address."""
    assert isinstance(auth.reset(token, ANN, NEW, client), Done)
    with database.read() as db:
        rows = db.scalars(select(LoginAttempt).order_by(LoginAttempt.id)).all()
    last = next(row for row in rows if (row.user_input or "").startswith("reset "))
    assert (last.attempt_type, last.success, last.code) == ("recovery", False, "ok")


@pytest.mark.sec("RESET-12", "ENUM-04")
def test_names_of_one_person_get_no_more_mails(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, mails: Any
) -> None:
    """Username and address together may ask as often as one of them; nobody is told that it was too often."""
    auth = make_auth(attempts={"recovery": {"limit": 2}})
    add("ann", email=ANN, email_verified=True)
    for name in ("ann", ANN, ANN, "ann"):
        auth.recover(name, client)

    assert len(mails(auth)) == 2
