from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from onegov_auth.collections import UserCollection
from onegov_auth.domain import NO_SESSION, Client
from onegov_auth.models import AuthEvent, User
from onegov_auth.outcomes import Refused

PASSWORD = "correct horse battery staple"


@pytest.fixture(name="auth")
def _auth(make_auth: Any) -> Any:
    auth = make_auth(tokens={"jwt": {"enabled": True}}, attempts={"token": {"limit": 1}})
    with auth.database.unit() as db:
        UserCollection(db).add("ann@example.org", PASSWORD, "member")
    return auth


@pytest.mark.sec("TOK-07", "TOK-10")
def test_three_kinds_of_refusal(auth: Any, client: Client) -> None:
    """What is malformed is not counted; what is well-formed and unknown is, until the address has to wait."""
    assert auth.by_token("nonsense", client) == Refused("malformed_token")
    assert auth.by_token("x" * 40, client) == Refused("unknown_token")
    assert auth.by_token("x" * 40, client).code == "locked"
    assert auth.by_token("nonsense", client) == Refused("malformed_token")
    with auth.database.read() as db:
        (event,) = db.scalars(select(AuthEvent)).all()
    assert (event.type, event.code, event.username) == ("token", "unknown_token", None)


@pytest.mark.sec("ASVS-9.1.1", "ASVS-10.3.3")
def test_access_token_of_another_persons_session(auth: Any, client: Client) -> None:
    """A well-signed token whose session belongs to somebody else is nobody's."""
    session = auth.login("ann@example.org", PASSWORD, client).session
    with auth.database.read() as db:
        uid = db.scalars(select(User)).one().id.hex
    good = auth.by_token(auth.access_tokens.issue(session.id, uid, ["a"]), client)

    assert (good.userid, good.scope, good.by_token, good.confirmed) == ("ann@example.org", {"a"}, True, None)
    # Whoever takes it for a session's identity ends or prolongs none.
    assert good.session_id == NO_SESSION
    assert auth.by_token(auth.access_tokens.issue(session.id, "0" * 32), client) == Refused("unknown_token")
    assert auth.by_token("a.b.c", client) == Refused("unknown_token")
