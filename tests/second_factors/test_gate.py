"""No road walks past a second factor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import delete, select

from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import AuthnContext, Callback, Client
from onegov_auth.factors import EnrolmentForm
from onegov_auth.models import User, UserIdentity, UserSession
from onegov_auth.outcomes import Done, EnrolmentRequired, FactorRequired, LoggedIn, Proof, Refused, StepRequired
from onegov_auth.providers import ProviderSettings, RequestProvider
from onegov_auth.testing.providers import KnownIssuer, KnownPeople, person

MakeAuth = Callable[..., Auth]
Code = Callable[..., str]
PASSWORD = "correct horse battery staple"
NEW = "an entirely different sentence"
ANN = "ann@example.org"
EVERYBODY = {"roles": {"member": ("*",)}}
APP = {"type": "totp", "data": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}
REQUIRED = {"totp": {}, "recovery_codes": {}, "required_for": ["member", "admin"]}


class TrustingSettings(ProviderSettings):
    """A block with the key that OpenID Connect has."""

    trust_amr: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Badge(RequestProvider):
    """A request that proves who sends it."""

    kind: ClassVar[str] = "badge"

    def authenticate_request(self, headers: Any, client: Client) -> Any:
        """Always the same person."""
        return Proof(person("badge", "b-1", "kim@example.org"))


def callback(redirect: Any, code: str = "code-1") -> Callback:
    return Callback({"code": code, "state": parse_qs(urlsplit(redirect.url).query)["state"][0]})


def password(auth: Auth, client: Client) -> object:
    """By the local password."""
    return auth.login(ANN, PASSWORD, client)


def remembered(auth: Auth, client: Client) -> object:
    """Wanting to stay logged in, with a forged cookie."""
    return auth.login(ANN, PASSWORD, replace(client, trusted="forged", device=""), remember=True)


def both_at_once(auth: Auth, client: Client) -> object:
    """With a code beside the password that no factor takes there."""
    return auth.login(ANN, PASSWORD, client, second_factor="123456")


def program(auth: Auth, client: Client) -> object:
    """By a program without a browser."""
    return auth.login(ANN, PASSWORD, replace(client, browser=None))


def program_with_code(auth: Auth, client: Client) -> object:
    """By a program that sends any code."""
    return auth.login(ANN, PASSWORD, replace(client, browser=None), second_factor="123456")


def directory(auth: Auth, client: Client) -> object:
    """By a directory's password."""
    return auth.login("dora", "dora's password", client)


def redirect(auth: Auth, client: Client) -> object:
    """By way of an issuer."""
    return auth.finish("company", callback(auth.start("company", client)), client)


def request(auth: Auth, client: Client) -> object:
    """By what the request proves."""
    return auth.authenticate_request("badge", {}, client)[0]


def prove(auth: Auth, client: Client) -> object:
    """By proving the local account before it is linked."""
    asked: Any = auth.finish("proving", callback(auth.start("proving", client)), client)
    return auth.login(ANN, PASSWORD, client, link=asked.transaction.id)


def verified_email(auth: Auth, client: Client) -> object:
    """By an issuer that vouches for the address of the account here."""
    return auth.finish("vouching", callback(auth.start("vouching", client)), client)


def reset(auth: Auth, client: Client) -> object:
    """By choosing another password, and logging in with it."""
    with auth.database.unit() as db:
        token = db.scalars(select(User).where(User.username == ANN)).one().token_generate()
    assert isinstance(auth.reset(token, ANN, NEW, client), Done)
    return auth.login(ANN, NEW, client)


def step_up(auth: Auth, client: Client) -> object:
    """By confirming who one is, in a session that was opened before."""
    with auth.database.read() as db:
        user = db.scalars(select(User).where(User.username == ANN)).one()
        session = auth.as_identity(user)
    return auth.confirm_identity(session, PASSWORD, client)


ROADS = [
    password,
    remembered,
    both_at_once,
    program,
    program_with_code,
    directory,
    redirect,
    request,
    prove,
    verified_email,
    reset,
    step_up,
]


@pytest.fixture(name="make")
def _make(make_auth: MakeAuth, add: Callable[..., User], company: KnownIssuer, staff: KnownPeople) -> MakeAuth:
    def issuer(name: str, **rules: Any) -> KnownIssuer:
        block = ProviderSettings(kind="known-issuer", **EVERYBODY, **rules)
        known = person(name, f"{name}-1", ANN, email=ANN, email_verified=True)
        return KnownIssuer(name=name, settings=block, people={"code-1": known})

    proving = issuer("proving", link="prove")
    vouching = issuer("vouching", link="verified_email", link_domains=("example.org",))
    badge = Badge(name="badge", settings=ProviderSettings(kind="badge", **EVERYBODY))
    add(ANN, email=ANN, email_verified=True)

    def make(**changes: Any) -> Auth:
        return make_auth(company, staff, proving, vouching, badge, **changes)

    return make


@pytest.fixture(name="none_yet")
def _none_yet(database: Database, make: MakeAuth) -> Callable[..., None]:
    """Ends all sessions, and gives everybody an app if asked to."""
    # From now on the database has the keys that secrets are encrypted with.
    make()

    def reset_all(*, app: bool) -> None:
        with database.unit() as db:
            for user in db.scalars(select(User)):
                user.second_factor = APP if app else None
            db.flush()
            db.execute(delete(UserSession))

    return reset_all


@pytest.mark.sec("MFA-01", "MFA-02", "MFA-03", "ASVS-6.3.4", "NIST-46")
@pytest.mark.parametrize("state", ["enrolled", "required"])
@pytest.mark.parametrize("road", ROADS, ids=lambda road: road.__name__)
def test_no_road_walks_past_a_factor(
    make: MakeAuth, client: Client, sessions: Any, code: Code, none_yet: Any, road: Any, state: str
) -> None:
    """Whichever way somebody comes, there is no session before a factor is proven or set up; then there is one."""
    if road in (directory, redirect, request):
        assert isinstance(road(make(), client), LoggedIn)
    none_yet(app=state == "enrolled")
    auth = make(second_factors=REQUIRED)
    outcome: Any = road(auth, client)

    assert sessions() == 0
    assert isinstance(outcome, FactorRequired if state == "enrolled" else EnrolmentRequired) or (
        road in (program, program_with_code) and isinstance(outcome, Refused)
    ), outcome
    if isinstance(outcome, FactorRequired):
        assert isinstance(auth.verify_factor(outcome.transaction.id, "totp", "000000", client), Refused)
        assert sessions() == 0
        outcome = auth.verify_factor(outcome.transaction.id, "totp", code(), client)
        assert isinstance(outcome, LoggedIn), outcome
    elif isinstance(outcome, EnrolmentRequired):
        form: Any = auth.enrol_at_login(outcome.transaction.id, "totp", None, client)
        assert isinstance(form, EnrolmentForm)
        secret = str(form.show["secret"]).replace(" ", "")
        outcome = auth.enrol_at_login(outcome.transaction.id, "totp", code(secret=secret), client)
        assert isinstance(outcome, LoggedIn), outcome
    assert sessions() == (0 if road in (program, program_with_code) else 1)


@pytest.mark.sec("MFA-02")
@pytest.mark.parametrize("road", [directory, redirect, request], ids=lambda road: road.__name__)
def test_somebody_new_whose_role_must_have_one(
    make: MakeAuth, client: Client, sessions: Any, code: Code, road: Any
) -> None:
    """The account is made, and the first login waits until a factor is set up."""
    auth = make(second_factors=REQUIRED)
    outcome: Any = road(auth, client)

    assert isinstance(outcome, EnrolmentRequired)
    form: Any = auth.enrol_at_login(outcome.transaction.id, "totp", None, client)
    assert sessions() == 0
    secret = str(form.show["secret"]).replace(" ", "")
    done = auth.enrol_at_login(outcome.transaction.id, "totp", code(secret=secret), client)
    assert isinstance(done, LoggedIn)
    assert done.created
    assert isinstance(road(auth, client), FactorRequired)


@pytest.mark.sec("MFA-02", "LINK-09")
@pytest.mark.parametrize("road", [prove, verified_email], ids=lambda road: road.__name__)
def test_nothing_is_linked_before_the_factor(
    make: MakeAuth, client: Client, code: Code, none_yet: Any, road: Any, database: Database
) -> None:
    """Half a proof links no identity; the whole one does."""
    none_yet(app=True)
    auth = make(second_factors=REQUIRED)
    outcome: Any = road(auth, client)
    with database.read() as db:
        assert db.scalars(select(UserIdentity)).all() == []
    auth.verify_factor(outcome.transaction.id, "totp", code(), client)

    with database.read() as db:
        assert len(db.scalars(select(UserIdentity)).all()) == 1


@pytest.mark.sec("MFA-02", "MFA-13")
def test_steps_come_after_the_factor(make: MakeAuth, client: Client, sessions: Any, code: Code, none_yet: Any) -> None:
    """A login in which a step is missing as well asks for the factor once, then for the step."""
    none_yet(app=True)
    auth = make(second_factors=REQUIRED, steps={"terms": {"version": "1", "url": "/terms"}})
    asked: Any = auth.login(ANN, PASSWORD, client)
    assert isinstance(asked, FactorRequired)
    assert isinstance(auth.take_step(asked.transaction.id, "accept_terms", {"accept": "yes"}, client), Refused)
    step: Any = auth.verify_factor(asked.transaction.id, "totp", code(), client)
    assert isinstance(step, StepRequired)
    assert sessions() == 0
    outcome = auth.take_step(step.transaction.id, "accept_terms", {"accept": "yes"}, client)

    assert isinstance(outcome, LoggedIn)
    with auth.database.read() as db:
        assert db.scalars(select(UserSession.factors)).one() == ["totp"]


@pytest.mark.sec("MFA-02")
def test_activation_lets_nobody_in_without_one(
    make: MakeAuth, client: Client, sessions: Any, database: Database
) -> None:
    """Whoever confirms a registration has no session yet, and sets a factor up at the first login."""
    auth = make(second_factors=REQUIRED, registration={"enabled": True})
    fields = {"username": "new@example.org", "password": NEW}
    form = SimpleNamespace(**{name: SimpleNamespace(data=data) for name, data in fields.items()})
    auth.register(form, client)
    with database.unit() as db:
        user = db.scalars(select(User).where(User.username == "new@example.org")).one()
        user.active = True
        user.email_verified = True

    assert sessions() == 0
    assert isinstance(auth.login("new@example.org", NEW, client), EnrolmentRequired)
    assert sessions() == 0


@pytest.mark.sec("MFA-03", "ASVS-6.8.4")
@pytest.mark.parametrize(
    ("authn", "trusted"),
    [
        (AuthnContext(methods=frozenset({"pwd", "mfa"})), True),
        (AuthnContext(acr="phrh"), True),
        (AuthnContext(methods=frozenset({"pwd"}), acr="1"), False),
        (AuthnContext(), False),
    ],
)
def test_what_the_provider_proved(
    make_auth: MakeAuth, client: Client, company: KnownIssuer, database: Database, authn: AuthnContext, trusted: bool
) -> None:
    """Only a method or class the settings trust stands in for the factor, and only at that provider."""
    company.people["code-1"] = replace(company.people["code-1"], authn=authn)
    block = TrustingSettings(kind="known-issuer", **EVERYBODY, trust_amr=("mfa", "phrh"))
    auth = make_auth(replace(company, settings=block), second_factors=REQUIRED)
    outcome = redirect(auth, client)

    assert isinstance(outcome, LoggedIn if trusted else EnrolmentRequired)
    if trusted:
        with database.read() as db:
            assert db.scalars(select(UserSession.factors)).one() == ["provider"]


@pytest.mark.sec("MFA-05", "MFA-15")
def test_a_factor_that_is_no_longer_configured(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, sessions: Any
) -> None:
    """Whoever has one that can't be asked for is kept out, and isn't told to set another one up."""
    add(ANN, second_factor={"type": "yubikey", "data": "ccccccbcgujh"})
    outcome = make_auth(second_factors=REQUIRED).login(ANN, PASSWORD, client)

    assert isinstance(outcome, Refused)
    assert outcome.code == "factor_unavailable"
    assert sessions() == 0


def test_a_login_asks_nothing_more_where_nobody_needs_one(
    make_auth: MakeAuth, add: Callable[..., User], client: Client
) -> None:
    """With factors switched on and none enrolled, a login needs no statement more than without."""
    add(ANN)
    counts = [
        len(_statements(make_auth(**changes), client))
        for changes in ({}, {"second_factors": {"totp": {}, "trusted_device": "14d"}})
    ]

    assert counts[0] == counts[1] > 0


def _statements(auth: Auth, client: Client) -> list[str]:
    from onegov_auth.statements import Prepared  # noqa: PLC0415 - only here

    seen: list[str] = []
    run = Prepared.run

    def counted(self: Any, driver: Any, **parameters: object) -> Any:
        seen.append(self.sql)
        return run(self, driver, **parameters)

    Prepared.run = counted  # type: ignore[method-assign]  # put back below
    try:
        auth.login(ANN, PASSWORD, client)
    finally:
        Prepared.run = run  # type: ignore[method-assign]  # as it was
    return seen
