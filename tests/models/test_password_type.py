"""Tests of a column type for passwords."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Integer, insert, inspect, select, text
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from onegov_auth.database import Database
from onegov_auth.errors import InvalidPasswordError
from onegov_auth.models import PasswordType
from onegov_auth.models.password_type import HashedPassword
from onegov_auth.passwords import Hasher

CHEAP = Hasher.cheap()


class DoorBase(DeclarativeBase):
    """An application's own base."""


class Door(DoorBase):
    """Something with passwords."""

    __tablename__ = "doors"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str] = mapped_column(default="door")
    code: Mapped[HashedPassword | str | None] = mapped_column(PasswordType(max_length=200))
    short: Mapped[HashedPassword | str | None] = mapped_column(PasswordType(max_length=20, hasher=CHEAP))
    other: Mapped[HashedPassword | str | None] = mapped_column(PasswordType(hasher=CHEAP))
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "door"}  # noqa: RUF012 - as SQLAlchemy has it


class Gate(Door):
    """A door of a kind."""

    __mapper_args__ = {"polymorphic_identity": "gate"}  # noqa: RUF012 - as SQLAlchemy has it


@pytest.fixture(name="session")
def _session(database_url: str) -> Iterator[Session]:
    database = Database(database_url, hasher=CHEAP)
    DoorBase.metadata.create_all(database.engine)
    with database.session() as session:
        yield session
    database.dispose()


@pytest.mark.parametrize("class_", [Door, Gate])
def test_what_is_assigned_is_hashed_at_once(session: Session, class_: type[Door]) -> None:
    """It compares with the clear text and never tells it, before and after it is stored."""
    door = class_(id=1)
    session.add(door)
    door.code = door.other = "open sesame"
    for _ in range(2):
        assert door.code == "open sesame"
        assert door.other == "open sesame"
        assert door.code != "open wheat"
        assert "sesame" not in f"{door.code!r} {door.code}"
        assert "$" not in f"{door.code!r} {door.code}"
        session.commit()
    (stored,) = session.execute(text("SELECT code FROM doors")).scalars()
    assert stored.startswith("$argon2id$")
    door.code = None
    session.commit()
    assert door.code is None


def test_the_same_hash_is_no_change(session: Session) -> None:
    """Two values are equal if their hashes are, which differ for each assignment."""
    door = Door(id=1, code="open sesame")
    session.add(door)
    session.commit()
    same = door.code
    door.code = same
    assert not inspect(door).attrs.code.history.has_changes()
    assert isinstance(same, HashedPassword)
    assert same == HashedPassword(same.hash)
    assert hash(same) == hash(HashedPassword(same.hash))
    assert same != HashedPassword("else")
    assert same != 1
    door.code = "open sesame"
    assert door.code != same


def test_statements_hash_and_do_not_compare(session: Session) -> None:
    """An insert without objects hashes; a hash has its own salt, so no database finds it by the clear text."""
    session.execute(insert(Door.__table__).values(id=1, kind="door", other="open sesame"))  # type: ignore[arg-type]  # a table
    assert (
        session.scalars(select(Door).where(Door.other.is_not(None), Door.code.is_(None))).one().other == "open sesame"
    )
    assert session.scalars(select(Door).where(Door.code == None)).all()  # noqa: E711 - as SQLAlchemy has it
    with pytest.raises(TypeError, match="compared in Python"):
        select(Door).where(Door.code == "open sesame")


def test_what_can_not_be_stored_is_refused(session: Session) -> None:
    """A hash that is longer than the column, and a password that is none."""
    door = Door(id=1)
    with pytest.raises(ValueError, match="the column 20"):
        door.short = "open sesame"
    with pytest.raises(InvalidPasswordError):
        door.other = ""
    with pytest.raises(StatementError, match="the column 20"):
        session.execute(insert(Door.__table__).values(id=1, kind="door", short="x"))  # type: ignore[arg-type]  # a table
