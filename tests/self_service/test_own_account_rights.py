"""What a provider's groups gave somebody who adds it to the ways in, and takes it away again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import Callback, Client, Identity
from onegov_auth.models import Bundle, User, UserIdentity
from onegov_auth.outcomes import Done, LoggedIn, Redirect, StepRequired
from onegov_auth.providers import ProviderSettings
from onegov_auth.testing.providers import KnownIssuer, KnownPeople, person

PASSWORD = "correct horse battery staple"
GRANTS = {"bundles": {"Books": ["accounting"]}}
GROUPS = frozenset({"accounting"})


def block(**more: Any) -> ProviderSettings:
    """A provider whose accountants have the books."""
    return ProviderSettings.model_validate({"kind": "known", "roles": {"member": ["*"]}, "grants": GRANTS, **more})


@pytest.fixture(name="held")
def _held(database: Database) -> Callable[[Auth], list[tuple[str, str | None]]]:
    """``held(auth)`` is what the one user has, and by whom."""
    with database.unit() as db:
        db.add(Bundle(name="Books"))

    def held(auth: Auth) -> list[tuple[str, str | None]]:
        with database.read() as db:
            return [(one.right.name, one.origin) for one in auth.grants.of(db, db.scalars(select(User)).one())]

    return held


def test_a_way_in_brings_rights_and_takes_them_along(
    make_auth: Callable[..., Auth], add: Callable[..., User], client: Client, held: Any, database: Database
) -> None:
    """Whoever links a provider within a session has at once what its groups give, and loses that with the link."""
    user = add("ann")
    ann = person("company", "sub-ann", "ann", groups=GROUPS)
    auth = make_auth(KnownIssuer(name="company", settings=block(), people={"code": ann}))
    entered = auth.login("ann", PASSWORD, client)
    assert isinstance(entered, LoggedIn)
    session: Identity | None = auth.sessions.lookup(entered.token)
    assert session is not None
    mine = replace(client, session_token=entered.token)
    redirect = auth.start("company", mine, link_to=session)
    assert isinstance(redirect, Redirect)
    state = parse_qs(urlsplit(redirect.url).query)["state"][0]
    assert isinstance(auth.finish("company", Callback({"code": "code", "state": state}), mine), Done)
    assert held(auth) == [("Books", "company")]

    database.once(lambda db: auth.grants.give(db, db.get_one(User, user.id), bundle="Books"))
    with database.read() as db:
        (link,) = db.scalars(select(UserIdentity.id))
    assert isinstance(auth.unlink(session, link, mine), Done)
    assert held(auth) == [("Books", None)]


def test_a_proven_link_brings_rights(
    make_auth: Callable[..., Auth], add: Callable[..., User], client: Client, held: Any
) -> None:
    """With ``link: prove`` the login that proves the link gives what the groups give."""
    add("ann")
    people = {"d": ("secret", person("staff", "1", "ann", groups=GROUPS))}
    auth = make_auth(KnownPeople(name="staff", settings=block(link="prove"), people=people))
    step = auth.login("d", "secret", client)
    assert isinstance(step, StepRequired)
    assert held(auth) == []

    assert isinstance(auth.login("ann", PASSWORD, client, link=step.transaction.id), LoggedIn)
    assert held(auth) == [("Books", "staff")]
