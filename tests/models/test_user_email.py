"""Tests of users who log in by their e-mail address."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Integer, inspect, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from onegov_auth.collections import UserCollection
from onegov_auth.database import Database
from onegov_auth.errors import InvalidToken, InvalidTokenError
from onegov_auth.keys import Keys
from onegov_auth.models import (
    Columns,
    Entities,
    User,
    UserEmailMixin,
    UserMixin,
    column_values,
    get_username,
    get_username_key,
)
from onegov_auth.models.types import LowerText
from onegov_auth.passwords import Hasher
from onegov_auth.settings.types import Secret
from onegov_auth.testing.clock import FakeClock


class MailBase(DeclarativeBase):
    """An application's own base."""


class Reader(UserEmailMixin, UserMixin, MailBase):
    """A user whose address is in a column of another name."""

    __tablename__ = "readers"
    id: Mapped[int] = mapped_column("reader_id", Integer, primary_key=True)  # type: ignore[assignment]  # the point
    username: Mapped[str] = mapped_column("address", LowerText, nullable=False, unique=True, active_history=True)


OWN = Entities.on(MailBase, user=Reader)


@pytest.fixture(name="session")
def _session(database_url: str, clock: FakeClock) -> Iterator[Session]:
    database = Database(database_url, clock=clock, entities=OWN, hasher=Hasher.cheap())
    database.context = replace(database.context, keys=Keys([Secret("a secret of more than 32 characters")], "x/y"))
    MailBase.metadata.create_all(database.engine)
    with database.session() as session:
        yield session
    database.dispose()


@pytest.fixture(name="ann")
def _ann(session: Session) -> Any:
    ann = Reader(email="Ann@Example.org", password="a password", role="member")
    session.add(ann)
    session.commit()
    return ann


def test_the_address_is_the_name(session: Session, ann: Any) -> None:
    """One column, lower-cased and unique, under both names."""
    table = inspect(Reader).local_table
    users: Any = UserCollection(session)
    assert (ann.username, ann.email, ann.username_key, ann.display_value) == ("ann@example.org",) * 4
    assert "address" in table.c
    assert not {"username", "email"} & set(table.c.keys())
    assert users.by_username("ANN@example.org") is ann
    assert session.scalars(select(Reader).where(Reader.email == "ANN@Example.org")).one() is ann
    ann.email = "anna@example.org"
    session.commit()
    assert (ann.username, ann.username_key) == ("anna@example.org", "anna@example.org")
    ann.email = None
    assert ann.email == "anna@example.org"


def test_statements_on_the_table_know_the_column() -> None:
    """By either name; what is said under the attribute's own counts."""
    assert Columns(Reader).email is Columns(Reader).username is inspect(Reader).local_table.c.address
    assert column_values(Reader, {"username": "a", "email": None}) == {"address": "a"}


def test_nobody_is_active_before_the_address_is_verified(session: Session, ann: Any) -> None:
    """In Python and in statements; whom a provider knows needs no address, and an operator vouches for it."""
    found = select(Reader).where(Reader.is_active)
    assert not ann.is_active
    assert ann.may_recover
    assert session.scalars(found).all() == []
    ann.source = "company"
    session.flush()
    assert (ann.is_active, session.scalars(found).all()) == (True, [ann])
    ann.source, ann.active = None, False
    ann.enable()
    session.flush()
    assert (ann.is_active, ann.is_verified, session.scalars(found).all()) == (True, True, [ann])
    ann.active = False
    session.flush()
    assert (ann.is_active, session.scalars(found).all()) == (False, [])


def test_a_mailed_token_verifies(session: Session, ann: Any) -> None:
    """It changes the password once; whoever has it read the mail."""
    token = ann.token_generate()
    ann.change_password(token, "another password")
    session.commit()
    assert (ann.is_verified, ann.is_active, ann.is_matching_password("another password")) == (True, True, True)
    with pytest.raises(InvalidToken):
        ann.change_password(token, "a third password")
    assert InvalidToken is InvalidTokenError


@pytest.mark.parametrize(("class_", "key"), [(User, "username"), (Reader, "email")])
def test_the_login_name_is_known_by_its_attribute(class_: type[UserMixin], key: str) -> None:
    """As the second seed's functions say it."""
    assert get_username_key(class_) == key
    assert get_username(class_(username="ann@example.org")) == "ann@example.org"


@pytest.mark.parametrize("make", [Reader.fake, lambda: Reader.fake(email="bob@example.org", password="x" * 12)])
def test_a_made_up_user_may_log_in(session: Session, make: Callable[[], Any]) -> None:
    """The address of a fake counts as verified."""
    user = make()
    session.add(user)
    session.commit()
    assert user.is_active
    assert user.is_matching_password(user._plaintext_pass)
