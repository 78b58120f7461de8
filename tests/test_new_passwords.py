from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import Client
from onegov_auth.errors import InsecurePasswordError, InvalidPasswordError
from onegov_auth.models import User


@pytest.mark.parametrize(
    ("password", "error"),
    [
        ("short", InsecurePasswordError),
        ("ann.able.1990.example", InsecurePasswordError),
        ("a\0" * 20, InvalidPasswordError),
    ],
)
def test_a_password_has_to_be_allowed(make_auth: Callable[..., Auth], password: str, error: type[Exception]) -> None:
    """Too short, made of what everybody knows of the person, or none at all."""
    with pytest.raises(error):
        make_auth().passwords.prepare(password, "ann.able@example.org", "1990@example.org")


def test_a_new_password_takes_a_demand_for_one_away(
    make_auth: Callable[..., Auth], add: Callable[..., User], database: Database, client: Client
) -> None:
    """Whoever has another one by whatever way is not asked at the next login."""
    add("ann", pending_steps="change_password other")
    auth = make_auth()
    hashed = auth.passwords.prepare("an entirely different sentence", "ann")
    with database.unit() as db:
        user = db.scalars(select(User)).one()
        auth.passwords.put(db, user, hashed, client)
        assert (user.password_hash, user.pending_steps) == (hashed, "other")
