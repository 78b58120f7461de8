"""Tests of what is unique and indexed."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Integer, create_engine, inspect, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from onegov_auth.models import AttemptMixin, Entities, LoginAttempt, User, UserMixin
from onegov_auth.models.constraints import USERNAME


def test_no_name_differs_by_its_letters_size_only(session: Session, user: User) -> None:
    """The database itself refuses the second one, whatever a statement says of the column it is compared by."""
    session.add(User(username="bob", password_hash="", role="member"))
    session.commit()
    # As text, because our own types write small letters.
    statement = text("UPDATE users SET username = :name WHERE username = 'bob'")
    with pytest.raises(IntegrityError):
        session.execute(statement, {"name": user.username.upper()})


@pytest.mark.parametrize(("source", "fine"), [("staff", False), ("company", True), (None, True)])
def test_a_person_of_a_provider_is_one_user(session: Session, user: User, source: str | None, fine: bool) -> None:
    """The id at a provider is of one user; another provider's, and none, may be the same."""
    user.source, user.source_id = "staff", "7"
    session.add(User(username="bob", password_hash="", role="member", source=source, source_id="7"))
    if fine:
        session.commit()
        return
    with pytest.raises(IntegrityError):
        session.commit()


@pytest.mark.parametrize("of", ["name", "person", "address"])
def test_what_is_counted_is_indexed(session: Session, of: str) -> None:
    """Attempts of a name, a person and an address are counted by an index, as the database has it."""
    (found,) = [
        index
        for index in inspect(session.connection()).get_indexes(LoginAttempt.__tablename__)
        if index["name"] == f"ix_login_attempts_of_{of}"
    ]
    first = {"name": "user_input", "person": "person", "address": "source_ip"}[of]
    assert found["column_names"][:3] == ["attempt_type", first, "is_during_lockout"]


def test_tables_of_an_application_get_them_too() -> None:
    """With names of their own, so that they can be beside ours; by attribute, whatever the columns are called."""

    class Own(DeclarativeBase):
        pass

    class Person(UserMixin, Own):
        __tablename__ = "people"
        id: Mapped[int] = mapped_column("nr", Integer, primary_key=True)  # type: ignore[assignment]  # the point
        username: Mapped[str] = mapped_column("login", unique=True)

    class Try(AttemptMixin, Own):
        __tablename__ = "tries"

    entities: Any = Entities.on(Own, user=Person, attempt=Try)
    assert entities.user is Person
    assert Person.__table__.c["username_key"].info[USERNAME] == "login"
    engine = create_engine("sqlite://")
    Own.metadata.create_all(engine)
    with Session(engine) as db:
        db.add_all([Person(username="ann", password_hash="", role="member"), entities.grant(user_id=1)])
        with pytest.raises(IntegrityError, match="one_right"):
            db.commit()
    names = {index.name for table in Own.metadata.sorted_tables for index in table.indexes}
    engine.dispose()
    assert {"lowercase_username_people", "ix_tries_of_name", "unique_grants_bundle_id"} <= names
    assert not names & {"lowercase_username", "ix_login_attempts_of_name"}
