"""Logging in and linking by a provider that the browser is sent to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import func, select

from onegov_auth.auth import Auth
from onegov_auth.collections import UserCollection
from onegov_auth.database import Database
from onegov_auth.domain import Callback, Client
from onegov_auth.models import AuthEvent, User, UserIdentity, UserSession
from onegov_auth.outcomes import LoggedIn, LoggedOut, Redirect, Refused, StepRequired, Unavailable
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
