"""A session on both databases, with keys, a cheap hasher and the test's clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from onegov_auth.database import Database
from onegov_auth.keys import Keys
from onegov_auth.models import User, UserSession
from onegov_auth.passwords import Hasher
from onegov_auth.settings.types import Secret
from onegov_auth.testing.clock import FakeClock


@pytest.fixture(name="session")
def _session(database: Database) -> Iterator[Session]:
    keys = Keys([Secret("a secret of at least thirty-two characters")], "example/app")
    database.context = replace(database.context, keys=keys, hasher=Hasher.cheap())
    with database.session() as session:
        yield session


@pytest.fixture(name="user")
def _user(session: Session) -> User:
    user = User(username="ann@example.org", password_hash="old", role="member")
    session.add(user)
    session.commit()
    return user


@pytest.fixture(name="log_in")
def _log_in(session: Session, clock: FakeClock) -> Callable[..., UserSession]:
    """Opens a session of a user, for an hour."""
    count = iter(range(1000))

    def log_in(user: User, hours: int = 1) -> UserSession:
        now = clock()
        row = UserSession(
            token_hash=f"{next(count):064x}",
            user_id=user.id,
            provider="local",
            created=now,
            last_seen=now,
            expires=now + timedelta(hours=hours),
            address="192.0.2.1",
            user_agent="Browser",
        )
        session.add(row)
        session.commit()
        return row

    return log_in
