from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import func, select

from onegov_auth.accounts import Hooks
from onegov_auth.attempts import Attempt
from onegov_auth.auth import Auth
from onegov_auth.collections import UserCollection
from onegov_auth.database import Database
from onegov_auth.domain import Callback, Client, Password
from onegov_auth.models import AuthEvent, LoginAttempt, User, UserIdentity, UserSession
from onegov_auth.outcomes import LoggedIn, LoggedOut, Redirect, Refused, StepRequired, Unavailable
from onegov_auth.passwords import Hasher
from onegov_auth.providers import ProviderSettings
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.providers import KnownIssuer, KnownPeople, person

MakeAuth = Callable[..., Auth]
PASSWORD = "correct horse battery staple"
BLOCK = ProviderSettings(kind="known-people", roles={"member": ("*",)})
DORA = person("staff", "id-dora", "dora@example.org", realname="Dora", groups=frozenset({"staff"}))


@pytest.fixture(name="add")
def _add(database: Database, hasher: Hasher) -> Callable[..., User]:
    def add(username: str = "ann", **values: Any) -> User:
        with database.unit() as db:
            user = User(**{"username": username, "password_hash": hasher.hash(PASSWORD), "role": "member", **values})
            db.add(user)
        return user

    return add


@pytest.fixture(name="staff")
def _staff() -> KnownPeople:
    return KnownPeople(name="staff", settings=BLOCK, people={"dora": ("dora's password", DORA)})


@pytest.fixture(name="company")
def _company() -> KnownIssuer:
    return KnownIssuer(
        name="company",
        settings=replace_kind(BLOCK),
        people={"code-1": person("company", "sub-1", "eve@example.org", email="eve@example.org")},
    )


def replace_kind(block: ProviderSettings) -> ProviderSettings:
    return block.model_copy(update={"kind": "known-issuer"})


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


@pytest.mark.sec("PWD-07", "PWD-04")
@pytest.mark.parametrize("scheme", ["bcrypt", "bcrypt_sha256", "pbkdf2_sha256"])
def test_an_old_hash_is_renewed_by_logging_in(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, database: Database, scheme: str
) -> None:
    """A hash from the old systems verifies once and is argon2id afterwards; other sessions stay."""
    from passlib import hash as hashes  # noqa: PLC0415

    add(password_hash=getattr(hashes, scheme).using(rounds=4).hash(PASSWORD))
    auth = make_auth()
    first = auth.login("ann", PASSWORD, client)

    assert isinstance(first, LoggedIn)
    with database.read() as db:
        assert db.scalars(select(User.password_hash)).one().startswith("$argon2id$")
    assert isinstance(auth.login("ann", PASSWORD, client), LoggedIn)
    assert auth.sessions.lookup(first.token) is not None


@pytest.mark.sec("RACE-14")
def test_a_password_changed_meanwhile_lets_nobody_in_by_the_old_one(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, database: Database, hasher: Hasher
) -> None:
    """Between comparing and opening the session the password was changed: refused."""
    add()
    auth = make_auth()
    verdict = auth.local.verify("ann", Password(PASSWORD))
    with database.unit() as db:
        db.scalars(select(User)).one().password_hash = hasher.hash("a new password")

    from onegov_auth.road import Door  # noqa: PLC0415

    outcome = auth.road.complete(verdict, Door(client=client, username="ann"))
    assert isinstance(outcome, Refused)
    assert outcome.code == "password_changed"


@pytest.mark.parametrize("values", [{"second_factor": {"type": "yubikey", "data": "ccccccbcgujh"}}, {"role": "admin"}])
@pytest.mark.sec("ASVS-6.3.4")
def test_a_missing_second_factor_keeps_out(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, values: dict[str, Any], database: Database
) -> None:
    """Who has a factor, or must have one, is never let in by the password alone."""
    add(**values)
    outcome = make_auth(second_factors={"required_for": ["admin"]}).login("ann", PASSWORD, client)

    assert isinstance(outcome, Refused)
    assert outcome.code == "factor_unavailable"
    assert count(database, UserSession) == 0


def test_hooks_are_part_of_the_login(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, database: Database
) -> None:
    """on_login is told who came in; if it fails, nobody is in."""
    add()
    seen: list[str] = []
    auth = make_auth(hooks=Hooks(on_login=lambda _db, user, _client: seen.append(user.username)))
    auth.login("ann", PASSWORD, client)
    assert seen == ["ann"]

    def broken(*_: object) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        make_auth(hooks=Hooks(on_login=broken)).login("ann", PASSWORD, client)
    assert count(database, UserSession) == 1


def test_a_redirect_provider_lets_in(
    make_auth: MakeAuth, client: Client, company: KnownIssuer, database: Database
) -> None:
    """Sent away and back again, somebody is a user with source and source id."""
    auth = make_auth(company)
    redirect = auth.start("company", client, "/after", remember=True)
    outcome = auth.finish("company", callback(state(redirect)), client)

    assert isinstance(outcome, LoggedIn)
    assert (outcome.to, outcome.session.remember) == ("/after", True)
    assert (outcome.user.source, outcome.user.source_id) == ("company", "sub-1")
    assert events(database) == [("login", "ok")]


@pytest.mark.sec("OIDCX-10", "OIDCX-11", "OIDCX-32", "OAUTH-04", "OAUTH-14")
@pytest.mark.parametrize(
    "trouble", ["no state", "foreign state", "other browser", "replayed", "expired", "other provider"]
)
def test_a_callback_that_is_not_ours_is_refused(
    make_auth: MakeAuth, client: Client, company: KnownIssuer, clock: FakeClock, trouble: str, database: Database
) -> None:
    """A callback works once, soon, in the browser and at the provider it was begun with."""
    other = KnownIssuer(name="other", settings=company.settings, people=company.people)
    auth = make_auth(company, other)
    good = state(auth.start("company", client))
    provider, browser, sent = "company", client, callback(good)
    if trouble == "no state":
        sent = callback(None)
    elif trouble == "foreign state":
        sent = callback("x" * 43)
    elif trouble == "other browser":
        browser = replace(client, browser="another")
    elif trouble == "replayed":
        auth.finish("company", sent, client)
    elif trouble == "expired":
        clock.advance(timedelta(minutes=10))
    else:
        provider = "other"
    sessions = count(database, UserSession)
    outcome = auth.finish(provider, sent, browser)

    assert isinstance(outcome, Refused)
    assert outcome.code in {"missing_state", "unknown_transaction", "expired_transaction"}
    assert count(database, UserSession) == sessions


def test_an_issuer_that_is_down_is_told_as_such(
    make_auth: MakeAuth, client: Client, company: KnownIssuer, database: Database
) -> None:
    """Neither the way there nor the way back is a refusal."""
    auth = make_auth(company)
    begun = state(auth.start("company", client))
    company.down.add("yes")

    assert auth.start("company", client) == Unavailable("company", "unreachable")
    assert auth.finish("company", callback(begun), client) == Unavailable("company", "unreachable")
    assert events(database) == [("login", "unreachable")] * 2


@pytest.mark.parametrize("provider", ["nobody", "local"])
def test_an_unknown_provider_is_refused(make_auth: MakeAuth, client: Client, provider: str) -> None:
    """A name that is no redirect provider starts and finishes nothing."""
    auth = make_auth()

    assert auth.start(provider, client) == Refused("unknown_provider")
    assert auth.finish(provider, callback("x"), client) == Refused("unknown_provider")


def test_a_browser_without_cookies_cant_be_sent_away(make_auth: MakeAuth, client: Client, company: KnownIssuer) -> None:
    """Nothing begins that could not be bound to a browser."""
    assert make_auth(company).start("company", replace(client, browser=None)) == Refused("no_browser")


@pytest.mark.sec("RACE-11")
def test_fifty_first_logins_at_once_make_one_user(
    make_auth: MakeAuth, client: Client, staff: KnownPeople, database: Database
) -> None:
    """The same new person in fifty browsers at once is one user, one identity and fifty sessions."""
    auth = make_auth(staff, attempts={"login": {"limit": 100}}, sessions={"max_per_user": 100})
    barrier = threading.Barrier(50)
    outcomes: list[object] = []

    def work(number: int) -> None:
        browser = replace(client, browser=f"browser-{number}")
        barrier.wait()
        outcomes.append(auth.login("dora", "dora's password", browser))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(outcomes) == 50
    assert all(isinstance(outcome, LoggedIn) for outcome in outcomes)
    assert sum(outcome.created for outcome in outcomes if isinstance(outcome, LoggedIn)) == 1
    assert (count(database, User), count(database, UserIdentity), count(database, UserSession)) == (1, 1, 50)


@pytest.fixture(name="pending")
def _pending(make_auth: MakeAuth, add: Callable[..., User], client: Client, company: KnownIssuer) -> tuple[Auth, str]:
    """An external identity that waits for its local account to be proven."""
    add("eve@example.org")
    auth = make_auth(replace(company, settings=company.settings.model_copy(update={"link": "prove"})))
    step = auth.finish("company", callback(state(auth.start("company", client, "/after"))), client)
    assert isinstance(step, StepRequired)
    assert step.step == "prove"
    return auth, step.transaction.id


@pytest.mark.sec("LINK-09")
def test_proving_the_local_account_links_it(pending: tuple[Auth, str], client: Client, database: Database) -> None:
    """The local password links the waiting identity, which lets in by itself from then on."""
    auth, link = pending
    outcome = auth.login("eve@example.org", PASSWORD, client, link=link)

    assert isinstance(outcome, LoggedIn)
    with database.read() as db:
        identity = db.scalars(select(UserIdentity)).one()
        assert (identity.user_id, identity.proof) == (outcome.user.id, "password")
        assert UserCollection(db).by_source_id("company", "sub-1") is not None
    again = auth.finish("company", callback(state(auth.start("company", client))), client)
    assert isinstance(again, LoggedIn)
    assert isinstance(auth.login("eve@example.org", PASSWORD, client), LoggedIn)


@pytest.mark.sec("LINK-09", "LINK-13")
@pytest.mark.parametrize("trouble", ["wrong password", "other user", "other browser", "used", "expired", "foreign"])
def test_nothing_else_links(
    pending: tuple[Auth, str],
    add: Callable[..., User],
    client: Client,
    clock: FakeClock,
    database: Database,
    trouble: str,
) -> None:
    """Another account, password or browser, or the link used before: nothing new is linked."""
    auth, link = pending
    add("mallory")
    name, password, browser = "eve@example.org", PASSWORD, client
    if trouble == "wrong password":
        password = "wrong"
    elif trouble == "other user":
        name = "mallory"
    elif trouble == "other browser":
        browser = replace(client, browser="another")
    elif trouble == "used":
        auth.login(name, password, client, link=link)
    elif trouble == "expired":
        clock.advance(timedelta(minutes=10))
    else:
        link = "x" * 43
    links = count(database, UserIdentity)

    assert isinstance(auth.login(name, password, browser, link=link), Refused)
    assert count(database, UserIdentity) == links
    assert links == (1 if trouble == "used" else 0)


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


def test_a_redirect_provider_is_logged_out_of_as_well(
    make_auth: MakeAuth, client: Client, company: KnownIssuer
) -> None:
    """Where the provider has a logout of its own, the outcome says where."""
    auth = make_auth(company)
    outcome = auth.finish("company", callback(state(auth.start("company", client))), client)
    assert isinstance(outcome, LoggedIn)

    assert auth.logout(outcome.session, client) == LoggedOut("/", None)


def test_identity_and_user_lead_to_each_other(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, database: Database
) -> None:
    """as_identity says what a look-up says, and by_identity finds the user again."""
    user = add()
    auth = make_auth()
    outcome = auth.login("ann", PASSWORD, client)
    assert isinstance(outcome, LoggedIn)
    identity = auth.sessions.lookup(outcome.token)
    assert identity is not None
    with database.read() as db:
        loaded = auth.by_identity(identity, db)
        assert loaded is not None
        assert loaded.id == user.id
        assert auth.as_identity(loaded, outcome.session) == identity
        assert auth.by_identity(replace(identity, userid="nobody", uid="0" * 32), db) is None


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


def test_an_attempt_and_its_outcome_are_two_commits(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, database: Database
) -> None:
    """The attempt is there before the provider is asked, whatever becomes of it."""
    add()
    seen: list[int] = []

    class Watching(KnownPeople):
        def authenticate(self, username: str, password: Password) -> Any:
            seen.append(count(database, LoginAttempt))
            raise RuntimeError("a defect in a provider")

    auth = make_auth(Watching(name="staff", settings=BLOCK))
    with pytest.raises(RuntimeError):
        auth.login("dora", "x", client)

    assert seen == [1]
    assert isinstance(auth.attempts.admit("login", "dora", client), Attempt)
    assert count(database, UserSession) == 0
