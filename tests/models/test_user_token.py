from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase

from onegov_auth.database import Database
from onegov_auth.errors import MissingSecretKeyError
from onegov_auth.keys import Keys
from onegov_auth.models import ApiToken, Entities, User, UserMixin, UserTokenMixin
from onegov_auth.settings import Secret
from onegov_auth.testing.clock import FakeClock

SECRET = Secret("a secret for tests only, of more than 32 characters")


@pytest.fixture(name="database")
def _database_with_keys(database: Database, clock: FakeClock) -> Database:
    database.context = type(database.context)(keys=Keys((SECRET,), "main/app"), clock=clock)
    return database


def ann(name: str = "ann@example.org") -> User:
    return User(username=name, password_hash="", role="member")


@pytest.mark.sec("TOK-01")
def test_tokens_are_stored_as_a_hash(database: Database) -> None:
    """The user's token is shown once, is verified, and is in no column."""
    with database.unit() as db:
        user = ann()
        db.add(user)
        token = user.reset_auth_token()
        row = db.scalars(select(ApiToken)).one()

        assert len(token) == 32
        assert user.verify_token(token)
        assert not user.verify_token(token[:-1] + "?")
        assert token not in {row.key, row.token_hash, row.name}
        assert token not in repr(row)


@pytest.mark.sec("TOK-04")
def test_another_token_voids_the_one_before(database: Database, clock: FakeClock) -> None:
    """There is one at a time, and it expires."""
    with database.unit() as db:
        user = ann()
        db.add(user)
        first, second = user.reset_auth_token(), user.reset_auth_token(valid=timedelta(days=1))

        assert not user.verify_token(first)
        assert user.verify_token(second)
        clock.advance(86400)
        assert not user.verify_token(second)


@pytest.mark.sec("TOK-03")
def test_a_token_leads_to_its_user(database: Database) -> None:
    """With and without the name in it; to nobody if the name is another's, or its user may not be in."""
    with database.unit() as db:
        user, other = ann(), ann("eve@example.org")
        db.add_all([user, other])
        api_token = user.generate_api_token()
        token = api_token.rpartition(".")[2]

        assert User.get_user_for_api_token(db, api_token) is user
        assert User.get_by_token(db, token) is user
        assert user.generate_api_token(token) == api_token
        assert User.get_user_for_api_token(db, other.generate_api_token(token)) is None
        assert not other.verify_token(token)
        assert User.get_by_token(db, "nonsense") is None
        assert User.get_by_token(db, "x" * 32) is None
        user.active = False
        assert User.get_by_token(db, token) is None


@pytest.mark.sec("TOK-03", "ASVS-10.3.2")
def test_a_narrowed_token_stands_for_no_user(database: Database) -> None:
    """A user has no scope: whoever got one for such a token would let it do all the user may."""
    with database.unit() as db:
        user = ann()
        db.add(user)
        token = user.reset_auth_token()
        for scope in ([], ["invoices.read"]):
            db.scalars(select(ApiToken)).one().scope = scope
            db.flush()

            assert not user.verify_token(token)
            assert User.get_by_token(db, token) is None
            assert User.get_user_for_api_token(db, token) is None
        db.scalars(select(ApiToken)).one().scope = None
        assert User.get_by_token(db, token) is user


def test_other_lengths_and_charsets(database: Database) -> None:
    """A token is as long and made of what was asked for."""
    with database.unit() as db:
        user = ann()
        db.add(user)
        token = user.reset_auth_token(length=40, charset="hex")

        assert len(token) == 40
        assert set(token) <= set("0123456789abcdef")
        assert user.verify_token(token)


def test_no_token_without_a_key(sqlite_url: str) -> None:
    """What can't be bound to its application is not made."""
    database = Database(sqlite_url)
    with database.session() as db:
        user = ann()
        db.add(user)
        with pytest.raises(MissingSecretKeyError):
            user.reset_auth_token()
    database.dispose()


@pytest.mark.parametrize("mixins", [(UserMixin, UserTokenMixin), (UserTokenMixin, UserMixin), (UserMixin,)], ids=str)
def test_an_applications_own_users(sqlite_url: str, clock: FakeClock, mixins: tuple[type, ...]) -> None:
    """Own classes have it by ``UserMixin``, and may name ``UserTokenMixin`` besides, before or after."""

    class Base(DeclarativeBase):
        pass

    Person: Any = type("Person", (*mixins, Base), {"__tablename__": "people"})  # noqa: N806 - a class

    entities = Entities.on(Base, user=Person)
    database = Database(sqlite_url, clock=clock, keys=Keys((SECRET,), "main/app"), entities=entities)
    Base.metadata.create_all(database.engine)
    with database.unit() as db:
        person = Person(username="ann", password_hash="", role="member")
        db.add(person)
        token = person.reset_auth_token()
        assert Person.get_by_token(db, token) is person
    database.dispose()
