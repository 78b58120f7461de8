"""A login that waits for a step, and a provider or a link that is gone when it goes on."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import func, select, update

from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import Callback, Client
from onegov_auth.models import AuthEvent, User, UserIdentity, UserSession, key_of
from onegov_auth.outcomes import LoggedIn, Redirect, Refused, StepRequired
from onegov_auth.testing.providers import KnownIssuer

TERMS = {"steps": {"terms": {"version": "2026", "url": "/terms"}}}
ACCEPT = {"accept": "yes"}


@pytest.fixture(name="waiting")
def _waiting(make_auth: Callable[..., Auth], company: KnownIssuer, client: Client) -> str:
    """The transaction of somebody who came by the provider, and has not accepted the terms yet."""
    auth = make_auth(company, **TERMS)
    redirect = auth.start("company", client)
    assert isinstance(redirect, Redirect)
    state = parse_qs(urlsplit(redirect.url).query)["state"][0]
    asked = auth.finish("company", Callback({"code": "code-1", "state": state}), client)
    assert isinstance(asked, StepRequired), asked
    return asked.transaction.id


@pytest.mark.sec("LINK-18")
def test_a_provider_that_is_gone_lets_nobody_in(
    make_auth: Callable[..., Auth], client: Client, database: Database, waiting: str
) -> None:
    """Who takes a provider out of the settings lets in nobody more: no step is taken, and no session opened."""
    outcome = make_auth(**TERMS).take_step(waiting, "accept_terms", ACCEPT, client)

    assert isinstance(outcome, Refused), outcome
    assert outcome.code == "unknown_provider"
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(UserSession)) == 0
        assert "terms" not in (db.scalars(select(User)).one().data or {})
        assert db.scalars(select(AuthEvent.code).order_by(AuthEvent.id)).all() == ["step", "unknown_provider"]


def test_a_provider_that_is_there_lets_in(
    make_auth: Callable[..., Auth], company: KnownIssuer, client: Client, waiting: str
) -> None:
    """Another process of the same settings goes on with the login."""
    assert isinstance(make_auth(company, **TERMS).take_step(waiting, "accept_terms", ACCEPT, client), LoggedIn)


@pytest.mark.sec("LINK-16", "MFA-06")
def test_an_identity_that_is_somebody_elses_by_now_lets_nobody_in(
    make_auth: Callable[..., Auth],
    company: KnownIssuer,
    client: Client,
    add: Callable[..., User],
    database: Database,
    waiting: str,
) -> None:
    """It was unlinked meanwhile, and linked to another account: the login that waits is neither's."""
    other = add("other@example.org")
    with database.unit() as db:
        db.execute(update(UserIdentity).values(user_id=key_of(other)))
    outcome = make_auth(company, **TERMS).take_step(waiting, "accept_terms", ACCEPT, client)

    assert isinstance(outcome, Refused), outcome
    assert outcome.code == "identity_frozen"
