"""A step is not taken in a login that is void by now."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import Client
from onegov_auth.models import CHANGE_PASSWORD, User
from onegov_auth.outcomes import Refused, StepRequired
from onegov_auth.passwords import Hasher

PASSWORD = "correct horse battery staple"
CHOSEN = "an entirely different sentence"


@pytest.mark.sec("RACE-14")
def test_an_old_password_chooses_no_new_one(
    make_auth: Callable[..., Auth], add: Callable[..., User], client: Client, database: Database, hasher: Hasher
) -> None:
    """Where a password was to be changed and was, whoever knew the old one can't change it once more."""
    add("ann@example.org")
    auth = make_auth()
    with database.unit() as db:
        db.scalars(select(User)).one().require_step(CHANGE_PASSWORD)
    asked = auth.login("ann@example.org", PASSWORD, client)
    assert isinstance(asked, StepRequired)
    with database.unit() as db:
        db.scalars(select(User)).one().password_hash = hasher.hash(CHOSEN)
    outcome = auth.take_step(asked.transaction.id, CHANGE_PASSWORD, {"password": "what somebody else wants"}, client)

    assert isinstance(outcome, Refused)
    assert outcome.code == "password_changed"
    with database.read() as db:
        assert db.scalars(select(User)).one().is_matching_password(CHOSEN)
