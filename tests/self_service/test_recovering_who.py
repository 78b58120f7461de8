"""Who may choose another password: those whom a local one lets in (``passwords.login``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update

from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import Client
from onegov_auth.models import User
from onegov_auth.outcomes import Done, Refused

MakeAuth = Callable[..., Auth]
NEW = "an entirely different sentence"
ANN = "ann@example.org"
BREAK_GLASS = {"passwords": {"login": "break-glass"}, "privileged_roles": ["admin"]}
COMPANY = {"kind": "oidc", "issuer": "https://id.example.com", "client_id": "app", "client_secret": "x" * 40}
NONE = {"passwords": {"login": "none"}, "providers": {"local": {"kind": "local"}, "company": COMPANY}}


def test_who_is_privileged_resets(make_auth: MakeAuth, add: Callable[..., User], client: Client, mails: Any) -> None:
    """With ``break-glass`` an account with a privileged role gets a link, and chooses another password by it."""
    add(ANN, role="admin", email=ANN, email_verified=True)
    auth = make_auth(**BREAK_GLASS)
    auth.recover(ANN, client)
    (mail,) = mails(auth)

    assert isinstance(auth.reset(mail.token, ANN, NEW, client), Done)


@pytest.mark.sec("ENUM-04")
@pytest.mark.parametrize(("source", "count"), [(None, 0), ("company", 1)])
def test_nobody_else_gets_a_link(
    make_auth: MakeAuth,
    add: Callable[..., User],
    client: Client,
    mails: Any,
    told: Any,
    source: str | None,
    count: int,
) -> None:
    """Others get no link: who comes by a provider is told to log in there, with an old local password as well."""
    add(ANN, role="member", email=ANN, email_verified=True, source=source)
    auth = make_auth(**BREAK_GLASS)
    auth.recover(ANN, client)

    sent = mails(auth)
    assert len(sent) == count
    assert all("token" not in mail.query for mail in sent)
    assert told() == [("recovery", "external_user" if source else "nothing_to_send")]


@pytest.mark.sec("ENUM-11")
def test_for_nobody_as_much_is_done(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, statements: Callable[..., list[str]]
) -> None:
    """The database is asked as much for somebody whose password lets nobody in as for nobody at all."""
    add(ANN, role="member", email=ANN, email_verified=True)
    auth = make_auth(**BREAK_GLASS)

    assert statements(lambda: auth.recover(ANN, client)) == statements(lambda: auth.recover("x@example.org", client))


def test_a_link_from_before_is_void(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, mails: Any, database: Database
) -> None:
    """A link that was mailed while the role let in changes no password when it does so no more."""
    add(ANN, role="admin", email=ANN, email_verified=True)
    auth = make_auth(**BREAK_GLASS)
    auth.recover(ANN, client)
    (mail,) = mails(auth)
    with database.unit() as db:
        db.execute(update(User).values(role="member"))
    refused = auth.reset(mail.token, ANN, NEW, client)

    assert isinstance(refused, Refused)
    assert refused.code == "password_login_off"


def test_none_resets_nothing(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, mails: Any, database: Database
) -> None:
    """With ``none`` nobody gets a link, and a link that the application made itself changes nothing."""
    user = add(ANN, role="admin", email=ANN, email_verified=True)
    auth = make_auth(**NONE)
    auth.recover(ANN, client)
    with database.unit() as db:
        token = db.get_one(User, user.id).token_generate()
    refused = auth.reset(token, ANN, NEW, client)

    assert mails(auth) == []
    assert isinstance(refused, Refused)
    assert refused.code == "password_login_off"
