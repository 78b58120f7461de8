"""Passwords that somebody had."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from onegov_auth.collections import UserCollection
from onegov_auth.database import Database
from onegov_auth.models import OldPassword, User
from onegov_auth.passwords import Hasher, PasswordHistory

HASHER = Hasher.cheap()


@pytest.fixture(name="user_id")
def _user_id(database: Database) -> object:
    with database.unit() as db:
        user = UserCollection(db).add("ann@example.org", "zero", "member")
        user.password_hash = HASHER.hash("zero")
        db.flush()
        return user.id


def change(database: Database, history: PasswordHistory, user_id: object, *passwords: str) -> None:
    """Give a user other passwords, one after the other."""
    for clear in passwords:
        with database.unit() as db:
            user = db.get_one(User, user_id)
            history.replaced(db, user)
            user.password_hash = HASHER.hash(clear)


def known(history: PasswordHistory, user_id: object) -> set[str]:
    """Which of some passwords the user had lately."""
    return {clear for clear in ("zero", "one", "two", "three", "other") if history.has(user_id, clear)}


@pytest.mark.parametrize(
    ("keep", "wanted"),
    [
        (0, set()),
        (1, {"three"}),
        (2, {"three", "two"}),
        (3, {"three", "two", "one"}),
        (24, {"three", "two", "one", "zero"}),
    ],
)
def test_the_last_ones(database: Database, user_id: object, keep: int, wanted: set[str]) -> None:
    """As many as are asked for are known, the present one included, and no more are kept."""
    history = PasswordHistory(database, HASHER, keep)
    change(database, history, user_id, "one", "two", "three")

    assert known(history, user_id) == wanted
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(OldPassword)) == max(len(wanted) - 1, 0)


def test_a_shorter_history_forgets(database: Database, user_id: object) -> None:
    """When less is to be kept, the next change deletes the rest."""
    change(database, PasswordHistory(database, HASHER, 5), user_id, "one", "two", "three")
    change(database, PasswordHistory(database, HASHER, 0), user_id, "other")

    with database.read() as db:
        assert db.scalars(select(OldPassword)).all() == []


def test_users_do_not_share_it(database: Database, user_id: object) -> None:
    """Somebody else's passwords are nobody's history, and a user who is not there has none."""
    with database.unit() as db:
        other = UserCollection(db).add("bob@example.org", "nothing", "member").id
    history = PasswordHistory(database, HASHER, 5)
    change(database, history, user_id, "one")

    assert known(history, other) == set()
    with database.unit() as db:
        db.delete(db.get_one(User, user_id))
    assert known(history, user_id) == set()


def test_who_had_no_password_has_no_old_one(database: Database) -> None:
    """A provider's user who gets a first password had none before."""
    with database.unit() as db:
        user = UserCollection(db).add("eve@example.org", "x", "member")
        user.password_hash = ""
        PasswordHistory(database, HASHER, 5).replaced(db, user)

    with database.read() as db:
        assert db.scalars(select(OldPassword)).all() == []
