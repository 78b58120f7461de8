from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from onegov_auth.collections import UserCollection
from onegov_auth.domain import Identity
from onegov_auth.models import ApiToken, OutboxMessage, User
from onegov_auth.outcomes import Refused
from onegov_auth.self_service.own_tokens import TokenMade

PASSWORD = "correct horse battery staple"


@pytest.fixture(name="auth")
def _auth(make_auth: Any) -> Any:
    auth = make_auth()
    with auth.database.unit() as db:
        UserCollection(db).add("ann@example.org", PASSWORD, "member")
    return auth


@pytest.fixture(name="session")
def _session(auth: Any, client: Any) -> Identity:
    """A login of just now."""
    found: Identity = auth.sessions.lookup(auth.login("ann@example.org", PASSWORD, client).token)
    return found


@pytest.mark.sec("TOK-05")
def test_made_and_told(auth: Any, session: Identity, client: Any) -> None:
    """The token works, no ``repr`` has it, and a mail waits that tells of it."""
    made = auth.create_api_token(session, " Backup\n", client, scope=["invoices.read"])

    assert isinstance(made, TokenMade)
    assert made.token not in repr(made)
    assert made.info.name == "Backup"
    assert auth.by_token(made.token, client).scope == {"invoices.read"}
    with auth.database.read() as db:
        assert "api_token_created" in {row.kind for row in db.scalars(select(OutboxMessage))}


@pytest.mark.sec("TOK-05")
def test_not_without_a_fresh_login(auth: Any, session: Identity, client: Any, clock: Any) -> None:
    """Neither in an old session, nor by a token, however fresh."""
    token = auth.create_api_token(session, "x", client).token
    assert auth.create_api_token(auth.by_token(token, client), "y", client) == Refused("not_fresh")
    assert auth.create_api_token(replace(session, by_token=True), "y", client) == Refused("not_fresh")
    clock.advance(301)
    assert auth.create_api_token(session, "y", client) == Refused("not_fresh")


def test_what_is_refused(auth: Any, session: Identity, client: Any) -> None:
    """No name, nothing it is good for, and somebody who may not be in any more."""
    assert auth.create_api_token(session, " ", client) == Refused("no_name")
    assert auth.create_api_token(session, "x", client, scope=[]) == Refused("empty_scope")
    with auth.database.unit() as db:
        db.scalars(select(User)).one().active = False
    assert auth.create_api_token(session, "x", client) == Refused("not_fresh")


@pytest.mark.sec("RATE-04")
def test_making_tokens_has_a_limit(make_auth: Any, client: Any) -> None:
    """Of one account only so many in some time; each counts."""
    auth = make_auth(attempts={"token": {"limit": 2}})
    with auth.database.unit() as db:
        UserCollection(db).add("ann@example.org", PASSWORD, "member")
    session = auth.sessions.lookup(auth.login("ann@example.org", PASSWORD, client).token)
    made = [auth.create_api_token(session, "x", client) for _ in range(3)]

    assert [isinstance(one, TokenMade) for one in made] == [True, True, False]
    assert made[2].code == "locked"


@pytest.mark.sec("ASVS-8.2.2")
def test_revoking(auth: Any, session: Identity, client: Any) -> None:
    """One's own and nobody else's; what is no id is nothing."""
    made = auth.create_api_token(session, "x", client)
    with auth.database.unit() as db:
        UserCollection(db).add("eve@example.org", PASSWORD, "member")
    hers = auth.sessions.lookup(auth.login("eve@example.org", PASSWORD, client).token)

    assert auth.revoke_api_token(hers, made.info.id, client) is False
    assert auth.revoke_api_token(session, "nonsense", client) is False
    assert auth.revoke_api_token(session, str(made.info.id), client) is True
    assert auth.revoke_api_token(session, made.info.id, client) is False
    with auth.database.read() as db:
        assert db.scalars(select(ApiToken)).all() == []
