from __future__ import annotations

import pytest
from sqlalchemy import delete, select

from onegov_auth.database import Database
from onegov_auth.models import ApiToken, User
from onegov_auth.testing.clock import FakeClock


def _token(user: User, clock: FakeClock) -> ApiToken:
    token = ApiToken(user_id=user.id, key="the key", token_hash="the hash", name="Backup")
    token.created = token.expires = clock()
    return token


@pytest.mark.sec("TOK-08")
def test_nothing_of_it_is_shown(clock: FakeClock) -> None:
    """``repr`` has the public id only."""
    shown = repr(_token(User(), clock))
    assert "the key" not in shown
    assert "the hash" not in shown


@pytest.mark.sec("TOK-03")
def test_tokens_go_with_their_user(database: Database, clock: FakeClock) -> None:
    """Deleting a user, by a statement as well, deletes the tokens."""
    with database.unit() as db:
        user = User(username="ann", password_hash="", role="member")
        db.add(user)
        db.flush()
        db.add(_token(user, clock))
    with database.unit() as db:
        assert db.scalars(select(ApiToken)).one().scope is None
        db.execute(delete(User))
        assert db.scalars(select(ApiToken)).all() == []
