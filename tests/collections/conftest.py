"""A session on both databases, with keys, a cheap hasher and the test's clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from onegov_auth.collections import UserCollection
from onegov_auth.database import Database
from onegov_auth.keys import Keys
from onegov_auth.passwords import Hasher
from onegov_auth.settings.types import Secret


@pytest.fixture(name="session")
def _session(database: Database) -> Iterator[Session]:
    keys = Keys([Secret("a secret of at least thirty-two characters")], "example/app")
    database.context = replace(database.context, keys=keys, hasher=Hasher.cheap())
    with database.session() as session:
        yield session


@pytest.fixture(name="users")
def _users(session: Session) -> UserCollection:
    return UserCollection(session)
