"""Registering, and confirming it by mail."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from onegov_auth.accounts import Hooks
from onegov_auth.auth import Auth
from onegov_auth.collections import UserCollection, delete_unverified
from onegov_auth.database import Database
from onegov_auth.domain import Client
from onegov_auth.errors import InsecurePasswordError
from onegov_auth.models import User
from onegov_auth.outcomes import Done, LoggedIn, Refused
from onegov_auth.passwords import Hasher
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.providers import KnownPeople, person

MakeAuth = Callable[..., Auth]
PASSWORD = "correct horse battery staple"
OPEN = {"registration": {"enabled": True}}
ANN = "ann@example.org"


@pytest.fixture(name="auth")
def _auth(make_auth: MakeAuth) -> Auth:
    return make_auth(**OPEN)


def test_who_registers_and_confirms_can_log_in(
    auth: Auth, client: Client, mails: Any, form: Any, one: Any, told: Any
) -> None:
    """The account is inactive until the mailed token is used, and then an ordinary one."""
    assert auth.register(form(ANN), client) == Done("registered")
    before = one(username=ANN)
    assert (before.active, before.role, before.email_verified) == (False, "member", False)
    assert isinstance(auth.login(ANN, PASSWORD, client), Refused)
    (mail,) = mails(auth)
    assert mail.to == ANN
    assert auth.pending_activation(mail.token) == ANN
    assert not one(username=ANN).active

    done = auth.activate(mail.token, client)
    assert isinstance(done, Done)
    assert (done.code, done.user and done.user.username) == ("activated", ANN)
    user = one(username=ANN)
    assert (user.active, user.email, user.email_verified, dict(user.data)) == (True, ANN, True, {})
    assert isinstance(auth.login(ANN, PASSWORD, client), LoggedIn)
    assert told() == [("registration", "ok"), ("login", "inactive"), ("activation", "ok"), ("login", "ok")]


@pytest.mark.sec("RACE-03", "LINK-26")
def test_fifty_activations_at_once_are_one(
    auth: Auth, client: Client, mails: Any, form: Any, database: Database
) -> None:
    """One of them activates, the others are refused, and none opens a session."""
    auth.register(form(ANN), client)
    token = mails(auth)[0].token
    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(lambda _: auth.activate(token, client), range(50)))

    assert sum(isinstance(outcome, Done) for outcome in outcomes) == 1
    # The link's budget ends before the fiftieth.
    assert {outcome.code for outcome in outcomes} - {"locked"} == {"activated", "already_activated"}
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(auth.entities.session)) == 0


@pytest.mark.sec("ASVS-6.4.1")
def test_a_token_expires_and_can_t_be_forged(
    auth: Auth, client: Client, mails: Any, form: Any, clock: FakeClock, one: Any
) -> None:
    """After its time, with another letter, or of somebody who is gone, it activates nothing."""
    auth.register(form(ANN), client)
    token = mails(auth)[0].token
    assert auth.activate(token[:-2] + "AA", client) == Refused("invalid_token")
    assert auth.activate("", client) == Refused("invalid_token")
    clock.advance(timedelta(hours=24))
    assert auth.activate(token, client) == Refused("invalid_token")
    assert auth.pending_activation(token) is None
    assert not one(username=ANN).active


def test_a_token_of_somebody_who_is_gone(auth: Auth, client: Client, mails: Any, form: Any, database: Database) -> None:
    """An account that was deleted meanwhile is not activated."""
    auth.register(form(ANN), client)
    token = mails(auth)[0].token
    with database.unit() as db:
        UserCollection(db).delete(ANN)

    assert auth.activate(token, client) == Refused("invalid_token")


@pytest.mark.sec("ENUM-05", "ENUM-06")
def test_a_taken_address_looks_like_a_free_one(
    auth: Auth, client: Client, add: Callable[..., User], mails: Any, form: Any, one: Any, hasher: Hasher
) -> None:
    """The answer is the same, and so is the number of hashes; the owner is told by mail, nothing else changes."""
    add(ANN, email=ANN, email_verified=True)
    before = one(username=ANN)
    assert auth.register(form("Ann@Example.org", "an intruder's long password"), client) == Done("registered")
    (mail,) = mails(auth)
    assert mail.to == ANN
    assert "token" not in mail.query
    assert one(username=ANN).password_hash == before.password_hash


@pytest.mark.sec("ENUM-02")
def test_both_cost_one_hash(
    make_auth: MakeAuth, client: Client, add: Callable[..., User], form: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the address is taken can't be told by the time that hashing takes."""
    add(ANN)
    auth = make_auth(**OPEN)
    spent: list[str] = []
    whole = auth.hasher.hash

    def count(clear: str) -> str:
        spent.append(clear)
        return whole(clear)

    monkeypatch.setattr(auth.hasher, "hash", count)
    auth.register(form(ANN), client)
    auth.register(form("bob@example.org"), client)

    assert spent == [PASSWORD, PASSWORD]


@pytest.mark.sec("UNI-09")
def test_another_s_address_is_no_free_username(
    auth: Auth, client: Client, add: Callable[..., User], mails: Any, form: Any, database: Database
) -> None:
    """Who has the address beside another username is its owner."""
    add("ann", email=ANN, email_verified=True)
    auth.register(form(ANN), client)

    assert [mail.to for mail in mails(auth)] == [ANN]
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(User)) == 1


@pytest.mark.sec("RESET-07")
def test_an_owner_without_a_sure_address_gets_no_mail(
    auth: Auth, client: Client, add: Callable[..., User], mails: Any, form: Any
) -> None:
    """Nobody is written to at an address that was never verified."""
    add("somebody", email=ANN, email_verified=False)

    assert auth.register(form(ANN), client) == Done("registered")
    assert mails(auth) == []


@pytest.mark.parametrize(
    "name",
    [
        "ann",
        "",
        "ann@localhost",
        "a@b@example.org",
        "ann@example.org\r\nBcc: x@example.org",
        "mıke@example.org",
        "ann@[192.0.2.1]",
        '"a b"@example.org',
        "a" * 65 + "@example.org",
        "ann@" + "a" * 250 + ".org",
    ],
)
@pytest.mark.sec("UNI-04", "UNI-05", "UNI-06", "UNI-10", "HOST-06")
def test_only_an_address_can_be_registered(
    auth: Auth, client: Client, form: Any, name: str, database: Database
) -> None:
    """A name that is none, hides something or looks like another one is refused."""
    assert auth.register(form(name), client) == Refused("invalid_username")
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(User)) == 0


def test_nobody_registers_where_it_is_off(make_auth: MakeAuth, client: Client, form: Any) -> None:
    """Registration is off by default."""
    auth = make_auth()
    assert not auth.registration_open()
    assert auth.register(form(ANN), client) == Refused("registration_disabled")
    assert make_auth(**OPEN).registration_open()


def test_a_program_fills_in_the_honeypot(auth: Auth, client: Client, form: Any) -> None:
    """Who fills in what people don't see is refused."""
    assert auth.register(form(ANN, roboter_falle="x"), client) == Refused("robot")
    assert auth.register(form(ANN, roboter_falle=""), client) == Done("registered")


def test_the_policy_decides(auth: Auth, client: Client, form: Any) -> None:
    """A weak password is refused with what to do, and trying others costs nothing of the budget."""
    for _ in range(25):
        with pytest.raises(InsecurePasswordError):
            auth.register(form(ANN, "short"), client)
    assert auth.register(form(ANN), client) == Done("registered")


@pytest.mark.sec("RATE-04", "RESET-12")
def test_registrations_are_limited(make_auth: MakeAuth, client: Client, form: Any, mails: Any, one: Any) -> None:
    """One address gets only so many mails, whether by registering or by having them sent again."""
    auth = make_auth(**OPEN, attempts={"signup": {"limit": 3}})
    auth.register(form(ANN), client)
    auth.resend(ANN, client)
    auth.resend(ANN, client)
    refused = auth.register(form(ANN), client)
    auth.resend(ANN, client)

    assert isinstance(refused, Refused)
    assert refused.code == "locked"
    assert len(mails(auth)) == 3


def test_the_mail_can_be_sent_again(auth: Auth, client: Client, form: Any, mails: Any) -> None:
    """A later link is as good as the first; nobody else is written to."""
    auth.register(form(ANN), client)
    auth.resend("Ann@example.org", client)
    auth.resend("nobody@example.org", client)
    auth.resend("\x00", client)
    first, second = mails(auth)
    assert first.to == second.to == ANN
    assert isinstance(auth.activate(second.token, client), Done)
    auth.resend(ANN, client)
    assert mails(auth) == []


@pytest.mark.sec("LINK-20")
def test_an_unconfirmed_registration_keeps_nobody_out(
    auth: Auth, client: Client, form: Any, mails: Any, one: Any
) -> None:
    """The owner registers over it, the first link is void, and the first password opens nothing."""
    intruder = replace(client, browser="the intruder's")
    auth.register(form(ANN, "an intruder's long password"), intruder)
    first = mails(auth)[0].token
    auth.register(form(ANN), client)
    second = mails(auth)[0].token

    assert auth.activate(first, client) == Refused("invalid_token")
    done = auth.activate(second, client)
    assert isinstance(done, Done)
    assert done.code == "activated"
    assert isinstance(auth.login(ANN, PASSWORD, client), LoggedIn)
    assert isinstance(auth.login(ANN, "an intruder's long password", intruder), Refused)


@pytest.mark.sec("LINK-20")
@pytest.mark.parametrize(
    "browsers", [["browser-one", "intruder", "intruder"], ["browser-one", "intruder"], [None, None]]
)
def test_of_two_who_registered_nobody_s_password_is_trusted(
    auth: Auth, client: Client, form: Any, mails: Any, one: Any, browsers: list[str | None]
) -> None:
    """Who confirms elsewhere than the last one registered chooses a password by mail first."""
    for browser in browsers:
        auth.register(form(ANN, f"the long password of {browser}"), replace(client, browser=browser))
    outcomes = [auth.activate(mail.token, client) for mail in mails(auth)]
    (done,) = [outcome for outcome in outcomes if isinstance(outcome, Done)]
    assert done.code == "activated_without_password"
    assert one(username=ANN).password_hash == ""
    for browser in browsers:
        assert isinstance(auth.login(ANN, f"the long password of {browser}", client), Refused)
    (mail,) = mails(auth)
    assert auth.reset(mail.token, ANN, "a sentence of the real owner", client).code == "password_reset"
    assert isinstance(auth.login(ANN, "a sentence of the real owner", client), LoggedIn)


@pytest.mark.sec("LINK-20", "LINK-22")
def test_a_provider_s_person_comes_in_past_it(
    make_auth: MakeAuth, client: Client, form: Any, staff: KnownPeople, one: Any
) -> None:
    """A federated login of the same name makes a fresh account; nothing of the unconfirmed one is left."""
    staff.people["dora"] = ("dora's password", person("staff", "id-dora", ANN, email=ANN, groups=frozenset({"staff"})))
    auth = make_auth(staff, **OPEN)
    auth.register(form(ANN, "an intruder's long password"), client)
    before = one(username=ANN)
    outcome = auth.login("dora", "dora's password", client)

    assert isinstance(outcome, LoggedIn)
    after = one(username=ANN)
    assert (after.id != before.id, after.source, after.password_hash) == (True, "staff", "")


@pytest.mark.sec("LINK-20")
def test_a_refused_provider_s_person_takes_nothing_away(
    make_auth: MakeAuth, client: Client, form: Any, staff: KnownPeople, one: Any
) -> None:
    """Who gets no account deletes no registration either."""
    block = staff.settings.model_copy(update={"provision": False})
    people = {"dora": ("dora's password", person("staff", "id-dora", ANN, groups=frozenset({"staff"})))}
    auth = make_auth(KnownPeople(name="staff", settings=block, people=people), **OPEN)
    auth.register(form(ANN), client)

    assert isinstance(auth.login("dora", "dora's password", client), Refused)
    assert not one(username=ANN).active


@pytest.mark.sec("LINK-25")
def test_unconfirmed_registrations_are_deleted(
    auth: Auth, client: Client, form: Any, add: Callable[..., User], database: Database, clock: FakeClock
) -> None:
    """After a while they are gone; whoever an operator deactivated stays."""
    auth.register(form(ANN), client)
    add("inactive", active=False)
    clock.advance(timedelta(hours=72))
    auth.register(form("bob@example.org"), client)
    with database.unit() as db:
        assert delete_unverified(db, clock() - timedelta(hours=1)) == 1
    with database.read() as db:
        assert set(db.scalars(select(User.username))) == {"inactive", "bob@example.org"}


@pytest.mark.sec("ASVS-15.3.3")
def test_nobody_registers_with_a_role(auth: Auth, client: Client, form: Any, one: Any) -> None:
    """What else was typed has no effect."""
    auth.register(form(ANN, role="admin", active="1"), client)

    assert (one(username=ANN).role, one(username=ANN).active) == ("member", False)


@pytest.mark.sec("RACE-10")
def test_one_address_at_once_is_one_account(auth: Auth, client: Client, form: Any, database: Database) -> None:
    """Everybody gets the normal answer, and there is one row."""
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: auth.register(form(ANN), client), range(8)))

    assert set(outcomes) == {Done("registered")}
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(User)) == 1


def test_the_application_is_told(make_auth: MakeAuth, client: Client, form: Any) -> None:
    """``on_register`` is called with the new user, in the same unit of work."""
    seen: list[str] = []
    hooks = Hooks(on_register=lambda _db, user, _client: seen.append(user.username))
    make_auth(hooks=hooks, **OPEN).register(form(ANN), client)

    assert seen == [ANN]


@pytest.mark.sec("ENUM-05", "ENUM-11")
@pytest.mark.parametrize("what", ["register", "resend", "recover"])
def test_known_and_unknown_addresses_ask_the_database_as_much(
    auth: Auth, client: Client, form: Any, add: Callable[..., User], what: str, statements: Any
) -> None:
    """What is written and read is the same in kind and number, whoever the address belongs to."""
    if what == "resend":
        auth.register(form(ANN), client)
    else:
        add(ANN)

    def ask(address: str) -> None:
        if what == "register":
            auth.register(form(address), client)
        else:
            getattr(auth, what)(address, client)

    assert statements(lambda: ask(ANN)) == statements(lambda: ask("bob@example.org"))
