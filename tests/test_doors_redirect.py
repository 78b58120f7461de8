"""Logging in and linking by a provider that the browser is sent to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from sqlalchemy import func, select

from onegov_auth.auth import Auth
from onegov_auth.collections import UserCollection
from onegov_auth.database import Database
from onegov_auth.domain import AuthnContext, Callback, Client, SessionInfo, Transaction, VerifiedIdentity
from onegov_auth.models import AuthEvent, User, UserIdentity, UserSession
from onegov_auth.outcomes import LoggedIn, LoggedOut, Redirect, Refused, StepRequired, Unavailable
from onegov_auth.providers import ProviderSettings
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.providers import KnownIssuer

MakeAuth = Callable[..., Auth]
PASSWORD = "correct horse battery staple"


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
    assert auth.finish("company", callback(begun), client) == Unavailable("company", "unreachable", to="/")
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


def test_a_redirect_provider_is_logged_out_of_as_well(
    make_auth: MakeAuth, client: Client, company: KnownIssuer
) -> None:
    """Where the provider has a logout of its own, the outcome says where."""
    auth = make_auth(company)
    outcome = auth.finish("company", callback(state(auth.start("company", client))), client)
    assert isinstance(outcome, LoggedIn)

    assert auth.logout(outcome.session, client) == LoggedOut("/", None)


class HintedIssuer(KnownIssuer):
    """Says how it was asked."""

    def start(self, transaction: Transaction) -> Redirect | Unavailable:
        """Puts the hints into the address."""
        redirect = super().start(transaction)
        assert isinstance(redirect, Redirect)
        return replace(redirect, url=f"{redirect.url}&{urlencode(transaction.hints)}")

    def finish(self, callback: Callback, transaction: Transaction) -> VerifiedIdentity | Refused | Unavailable:
        """Refuses with the code that was brought, unless it stands for somebody."""
        found = super().finish(callback, transaction)
        return Refused(callback.params["code"]) if isinstance(found, Refused) else found


@pytest.fixture(name="hinted")
def _hinted(company: KnownIssuer) -> HintedIssuer:
    return HintedIssuer(name="company", settings=company.settings, people=company.people)


def test_hints_reach_the_provider(make_auth: MakeAuth, client: Client, hinted: HintedIssuer) -> None:
    """How the provider shall go about it is known when the login begins, and kept nowhere."""
    auth = make_auth(hinted)
    redirect = auth.start("company", client, hints={"login_hint": "eve@example.org", "max_age": "60"})

    assert isinstance(redirect, Redirect)
    assert "login_hint=eve%40example.org&max_age=60" in redirect.url


SILENT = ("login_required", "interaction_required", "consent_required", "account_selection_required")


@pytest.mark.parametrize("code", SILENT)
def test_a_silent_question_that_needs_the_person(
    make_auth: MakeAuth,
    client: Client,
    hinted: HintedIssuer,
    database: Database,
    caplog: pytest.LogCaptureFixture,
    code: str,
) -> None:
    """Nobody failed to log in: the event says so, fail2ban learns of none, and the way to go on is kept."""
    auth = make_auth(hinted)
    asked = state(auth.start("company", client, "/after", hints={"prompt": "none"}))
    outcome = auth.finish("company", callback(asked, code), client)

    assert outcome == Refused("no_provider_session", to="/after")
    assert events(database) == [("login", "no_provider_session")]
    assert "Failed login" not in caplog.text


def test_a_silent_question_may_be_answered(make_auth: MakeAuth, client: Client, hinted: HintedIssuer) -> None:
    """Whoever has a session at the provider is in, and every other refusal is one."""
    auth = make_auth(hinted)
    silent = {"prompt": "none"}

    assert isinstance(
        auth.finish("company", callback(state(auth.start("company", client, hints=silent))), client), LoggedIn
    )
    denied = auth.finish(
        "company", callback(state(auth.start("company", client, hints=silent)), "access_denied"), client
    )
    assert denied == Refused("access_denied", to="/")


@pytest.mark.sec("ASVS-7.5.1")
@pytest.mark.parametrize(
    ("prompt", "ago", "fresh"),
    [
        ("login", None, True),
        ("login", -3600, True),
        ("none", None, False),
        ("none", 30, True),
        ("none", 600, False),
    ],
)
def test_a_login_is_as_fresh_as_the_provider_says(
    make_auth: MakeAuth,
    client: Client,
    company: KnownIssuer,
    clock: FakeClock,
    prompt: str,
    ago: int | None,
    fresh: bool,
) -> None:
    """Where nobody was asked, and the provider does not say when, it was long ago; and it was never later than now."""
    at = None if ago is None else clock() - timedelta(seconds=ago)
    company.people["code-1"] = replace(company.people["code-1"], authn=AuthnContext(at=at))
    auth = make_auth(company)
    outcome = auth.finish("company", callback(state(auth.start("company", client, hints={"prompt": prompt}))), client)

    assert isinstance(outcome, LoggedIn), outcome
    for minutes, expected in ((4, fresh), (2, False)):
        clock.advance(timedelta(minutes=minutes))
        session = auth.sessions.lookup(outcome.token)
        assert session is not None
        assert auth.is_fresh(session) is expected


def test_where_to_is_kept_when_nobody_can_say(make_auth: MakeAuth, client: Client, company: KnownIssuer) -> None:
    """A provider that is down when the browser is back loses nobody's way."""
    auth = make_auth(company)
    asked = state(auth.start("company", client, "/after"))
    company.down.add("x")
    assert auth.finish("company", callback(asked), client) == Unavailable("company", "unreachable", to="/after")


def test_a_loud_question_is_refused_as_any(make_auth: MakeAuth, client: Client, hinted: HintedIssuer) -> None:
    """Somebody who clicked is told, whatever the provider calls it; where they wanted to go is kept."""
    auth = make_auth(hinted)
    asked = state(auth.start("company", client, "/after"))
    assert auth.finish("company", callback(asked, "login_required"), client) == Refused("login_required", to="/after")


class LeavingIssuer(KnownIssuer):
    """Has a logout of its own."""

    def logout(self, session: SessionInfo, back_to: str, state: str = "") -> Redirect:
        """Go there."""
        assert session.provider == self.name
        return Redirect(f"https://issuer.invalid/logout?{urlencode({'back': back_to, 'state': state})}")


def log_out(auth: Auth, client: Client, to: str) -> dict[str, str]:
    """Log in and out again; what the browser brings to the provider."""
    logged_in = auth.finish("company", callback(state(auth.start("company", client))), client)
    assert isinstance(logged_in, LoggedIn)
    redirect = auth.logout(logged_in.session, client, to).redirect
    assert redirect is not None
    return {name: values[0] for name, values in parse_qs(urlsplit(redirect.url).query).items()}


@pytest.mark.sec("OIDC-44", "OIDC-45", "OIDC-46", "REDIR-01")
def test_the_way_back_from_a_providers_logout(
    make_auth: MakeAuth, client: Client, company: KnownIssuer, clock: FakeClock
) -> None:
    """One address to register; where the person wanted to go comes back as state, and anything else leads nowhere."""
    issuer = LeavingIssuer(name="company", settings=company.settings, people=company.people)
    auth = make_auth(issuer)
    brought = log_out(auth, client, "/after?a=b")

    assert brought["back"] == "https://app.example.org/auth/provider/company/logout"
    assert auth.after_logout("company", brought["state"]) == "/after?a=b"
    for other in ("", "x", brought["state"] + "1", brought["state"][:-4]):
        assert auth.after_logout("company", other) is None
    assert auth.after_logout("other", brought["state"]) is None
    clock.advance(timedelta(minutes=10))
    assert auth.after_logout("company", brought["state"]) is None


def test_a_long_way_back_is_forgotten(make_auth: MakeAuth, client: Client, company: KnownIssuer) -> None:
    """An address that would be too long for the provider beside an ID token leads to the front page."""
    auth = make_auth(LeavingIssuer(name="company", settings=company.settings, people=company.people))
    state = log_out(auth, client, "/" + "x" * 500)["state"]
    assert auth.after_logout("company", state) == "/"


class WithDomains(ProviderSettings):
    """With the key of the providers that have it."""

    domains: tuple[str, ...] = ("example.org",)


@pytest.mark.parametrize(
    ("username", "expected"),
    [
        ("eve@example.org", "company"),
        (" Eve@EXAMPLE.org ", "company"),
        ("eve@other.org", None),
        ("eve@sub.example.org", None),
        ("eve@notexample.org", None),
        ("a@b@example.org", "company"),
        ("@example.org", None),
        ("example.org", None),
        ("", None),
    ],
)
def test_an_address_chooses_the_provider(
    make_auth: MakeAuth, company: KnownIssuer, username: str, expected: str | None
) -> None:
    """The domain alone decides, exactly and without regard to case."""
    settings = WithDomains(kind="known-issuer")
    assert make_auth(replace(company, settings=settings)).provider_for(username) == expected


def test_without_domains_nobody_is_sent_away(make_auth: MakeAuth, company: KnownIssuer) -> None:
    """A provider that names no domain is chosen by its button."""
    assert make_auth(company).provider_for("eve@example.org") is None


@pytest.mark.parametrize("down", [True, False])
def test_whether_a_provider_answers_is_remembered(
    make_auth: MakeAuth, client: Client, company: KnownIssuer, down: bool
) -> None:
    """A login that can't begin marks the provider, the next one that can takes the mark away."""
    auth = make_auth(company)
    company.down.add("x")
    auth.start("company", client)
    if not down:
        company.down.clear()
        auth.start("company", client)
    assert auth.health.is_down("company") is down
