from __future__ import annotations

from sqlalchemy import delete, select

from onegov_auth.database import Database
from onegov_auth.models import RefreshToken, User, UserSession
from onegov_auth.testing.clock import FakeClock


def test_tokens_go_with_their_session(database: Database, clock: FakeClock) -> None:
    """Ending a session by a statement deletes its refresh tokens; ``repr`` has no hash."""
    now = clock()
    with database.unit() as db:
        user = User(username="ann", password_hash="", role="member")
        db.add(user)
        db.flush()
        session = UserSession(
            token_hash="x", user_id=user.id, provider="local", created=now, last_seen=now, expires=now
        )
        db.add(session)
        db.flush()
        db.add(RefreshToken(session_id=session.id, token_hash="the hash", created=now, expires=now))
    with database.unit() as db:
        assert "the hash" not in repr(db.scalars(select(RefreshToken)).one())
        db.execute(delete(UserSession))
        assert db.scalars(select(RefreshToken)).all() == []
