from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from io import StringIO

from sqlalchemy import text
from sqlalchemy.pool import QueuePool

from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import Client
from onegov_auth.models import User
from onegov_auth.outcomes import LoggedIn
from onegov_auth.passwords import Hasher
from onegov_auth.settings import Settings

MakeAuth = Callable[..., Auth]
PASSWORD = "correct horse battery staple"


def test_closing_ends_what_runs_beside(
    database: Database, hasher: Hasher, make_settings: Callable[..., Settings]
) -> None:
    """No thread that sends, no connection to a provider and none to the database is left."""
    auth = Auth(make_settings(), database, hasher=hasher)
    kept = auth.resources.get("kept", StringIO)
    before = threading.active_count()
    auth.mailer.wake()
    with database.read() as db:
        db.execute(text("SELECT 1"))
    auth.close()

    assert threading.active_count() == before
    assert kept.closed
    pool = database.engine.pool
    assert isinstance(pool, QueuePool)
    assert pool.checkedin() == 0


def test_identity_and_user_lead_to_each_other(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, database: Database
) -> None:
    """as_identity says what a look-up says, and by_identity finds the user again."""
    user = add()
    auth = make_auth()
    outcome = auth.login("ann", PASSWORD, client)
    assert isinstance(outcome, LoggedIn)
    identity = auth.sessions.lookup(outcome.token)
    assert identity is not None
    with database.read() as db:
        loaded = auth.by_identity(identity, db)
        assert loaded is not None
        assert loaded.id == user.id
        assert auth.as_identity(loaded, outcome.session) == identity
        assert auth.by_identity(replace(identity, userid="nobody", uid="0" * 32), db) is None
