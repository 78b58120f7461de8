"""Changing the e-mail address."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from onegov_auth.accounts import Hooks
from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import Client, Identity
from onegov_auth.models import User
from onegov_auth.outcomes import Done, LoggedIn, Refused
from onegov_auth.testing.clock import FakeClock

MakeAuth = Callable[..., Auth]
PASSWORD = "correct horse battery staple"
ANN, NEW = "ann@example.org", "anne@example.org"


@pytest.fixture(name="auth")
def _auth(make_auth: MakeAuth, add: Callable[..., User]) -> Auth:
    add(ANN, email=ANN, email_verified=True)
    return make_auth()


@pytest.fixture(name="begun")
def _begun(auth: Auth, client: Client, log_in: Any, mails: Any) -> tuple[Identity, str, str]:
    """A change that was begun: who, the token to confirm and the one to revoke."""
    session = log_in(auth, ANN)
    assert auth.change_email(session, NEW, client).code == "email_pending"
    old, new = mails(auth)
    assert (old.to, new.to) == (ANN, NEW)
    assert NEW in old.text
    return session, new.query["confirm"], old.query["revoke"]


@pytest.mark.sec("LINK-27", "ASVS-7.5.1", "ASVS-6.3.7", "NIST-45")
def test_a_new_address_counts_once_it_is_confirmed(auth: Auth, client: Client, begun: Any, one: Any, told: Any) -> None:
    """Until then people log in by the old one; then the username follows, and the sessions end."""
    session, confirm, _ = begun
    before = one(username=ANN)
    assert (before.email, before.email_pending) == (ANN, NEW)
    assert auth.pending_email(confirm) == (ANN, NEW)
    assert isinstance(auth.login(ANN, PASSWORD, client), LoggedIn)
    done = auth.confirm_email(confirm, client)

    assert isinstance(done, Done)
    after = one(username=NEW)
    assert (after.email, after.email_verified, after.email_pending) == (NEW, True, None)
    assert isinstance(auth.login(ANN, PASSWORD, client), Refused)
    assert isinstance(auth.login(NEW, PASSWORD, client), LoggedIn)
    assert ("email_changed", "ok") in told()
    assert auth.pending_email(confirm) is None
    assert session.userid == ANN


def test_another_username_stays(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, mails: Any, log_in: Any, one: Any
) -> None:
    """Who logs in by another name goes on so, and stays logged in."""
    add("ann", email=ANN, email_verified=True)
    auth = make_auth()
    session = log_in(auth, "ann")
    auth.change_email(session, NEW, client)
    assert isinstance(auth.confirm_email(mails(auth)[1].query["confirm"], client), Done)
    with auth.database.read() as db:
        assert auth.sessions.info(db, session.session_id) is not None
    assert one(username="ann").email == NEW


@pytest.mark.sec("RACE-03")
def test_fifty_confirmations_at_once_are_one(auth: Auth, client: Client, begun: Any) -> None:
    """One of them changes the address."""
    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(lambda _: auth.confirm_email(begun[1], client), range(50)))

    assert sum(isinstance(outcome, Done) for outcome in outcomes) == 1


@pytest.mark.sec("LINK-27")
@pytest.mark.parametrize("confirmed", [False, True])
def test_the_old_address_takes_it_back(
    auth: Auth, client: Client, begun: Any, one: Any, database: Database, confirmed: bool
) -> None:
    """Before and after the confirmation, once; whoever is in the account is out."""
    _, confirm, revoke = begun
    if confirmed:
        auth.confirm_email(confirm, client)
        auth.login(NEW, PASSWORD, client)
        auth.recover(NEW, client)
    assert auth.revocable_email(revoke) == (ANN, NEW)
    done = auth.revoke_email(revoke, client)

    assert isinstance(done, Done)
    user = one(username=ANN)
    assert (user.email, user.email_verified, user.email_pending) == (ANN, True, None)
    with database.read() as db:
        assert auth.sessions.list(db, user.id) == []
    assert auth.confirm_email(confirm, client) == Refused("invalid_token")
    assert auth.revoke_email(revoke, client) == Refused("invalid_token")
    assert auth.revocable_email(revoke) is None


@pytest.mark.sec("LINK-27")
@pytest.mark.parametrize("pending", [None, NEW, "annabelle@example.org"])
def test_a_second_change_does_not_void_the_first_one_s_link(
    auth: Auth, client: Client, begun: Any, one: Any, mails: Any, log_in: Any, pending: str | None
) -> None:
    """The first address takes back all that came after, whatever is pending, and the second one has no say then."""
    _, confirm, revoke = begun
    auth.confirm_email(confirm, client)
    auth.change_email(log_in(auth, NEW), "annabel@example.org", client)
    third, second = mails(auth)
    assert isinstance(auth.confirm_email(third.query["confirm"], client), Done)
    if pending is not None:
        auth.change_email(log_in(auth, "annabel@example.org"), pending, client)
    assert auth.revocable_email(revoke) == (ANN, "annabel@example.org")

    assert isinstance(auth.revoke_email(revoke, client), Done)
    user = one(username=ANN)
    assert (user.email, user.email_verified, user.email_pending) == (ANN, True, None)
    assert auth.revoke_email(second.query["revoke"], client) == Refused("invalid_token")
    assert user.data["email_changes"] == []
    assert auth.revoke_email(revoke, client) == Refused("invalid_token")


@pytest.mark.sec("LINK-27")
def test_what_an_operator_gave_is_not_taken_back(
    auth: Auth, client: Client, begun: Any, one: Any, mails: Any, log_in: Any, database: Database
) -> None:
    """An address that came by no mailed link ends what the old one may do."""
    auth.confirm_email(begun[1], client)
    with database.unit() as db:
        db.scalars(select(User)).one().email = "given@example.org"
    assert auth.revoke_email(begun[2], client) == Refused("invalid_token")
    assert auth.change_email(log_in(auth, NEW), "annabel@example.org", client).code == "email_pending"
    assert isinstance(auth.confirm_email(mails(auth)[0].query["confirm"], client), Done)

    assert auth.revoke_email(begun[2], client) == Refused("invalid_token")
    assert one(username=NEW).email == "annabel@example.org"


@pytest.mark.sec("LINK-23", "LINK-27")
@pytest.mark.parametrize("case", ["password", "cancelled", "other", "late", "forged", "reset"])
def test_a_confirmation_is_void(
    auth: Auth, client: Client, begun: Any, one: Any, mails: Any, clock: FakeClock, database: Database, case: str
) -> None:
    """After another password, a cancellation, another address, its time, or a reset."""
    session, token, _ = begun
    if case == "password":
        auth.change_password(session, PASSWORD, "an entirely different sentence", client)
    elif case == "cancelled":
        assert isinstance(auth.cancel_email(session, client), Done)
    elif case == "other":
        auth.change_email(session, "annabel@example.org", client)
    elif case == "late":
        clock.advance(timedelta(hours=24))
    elif case == "forged":
        token = token[:-2] + "AA"
    else:
        auth.recover(ANN, client)
        reset = mails(auth)[0].query["token"]
        assert isinstance(auth.reset(reset, ANN, "an entirely different sentence", client), Done)
    assert auth.confirm_email(token, client) == Refused("invalid_token")
    with database.read() as db:
        assert db.scalars(select(User.email)).one() == ANN


@pytest.mark.sec("ENUM-06")
def test_a_taken_address_looks_like_a_free_one(
    auth: Auth, client: Client, log_in: Any, add: Callable[..., User], mails: Any, statements: Any
) -> None:
    """The answer is the same; its owner is told, and nobody can confirm it."""
    add("bob@example.org")
    session = log_in(auth, ANN)
    taken = auth.change_email(session, "Bob@example.org", client)
    assert isinstance(taken, Done)
    assert taken.code == "email_pending"
    _, bobs = mails(auth)
    assert bobs.to == "bob@example.org"
    assert "confirm" not in bobs.query


@pytest.mark.sec("RACE-10")
def test_an_address_taken_meanwhile_is_refused(
    auth: Auth, client: Client, begun: Any, add: Callable[..., User], one: Any
) -> None:
    """Somebody else registered it between asking and confirming: both keep what they have."""
    add(NEW)
    assert auth.confirm_email(begun[1], client) == Refused("address_taken")
    assert one(username=ANN).email == ANN


@pytest.mark.sec("LINK-20")
def test_an_unconfirmed_registration_is_in_nobody_s_way(
    make_auth: MakeAuth,
    add: Callable[..., User],
    client: Client,
    log_in: Any,
    mails: Any,
    form: Any,
    database: Database,
) -> None:
    """What nobody confirmed is deleted when the owner confirms the address."""
    add(ANN, email=ANN, email_verified=True)
    auth = make_auth(registration={"enabled": True})
    auth.register(form(NEW), client)
    mails(auth)
    auth.change_email(log_in(auth, ANN), NEW, client)
    assert isinstance(auth.confirm_email(mails(auth)[1].query["confirm"], client), Done)
    with database.read() as db:
        assert db.scalars(select(User.username)).all() == [NEW]


@pytest.mark.parametrize(
    ("address", "code"), [("no address", "invalid_address"), (ANN.upper(), "same_address"), ("x@y", "invalid_address")]
)
def test_not_every_address_will_do(auth: Auth, client: Client, log_in: Any, address: str, code: str) -> None:
    """One that is none, or the present one, changes nothing."""
    assert auth.change_email(log_in(auth, ANN), address, client) == Refused(code)


@pytest.mark.sec("ASVS-7.5.1", "RATE-04")
def test_it_asks_for_a_fresh_session_and_not_too_often(
    auth: Auth, client: Client, log_in: Any, clock: FakeClock
) -> None:
    """Nobody is flooded with mails to confirm."""
    session = log_in(auth, ANN)
    codes = [auth.change_email(session, f"a{number}@example.org", client).code for number in range(6)]
    assert codes == ["email_pending"] * 5 + ["locked"]
    clock.advance(timedelta(minutes=6))
    assert auth.change_email(session, NEW, client) == Refused("not_fresh")


@pytest.mark.sec("RATE-01")
def test_nobody_else_uses_up_the_tries(auth: Auth, client: Client, log_in: Any) -> None:
    """What somebody types where a new password is asked for is no name of these tries, whatever the user's key is."""
    session = log_in(auth, ANN)
    for _ in range(6):
        auth.recover(f"email {session.uid}", client)
    assert auth.change_email(session, NEW, client).code == "email_pending"


def test_who_is_inactive_changes_nothing(
    auth: Auth, client: Client, log_in: Any, database: Database, shut_out: Callable[[User], None]
) -> None:
    """Neither by a session that outlived the account, nor by a mailed token."""
    session = log_in(auth, ANN)
    with database.unit() as db:
        shut_out(db.scalars(select(User)).one())
    assert auth.change_email(session, NEW, client) == Refused("unknown_user")
    assert auth.revoke_email("nonsense", client) == Refused("invalid_token")
    assert auth.revocable_email("nonsense") is None


def test_the_application_is_told_of_another_name(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, log_in: Any, mails: Any
) -> None:
    """``change_username_callback`` is called with the old name, both ways."""
    add(ANN, email=ANN, email_verified=True)
    names: list[str] = []
    auth = make_auth(hooks=Hooks(change_username_callback=lambda _db, _user, before: names.append(before)))
    auth.change_email(log_in(auth, ANN), NEW, client)
    old, new = mails(auth)
    auth.confirm_email(new.query["confirm"], client)
    auth.revoke_email(old.query["revoke"], client)

    assert names == [ANN, NEW]


def test_the_old_address_may_be_somebody_else_s_by_now(
    auth: Auth, client: Client, begun: Any, add: Callable[..., User], one: Any
) -> None:
    """Then nothing is taken back: it would be taken from them."""
    auth.confirm_email(begun[1], client)
    add(ANN)

    assert auth.revoke_email(begun[2], client) == Refused("invalid_token")
    assert one(username=NEW).email == NEW
