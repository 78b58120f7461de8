"""Steps at login: no road walks past one, and taking it lets in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import func, select

from onegov_auth.accounts import Hooks
from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import Callback, Client
from onegov_auth.errors import InsecurePasswordError
from onegov_auth.models import User, UserSession
from onegov_auth.outcomes import Done, LoggedIn, Proof, Redirect, Refused, StepRequired
from onegov_auth.providers import ProviderSettings, RequestProvider
from onegov_auth.steps import LoginStep, PendingStep
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.providers import KnownIssuer, KnownPeople, person

MakeAuth = Callable[..., Auth]
PASSWORD = "correct horse battery staple"
NEW = "an entirely different sentence"
ANN = "ann@example.org"
TERMS = {"steps": {"terms": {"version": "2026", "url": "/terms"}}}
ACCEPT = {"accept": "yes"}


def sessions(database: Database) -> int:
    with database.read() as db:
        return db.scalar(select(func.count()).select_from(UserSession)) or 0


def required(outcome: object, step: str) -> str:
    """The transaction of a step that is required."""
    assert isinstance(outcome, StepRequired), outcome
    assert outcome.step == step
    return outcome.transaction.id


def callback(redirect: object) -> Callback:
    assert isinstance(redirect, Redirect), redirect
    return Callback({"code": "code-1", "state": parse_qs(urlsplit(redirect.url).query)["state"][0]})


@dataclass(frozen=True, kw_only=True)
class Badge(RequestProvider):
    """A request that proves who sends it."""

    kind: ClassVar[str] = "badge"

    def authenticate_request(self, headers: Any, client: Client) -> Any:
        """Always the same person."""
        return Proof(person("badge", "b-1", "kim@example.org"))


def password(auth: Auth, client: Client, _mails: Any) -> object:
    """By the local password."""
    return auth.login(ANN, PASSWORD, client)


def directory(auth: Auth, client: Client, _mails: Any) -> object:
    """By a directory's password, as somebody new."""
    return auth.login("dora", "dora's password", client)


def redirect(auth: Auth, client: Client, _mails: Any) -> object:
    """By way of an issuer."""
    return auth.finish("company", callback(auth.start("company", client)), client)


def request(auth: Auth, client: Client, _mails: Any) -> object:
    """By what the request proves."""
    return auth.authenticate_request("badge", {}, client)[0]


def program(auth: Auth, client: Client, _mails: Any) -> object:
    """By a program without a browser."""
    return auth.login(ANN, PASSWORD, replace(client, browser=None))


def prove(auth: Auth, client: Client, _mails: Any) -> object:
    """By proving the local account before it is linked."""
    asked = auth.finish("proving", callback(auth.start("proving", client)), client)
    return auth.login(ANN, PASSWORD, client, link=required(asked, "prove"))


def reset(auth: Auth, client: Client, mails: Any) -> object:
    """By choosing another password."""
    auth.recover(ANN, client)
    return auth.reset(mails(auth)[0].token, ANN, NEW, client)


def activation(auth: Auth, client: Client, mails: Any) -> object:
    """By confirming a registration."""
    from types import SimpleNamespace  # noqa: PLC0415 - for this one road

    fields = {"username": "new@example.org", "password": NEW}
    auth.register(SimpleNamespace(**{name: SimpleNamespace(data=data) for name, data in fields.items()}), client)
    return auth.activate(mails(auth)[0].token, client)


@pytest.fixture(name="everybody")
def _everybody(
    make_auth: MakeAuth, add: Callable[..., User], company: KnownIssuer, staff: KnownPeople
) -> Callable[..., Auth]:
    def make(**changes: Any) -> Auth:
        add(ANN, email=ANN, email_verified=True)
        block = ProviderSettings(kind="known-issuer", roles={"member": ("*",)}, link="prove")
        proving = KnownIssuer(
            name="proving", settings=block, people={"code-1": person("proving", "p-1", ANN, email=ANN)}
        )
        badge = Badge(name="badge", settings=ProviderSettings(kind="badge", roles={"member": ("*",)}))
        return make_auth(company, staff, proving, badge, registration={"enabled": True}, **changes)

    return make


@pytest.mark.sec("ASVS-2.3.1", "MFA-13")
@pytest.mark.parametrize("road", [password, directory, redirect, request, program, prove, reset, activation])
def test_no_road_walks_past_a_step(
    everybody: Callable[..., Auth], client: Client, database: Database, mails: Any, road: Any
) -> None:
    """Whichever way somebody comes, there is no session before the step is taken."""
    auth = everybody(**TERMS)
    outcome = road(auth, client, mails)

    assert isinstance(outcome, StepRequired | Done), outcome
    assert sessions(database) == 0
    if isinstance(outcome, StepRequired) and road is not program:
        assert isinstance(auth.take_step(outcome.transaction.id, "accept_terms", ACCEPT, client), LoggedIn)
        assert sessions(database) == 1


def test_a_login_goes_on_after_its_step(everybody: Callable[..., Auth], client: Client, one: Any, told: Any) -> None:
    """The page learns what to show; afterwards the person is in, where they wanted to go, and isn't asked again."""
    auth = everybody(**TERMS)
    id_ = required(auth.login(ANN, PASSWORD, client, to="/after", remember=True), "accept_terms")
    shown = {"version": "2026", "url": "/terms"}
    assert auth.pending_step(id_, client) == PendingStep("accept_terms", ANN, shown, "/after")
    outcome = auth.take_step(id_, "accept_terms", ACCEPT, client)

    assert isinstance(outcome, LoggedIn)
    assert (outcome.to, outcome.session.remember, outcome.session.provider) == ("/after", True, "local")
    assert one(username=ANN).data["terms"]["version"] == "2026"
    assert isinstance(auth.login(ANN, PASSWORD, client), LoggedIn)
    assert told() == [("login", "step"), ("step", "ok"), ("login", "ok"), ("login", "ok")]
    assert auth.pending_step(id_, client) is None


def test_who_was_made_by_this_login_still_is(everybody: Callable[..., Auth], client: Client, company: Any) -> None:
    """What the provider said is kept over the step: the session, the logout hint, who is new."""
    known = company.people["code-1"]
    authn = replace(known.authn, session_id="sid-1", logout_hint="hint", refresh_token="refresh")
    company.people["code-1"] = replace(known, authn=authn)
    auth = everybody(**TERMS)
    outcome = auth.take_step(required(redirect(auth, client, None), "accept_terms"), "accept_terms", ACCEPT, client)

    assert isinstance(outcome, LoggedIn)
    assert (outcome.created, outcome.session.provider_session, outcome.session.logout_hint) == (True, "sid-1", "hint")


@pytest.mark.parametrize("version", ["2026", "2027"])
def test_another_version_is_asked_for_again(everybody: Callable[..., Auth], client: Client, version: str) -> None:
    """Who accepted an earlier text is asked about the present one."""
    auth = everybody(**TERMS)
    auth.take_step(required(auth.login(ANN, PASSWORD, client), "accept_terms"), "accept_terms", ACCEPT, client)
    later = Auth(
        auth.settings.model_copy(
            update={
                "steps": auth.settings.steps.model_copy(
                    update={"terms": auth.settings.steps.terms.model_copy(update={"version": version})}  # type: ignore[union-attr]  # there are
                )
            }
        ),
        auth.database,
        clock=auth.clock,
        hasher=auth.hasher,
    )
    assert isinstance(later.login(ANN, PASSWORD, client), LoggedIn if version == "2026" else StepRequired)


@pytest.mark.parametrize(
    ("step", "answer", "code"),
    [
        ("accept_terms", {}, "terms_not_accepted"),
        ("change_password", ACCEPT, "unknown_step"),
        ("x", {}, "unknown_step"),
    ],
)
def test_a_wrong_answer_leaves_the_step_pending(
    everybody: Callable[..., Auth], client: Client, database: Database, step: str, answer: Mapping[str, str], code: str
) -> None:
    """Nobody is in by it, and the right answer is still taken."""
    auth = everybody(**TERMS)
    id_ = required(auth.login(ANN, PASSWORD, client), "accept_terms")
    assert auth.take_step(id_, step, answer, client) == Refused(code)
    assert sessions(database) == 0
    assert isinstance(auth.take_step(id_, "accept_terms", ACCEPT, client), LoggedIn)


@pytest.mark.sec("ASVS-10.1.2", "OAUTH-04")
@pytest.mark.parametrize("case", ["browser", "time", "twice", "forged", "none"])
def test_a_step_is_taken_once_in_time_by_the_browser_that_began(
    everybody: Callable[..., Auth], client: Client, database: Database, clock: FakeClock, case: str
) -> None:
    """Anybody else, anything later, and a second time opens nothing."""
    auth = everybody(**TERMS)
    id_ = required(auth.login(ANN, PASSWORD, client), "accept_terms")
    there = 0
    if case == "browser":
        client = replace(client, browser="another")
    elif case == "time":
        clock.advance(timedelta(minutes=11))
    elif case == "twice":
        auth.take_step(id_, "accept_terms", ACCEPT, client)
        there = 1
    elif case == "forged":
        id_ = id_[:-1]
    outcome = auth.take_step(None if case == "none" else id_, "accept_terms", ACCEPT, client)

    assert isinstance(outcome, Refused)
    assert sessions(database) == there


@pytest.mark.sec("RACE-13", "RACE-14", "LINK-18")
@pytest.mark.parametrize("change", ["password", "inactive", "disabled", "gone"])
def test_what_changed_meanwhile_counts(
    everybody: Callable[..., Auth], client: Client, database: Database, change: str, hasher: Any
) -> None:
    """A password that was changed, or an account that was deactivated or deleted, before the step was taken."""
    auth = everybody(**TERMS)
    id_ = required(auth.login(ANN, PASSWORD, client), "accept_terms")
    with database.unit() as db:
        user = db.scalars(select(User)).one()
        if change == "password":
            user.password_hash = hasher.hash(NEW)
        elif change == "inactive":
            user.active = False
        elif change == "disabled":
            user.disabled_utc = user.created - timedelta(days=1)
        else:
            db.delete(user)
    outcome = auth.take_step(id_, "accept_terms", ACCEPT, client)

    assert isinstance(outcome, Refused)
    assert sessions(database) == 0


@pytest.mark.sec("LINK-18")
@pytest.mark.parametrize("change", ["frozen", "unlinked", "anonymous"])
def test_what_changed_at_the_identity_counts(
    everybody: Callable[..., Auth], client: Client, database: Database, change: str
) -> None:
    """A link that was frozen or taken away, or the last role, before the step was taken."""
    auth = everybody(**TERMS)
    id_ = required(redirect(auth, client, None), "accept_terms")
    with database.unit() as db:
        user = db.scalars(select(User).filter_by(username="eve@example.org")).one()
        if change == "frozen":
            user.identities[0].frozen = True
        elif change == "unlinked":
            db.delete(user.identities[0])
        else:
            user.role = "anonymous"
    assert isinstance(auth.take_step(id_, "accept_terms", ACCEPT, client), Refused)
    assert sessions(database) == 0


@pytest.mark.sec("RACE-08")
def test_a_step_taken_twenty_times_at_once_opens_one_session(
    everybody: Callable[..., Auth], client: Client, database: Database
) -> None:
    """The transaction is consumed once."""
    auth = everybody(**TERMS)
    id_ = required(auth.login(ANN, PASSWORD, client), "accept_terms")
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: auth.take_step(id_, "accept_terms", ACCEPT, client), range(20)))

    assert sum(isinstance(outcome, LoggedIn) for outcome in outcomes) == 1
    assert sessions(database) == 1


@pytest.mark.sec("NIST-05", "ASVS-6.4.1")
def test_a_password_that_has_to_be_changed(
    everybody: Callable[..., Auth], client: Client, database: Database, mails: Any
) -> None:
    """Of whom it was demanded, gets in with another password only, and is asked once."""
    auth = everybody()
    with database.unit() as db:
        db.scalars(select(User)).one().require_step("change_password")
    id_ = required(auth.login(ANN, PASSWORD, client), "change_password")
    with pytest.raises(InsecurePasswordError):
        auth.take_step(id_, "change_password", {"password": "short"}, client)
    assert auth.take_step(id_, "change_password", {"password": PASSWORD}, client) == Refused("same_password")
    assert isinstance(auth.take_step(id_, "change_password", {"password": NEW}, client), LoggedIn)
    assert isinstance(auth.login(ANN, NEW, client), LoggedIn)
    assert [mail.to for mail in mails(auth)] == [ANN]


def test_a_reset_is_a_change_as_well(
    everybody: Callable[..., Auth], client: Client, database: Database, mails: Any
) -> None:
    """Who chose another password by mail is not asked for one more."""
    auth = everybody()
    with database.unit() as db:
        db.scalars(select(User)).one().require_step("change_password")
    assert isinstance(reset(auth, client, mails), Done)
    assert isinstance(auth.login(ANN, NEW, client), LoggedIn)


def test_a_profile_is_completed(everybody: Callable[..., Auth], client: Client, one: Any) -> None:
    """What is missing is asked for, and nothing else of the user can be set by it."""
    auth = everybody(steps={"profile": ["realname", "phone_number"]})
    id_ = required(auth.login(ANN, PASSWORD, client), "complete_profile")
    pending = auth.pending_step(id_, client)
    assert pending is not None
    assert pending.shown == {"fields": ["realname", "phone_number"], "values": {"realname": "", "phone_number": ""}}
    assert auth.take_step(id_, "complete_profile", {"realname": "Ann"}, client) == Refused("missing_fields")
    answer = {"realname": " Ann\nAble", "phone_number": "1", "role": "admin"}
    assert isinstance(auth.take_step(id_, "complete_profile", answer, client), LoggedIn)
    ann = one(username=ANN)
    assert (ann.realname, ann.phone_number, ann.role) == ("AnnAble", "1", "member")


def test_steps_come_one_after_the_other(everybody: Callable[..., Auth], client: Client, database: Database) -> None:
    """Each is a transaction of its own, and the session comes with the last."""
    auth = everybody(steps={"profile": ["realname"], "terms": {"version": "1", "url": "https://example.org/terms"}})
    first = required(auth.login(ANN, PASSWORD, client), "accept_terms")
    second = required(auth.take_step(first, "accept_terms", ACCEPT, client), "complete_profile")
    assert sessions(database) == 0
    assert isinstance(auth.take_step(second, "complete_profile", {"realname": "Ann"}, client), LoggedIn)


@dataclass(frozen=True)
class Survey(LoginStep):
    """An application's own step."""

    name: ClassVar[str] = "survey"

    def needed(self, db: Any, user: User) -> bool:
        """Who has not answered."""
        del db
        return "survey" not in user.data

    def take(self, db: Any, user: User, answer: Mapping[str, str], client: Client) -> Refused | None:
        """Keep the answer."""
        del db, client
        user.data["survey"] = answer.get("mood", "")
        return None


def test_an_application_has_its_own(
    everybody: Callable[..., Auth], make_auth: MakeAuth, client: Client, one: Any
) -> None:
    """It is asked for like the built-in ones."""
    everybody()
    auth = make_auth(hooks=Hooks(login_steps=(Survey(),)))
    id_ = required(auth.login(ANN, PASSWORD, client), "survey")
    pending = auth.pending_step(id_, client)
    assert pending is not None
    assert pending.shown == {}
    assert isinstance(auth.take_step(id_, "survey", {"mood": "fine"}, client), LoggedIn)
    assert one(username=ANN).data["survey"] == "fine"


def test_a_step_that_nobody_knows_keeps_out(everybody: Callable[..., Auth], client: Client, database: Database) -> None:
    """Somebody demanded it, and an application that lost it lets nobody past."""
    auth = everybody()
    with database.unit() as db:
        db.scalars(select(User)).one().require_step("gone")
    outcome = auth.login(ANN, PASSWORD, client)

    assert outcome == Refused("step_unavailable")
    assert sessions(database) == 0


def test_a_pending_step_of_another_application_shows_nothing(
    everybody: Callable[..., Auth], make_auth: MakeAuth, client: Client
) -> None:
    """A page has nothing to ask for once the step is not configured any more."""
    id_ = required(everybody(**TERMS).login(ANN, PASSWORD, client), "accept_terms")
    assert make_auth().pending_step(id_, client) is None


def test_a_login_without_steps_asks_the_database_as_before(
    everybody: Callable[..., Auth], client: Client, statements: Any
) -> None:
    """Where nothing is configured and nothing demanded, no user is loaded for it."""
    auth = everybody()
    auth.login(ANN, PASSWORD, client)
    assert statements(lambda: auth.login(ANN, PASSWORD, client)) == []
