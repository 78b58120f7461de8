"""A database with people in it, and the rights of a process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event

from onegov_auth.database import Database
from onegov_auth.models import User
from onegov_auth.permissions.effective import Rights
from onegov_auth.testing.clock import FakeClock


@pytest.fixture(name="add")
def _add(database: Database) -> Callable[..., User]:
    """Add a user; what is done with it in a unit of its own needs ``db.merge`` or its id."""

    def add(name: str = "ann", **more: Any) -> User:
        with database.unit() as db:
            user = User(username=name, password_hash="", role="member", **more)
            db.add(user)
        return user

    return add


@pytest.fixture(name="rights")
def _rights(database: Database, clock: FakeClock) -> Rights:
    """What one process knows."""
    return Rights(database, clock=clock)


@pytest.fixture(name="stamp_of")
def _stamp_of(database: Database) -> Callable[[User], int]:
    """The user's stamp, as the next request reads it."""

    def stamp_of(user: User) -> int:
        with database.read() as db:
            return db.get_one(User, user.id).rights_stamp

    return stamp_of


@pytest.fixture(name="statements")
def _statements(database: Database) -> Callable[[], int]:
    """How often a connection was taken to ask the database since the last time."""
    taken: list[object] = []
    event.listen(database.engine, "checkout", lambda *_: taken.append(1))

    def count() -> int:
        found = len(taken)
        taken.clear()
        return found

    return count
