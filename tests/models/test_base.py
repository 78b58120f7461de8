"""Tests of what every table has in common."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import Integer
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from onegov_auth.models import Base, User, UserGroup, as_key, key_name, key_of, primary_key
from onegov_auth.testing.clock import FakeClock


class Local(DeclarativeBase):
    """A base of this test's own."""


class Renamed(Local):
    """A table whose key has another name than its attribute."""

    __tablename__ = "renamed"
    number: Mapped[int] = mapped_column("thing_id", Integer, primary_key=True)


class Pair(Local):
    """A table with a key of two columns."""

    __tablename__ = "pairs"
    one: Mapped[int] = mapped_column(primary_key=True)
    two: Mapped[int] = mapped_column(primary_key=True)


def test_a_key_is_found_whatever_its_name() -> None:
    """Column, attribute and value of the primary key are found by the mapping."""
    assert primary_key(Renamed).name == "thing_id"
    assert key_name(Renamed) == "number"
    assert key_of(Renamed(number=7)) == 7


def test_a_key_of_two_columns_is_refused() -> None:
    """A user is identified by one column."""
    with pytest.raises(TypeError, match="Pair needs a primary key of one column"):
        primary_key(Pair)


def test_every_constraint_has_a_name() -> None:
    """SQLite can't drop a nameless constraint, so none is."""
    constraints = [constraint for table in Base.metadata.tables.values() for constraint in table.constraints]
    assert [constraint for constraint in constraints if not constraint.name] == []


def test_rows_know_when_they_were_made_and_changed(session: Session, clock: FakeClock) -> None:
    """Both times come from the session's clock, and a row never changed has no second one."""
    group = UserGroup(name="staff")
    session.add(group)
    session.commit()
    made = clock()
    assert (group.created, group.modified, group.last_change) == (made, None, made)
    clock.advance(60)
    group.name = "people"
    session.commit()
    assert (group.created, group.modified, group.last_change) == (made, clock(), clock())


def test_a_time_that_is_told_is_kept(session: Session, clock: FakeClock) -> None:
    """An import may say when a row was made and changed."""
    then = datetime(2020, 1, 1, tzinfo=clock().tzinfo)
    group = UserGroup(name="staff", created=then)
    session.add(group)
    session.commit()
    group.name, group.modified = "people", then
    session.commit()
    assert (group.created, group.modified) == (then, then)


def test_a_row_that_is_only_touched_keeps_its_time(session: Session, user: User) -> None:
    """Assigning the same value, or a membership, is no change of the row itself."""
    user.realname = user.realname
    session.commit()
    assert user.modified is None


@pytest.mark.parametrize(("text", "key"), [("17", 17), ("nonsense", None), ("", None)])
def test_a_number_may_be_given_as_text(text: str, key: int | None) -> None:
    """As it stands in an identity or an address; what is none is nobody's key."""

    class Numbered(DeclarativeBase):
        """A base of this test's own."""

    class Thing(Numbered):
        """Something with a number."""

        __tablename__ = "things"
        id: Mapped[int] = mapped_column(Integer, primary_key=True)

    assert as_key(Thing, text) == key
    assert as_key(Thing, 17) == 17
