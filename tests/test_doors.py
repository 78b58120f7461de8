from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from passlib import hash as hashes
from sqlalchemy import func, select

from onegov_auth.accounts import Hooks
from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import Callback, Client
from onegov_auth.models import AuthEvent, LoginAttempt, User, UserSession
from onegov_auth.outcomes import EnrolmentRequired, LoggedIn, LoggedOut, Redirect, Refused, Unavailable
from onegov_auth.passwords import Hasher
from onegov_auth.providers import ProviderSettings
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.providers import KnownIssuer, KnownPeople, person

MakeAuth = Callable[..., Auth]
PASSWORD = "correct horse battery staple"
BLOCK = ProviderSettings(kind="known-people", roles={"member": ("*",)})
DORA = person("staff", "id-dora", "dora@example.org", realname="Dora", groups=frozenset({"staff"}))


def events(database: Database) -> list[tuple[str, str | None]]:
    with database.read() as db:
        return [(row.type, row.code) for row in db.scalars(select(AuthEvent).order_by(AuthEvent.created, AuthEvent.id))]


def count(database: Database, model: type[Any]) -> int:
    with database.read() as db:
        return db.scalar(select(func.count()).select_from(model)) or 0


def state(redirect: object) -> str:
    assert isinstance(redirect, Redirect)
    return parse_qs(urlsplit(redirect.url).query)["state"][0]


def callback(state: str | None, code: str = "code-1") -> Callback:
    return Callback({"code": code} if state is None else {"code": code, "state": state})


def test_a_local_password_lets_in(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, database: Database
) -> None:
    """Name and password end in a session, a row of the attempt and one of the event."""
    user = add()
    auth = make_auth()
    outcome = auth.login("ann", PASSWORD, client, to="/after")

    assert isinstance(outcome, LoggedIn)
    assert (outcome.user.id, outcome.to, outcome.created, outcome.session.provider) == (
        user.id,
        "/after",
        False,
        "local",
    )
    identity = auth.sessions.lookup(outcome.token)
    assert identity is not None
    assert identity.userid == "ann"
    assert events(database) == [("login", "ok")]
    with database.read() as db:
        assert db.scalars(select(LoginAttempt)).one().success is True
        stored = db.scalars(select(User)).one()
        assert (stored.last_login, stored.source, stored.source_id) == (auth.clock(), None, None)


@pytest.mark.parametrize("name", ["ANN", " ann ", "Ann"])
def test_the_name_may_be_spelt_differently(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, name: str
) -> None:
    """Case and surrounding space of a username don't matter."""
    add()

    assert isinstance(make_auth().login(name, PASSWORD, client), LoggedIn)


@pytest.mark.parametrize(
    ("name", "password", "code"),
    [
        ("ann", "wrong", "wrong_password"),
        ("ann", PASSWORD + " ", "wrong_password"),
        ("ann", PASSWORD.upper(), "wrong_password"),
        ("ann", PASSWORD[:-1], "wrong_password"),
        ("nobody", PASSWORD, "unknown_user"),
        ("ann\x00", PASSWORD, "unknown_user"),
        ("", PASSWORD, "unknown_user"),
        ("x" * 5000, PASSWORD, "unknown_user"),
        ("ann", "", "empty_password"),
        ("ann", "   ", "empty_password"),
        ("ann", PASSWORD + "\x00", "invalid_password"),
        ("ann", "x" * 1_000_000, "wrong_password"),
        ("ann", "\udc80", "wrong_password"),
        ("gone", PASSWORD, "inactive"),
        ("over", PASSWORD, "inactive"),
        ("external", PASSWORD, "unknown_user"),
        ("unusable", PASSWORD, "wrong_password"),
    ],
)
@pytest.mark.sec("PWD-02", "PWD-05", "PWD-08", "ASVS-6.2.8", "NIST-07", "LDAP-01")
def test_everything_else_does_not(
    make_auth: MakeAuth,
    add: Callable[..., User],
    client: Client,
    database: Database,
    name: str,
    password: str,
    code: str,
) -> None:
    """Another password, name or state of the account is refused, and the log knows why."""
    add()
    add("gone", active=False)
    add("over", disabled_utc=datetime(2000, 1, 1, tzinfo=UTC))
    add("external", password_hash="", source="staff", source_id="id-9")
    add("unusable", password_hash="!")
    outcome = make_auth().login(name, password, client)

    assert isinstance(outcome, Refused)
    assert outcome.code == code
    assert events(database) == [("login", code)]
    assert count(database, UserSession) == 0


class CountingHasher(Hasher):
    """Counts how many hashes were computed."""

    def __init__(self) -> None:
        super().__init__(cost={"argon2__memory_cost": 8, "argon2__time_cost": 1, "argon2__parallelism": 1})
        self.spent = 0

    def verify(self, clear: str, hashed: str | None) -> Any:
        """Count, and compare."""
        self.spent += 1
        return super().verify(clear, hashed)


@pytest.mark.sec("ENUM-02", "ASVS-6.3.8")
@pytest.mark.parametrize("name", ["ann", "nobody", "gone", "external", "dora", "company-made", "\x00"])
def test_every_road_costs_one_hash(
    make_settings: Callable[..., Any],
    database: Database,
    clock: FakeClock,
    client: Client,
    add: Callable[..., User],
    staff: KnownPeople,
    name: str,
) -> None:
    """Known, unknown, inactive and external people can't be told apart by the time a refusal takes."""
    add()
    add("gone", active=False)
    add("external", password_hash="", source="staff", source_id="id-9")
    add("company-made", password_hash="", source="company", source_id="id-8")
    hasher = CountingHasher()
    auth = Auth(make_settings(), database, clock=clock, hasher=hasher)
    auth.providers = {**auth.providers, "staff": staff}
    auth.login(name, "wrong", client)

    assert hasher.spent == 1


def test_a_local_password_is_shown_to_no_directory(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, staff: KnownPeople
) -> None:
    """A local user's name and password go to our own tables only, right or wrong."""
    add("dora")
    auth = make_auth(staff)
    auth.login("dora", "wrong", client)
    assert isinstance(auth.login("dora", PASSWORD, client), LoggedIn)

    assert staff.asked == []


def test_an_unknown_name_goes_to_the_directory(
    make_auth: MakeAuth, client: Client, staff: KnownPeople, database: Database
) -> None:
    """Somebody whom only the directory knows comes in and is a user with source and source id."""
    outcome = make_auth(staff).login("dora", "dora's password", client)

    assert isinstance(outcome, LoggedIn)
    assert outcome.created
    assert (outcome.user.username, outcome.user.source, outcome.user.source_id) == (
        "dora@example.org",
        "staff",
        "id-dora",
    )


def test_the_first_directory_that_knows_a_name_decides(make_auth: MakeAuth, client: Client, staff: KnownPeople) -> None:
    """A password that is wrong there is not offered to the next one."""
    second = KnownPeople(name="other", settings=BLOCK, people={"dora": ("second", person("other", "1", "dora"))})
    auth = make_auth(staff, second)

    assert isinstance(auth.login("dora", "second", client), Refused)
    assert second.asked == []
    assert isinstance(auth.login("nobody", "second", client), Refused)
    assert second.asked == ["nobody"]


def test_a_known_person_is_asked_for_at_their_own_directory(
    make_auth: MakeAuth, client: Client, staff: KnownPeople
) -> None:
    """Once known, the password goes to that directory only."""
    first = KnownPeople(name="first", settings=BLOCK)
    staff.people["dora@example.org"] = ("dora's password", DORA)
    auth = make_auth(first, staff)
    auth.login("dora", "dora's password", client)
    first.asked.clear()

    assert isinstance(auth.login("dora@example.org", "dora's password", client), LoggedIn)
    assert first.asked == []


def test_directories_can_be_skipped(make_auth: MakeAuth, client: Client, staff: KnownPeople) -> None:
    """With skip_providers only our own tables are asked."""
    outcome = make_auth(staff).login("dora", "dora's password", client, skip_providers=True)

    assert isinstance(outcome, Refused)
    assert staff.asked == []


@pytest.mark.sec("LDAP-35", "ASVS-16.5.2")
def test_a_directory_that_is_down_is_not_a_wrong_password(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, staff: KnownPeople, database: Database
) -> None:
    """Local people get in, directory people are told that nobody can say, and it costs them no attempt."""
    add()
    staff.down.add("yes")
    auth = make_auth(staff, attempts={"login": {"limit": 1}})
    for _ in range(3):
        assert auth.login("dora", "dora's password", client) == Unavailable("staff", "unreachable")
    assert isinstance(auth.login("ann", PASSWORD, client), LoggedIn)
    assert count(database, User) == 1


@pytest.mark.sec("ASVS-6.8.1", "LINK-01")
def test_no_provider_speaks_for_another(make_auth: MakeAuth, client: Client, staff: KnownPeople) -> None:
    """An identity of another source is refused."""
    staff.people["dora"] = ("dora's password", person("company", "sub-1", "eve"))
    outcome = make_auth(staff).login("dora", "dora's password", client)

    assert isinstance(outcome, Refused)
    assert outcome.code == "wrong_source"


@pytest.mark.sec("RATE-10", "ASVS-6.3.1")
def test_too_many_tries_lock_even_the_right_password(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, staff: KnownPeople
) -> None:
    """During a lockout nothing is looked at, neither here nor at a directory."""
    add()
    auth = make_auth(staff, attempts={"login": {"limit": 2}})
    for name, password in (("ann", PASSWORD), ("dora", "dora's password")):
        for _ in range(2):
            auth.login(name, "wrong", client)
        asked = len(staff.asked)
        outcome = auth.login(name, password, client)
        assert isinstance(outcome, Refused)
        assert outcome.code == "locked"
        assert len(staff.asked) == asked


@pytest.mark.sec("RATE-03", "ENUM-09")
def test_a_name_nobody_has_is_locked_as_well(make_auth: MakeAuth, add: Callable[..., User], client: Client) -> None:
    """After as many tries the answer is the same as for somebody who is there, try by try."""
    add()
    auth = make_auth(attempts={"login": {"limit": 2}})
    answers = {name: [auth.login(name, "wrong", client) for _ in range(4)] for name in ("ann", "nobody")}

    codes = {name: [getattr(answer, "code", None) for answer in given] for name, given in answers.items()}
    assert [code == "locked" for code in codes["ann"]] == [False, False, True, True]
    assert [code == "locked" for code in codes["nobody"]] == [False, False, True, True]
    assert {
        answer.retry_after for given in answers.values() for answer in given[2:] if isinstance(answer, Refused)
    } == {3601}


@pytest.mark.sec("PWD-07", "PWD-04")
@pytest.mark.parametrize("scheme", ["bcrypt", "bcrypt_sha256", "pbkdf2_sha256"])
def test_an_old_hash_is_renewed_by_logging_in(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, database: Database, scheme: str
) -> None:
    """A hash from the old systems verifies once and is argon2id afterwards; other sessions stay."""
    add(password_hash=getattr(hashes, scheme).using(rounds=4).hash(PASSWORD))
    auth = make_auth()
    first = auth.login("ann", PASSWORD, client)

    assert isinstance(first, LoggedIn)
    with database.read() as db:
        assert db.scalars(select(User.password_hash)).one().startswith("$argon2id$")
    assert isinstance(auth.login("ann", PASSWORD, client), LoggedIn)
    assert auth.sessions.lookup(first.token) is not None


@pytest.mark.parametrize("values", [{"second_factor": {"type": "yubikey", "data": "ccccccbcgujh"}}, {"role": "admin"}])
@pytest.mark.sec("ASVS-6.3.4")
def test_a_missing_second_factor_keeps_out(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, values: dict[str, Any], database: Database
) -> None:
    """Who has a factor, or must have one, is never let in by the password alone."""
    add(**values)
    auth = make_auth(second_factors={"required_for": ["admin"], "totp": {}})
    outcomes = [auth.login("ann", PASSWORD, at) for at in (client, replace(client, browser=None))]

    assert [type(outcome) for outcome in outcomes if not isinstance(outcome, Refused)] in ([], [EnrolmentRequired])
    assert count(database, UserSession) == 0


def test_logging_out_ends_the_session(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, database: Database
) -> None:
    """The session is over, on_logout was told, and the event is written."""
    add()
    seen: list[str] = []
    auth = make_auth(hooks=Hooks(on_logout=lambda _db, user, _client: seen.append(user.username)))
    outcome = auth.login("ann", PASSWORD, client)
    assert isinstance(outcome, LoggedIn)

    assert auth.logout(outcome.session, client, "/bye") == LoggedOut("/bye")
    assert auth.sessions.lookup(outcome.token) is None
    assert seen == ["ann"]
    assert events(database)[-1] == ("logout", "ok")


@pytest.mark.sec("LOG-02", "ASVS-16.2.5", "PWD-10")
def test_no_secret_is_in_any_log_or_table(
    make_auth: MakeAuth,
    add: Callable[..., User],
    client: Client,
    staff: KnownPeople,
    company: KnownIssuer,
    database: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Passwords, tokens and states leave no trace at any level."""
    add()
    auth = make_auth(staff, company)
    with caplog.at_level(logging.DEBUG):
        outcome = auth.login("ann", PASSWORD, client)
        auth.login("ann", "canary-wrong", client)
        auth.login("dora", "dora's password", client)
        begun = state(auth.start("company", client))
        auth.finish("company", callback(begun), client)
    assert isinstance(outcome, LoggedIn)

    with database.read() as db:
        rows = [str(vars(row)) for model in (AuthEvent, LoginAttempt) for row in db.scalars(select(model))]
    text = "\n".join([*rows, caplog.text, repr(outcome)])
    for secret in (PASSWORD, "canary-wrong", "dora's password", outcome.token, begun):
        assert secret not in text


@pytest.mark.sec("UNI-11", "ENUM-01", "RATE-10", "RATE-01")
def test_another_name_of_the_same_person_gives_no_further_tries(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, database: Database
) -> None:
    """The right password by the other name is looked at and not listened to; the answer is that of a wrong one."""
    add("ann", email="ann@example.org")
    auth = make_auth(attempts={"login": {"limit": 3, "within": "10m", "lockout": "1h"}})
    for _ in range(3):
        auth.login("ann", "wrong", client)

    refused = auth.login("ann@example.org", PASSWORD, client)
    assert refused == Refused("locked")
    unknown = auth.login("nobody@example.org", PASSWORD, client)
    assert isinstance(unknown, Refused)
    assert refused == replace(unknown, code="locked", steps=())
    with database.read() as db:
        row = db.scalars(select(LoginAttempt).where(LoginAttempt.user_input == "ann@example.org")).one()
    assert (row.success, row.code, row.person) == (False, "locked", None)


@pytest.mark.sec("RATE-01", "SESS-12")
def test_the_owners_browser_is_never_locked_by_others(
    make_auth: MakeAuth, add: Callable[..., User], client: Client
) -> None:
    """Who logged in here before comes in here, while the account is locked everywhere else."""
    add("ann")
    auth = make_auth(attempts={"login": {"limit": 3, "within": "10m", "lockout": "1h"}})
    entered = auth.login("ann", PASSWORD, replace(client, device=""))
    assert isinstance(entered, LoggedIn)
    for _ in range(4):
        auth.login("ann", "wrong", client)

    assert isinstance(auth.login("ann", PASSWORD, client), Refused)
    assert isinstance(auth.login("ann", PASSWORD, replace(client, device=entered.device)), LoggedIn)
    auth.login("ann", "wrong", client)
    assert isinstance(auth.login("ann", PASSWORD, client), LoggedIn)
