from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, bindparam, event, insert, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import QueuePool

from onegov_auth.database import Database
from onegov_auth.statements import LostRaceError, Prepared, is_alone, savepoint, state_of

METADATA = MetaData()
SEATS = Table("seats", METADATA, Column("name", String, primary_key=True), Column("version", Integer))
NOTES = Table("seat_notes", METADATA, Column("text", String, primary_key=True))


class Statements:
    """What the tests do with seats."""

    def __init__(self, database: Database) -> None:
        dialect = database.engine.dialect
        seen = (SEATS.c.name == bindparam("which"), SEATS.c.version == bindparam("seen"))
        self.take = Prepared(dialect, update(SEATS).where(*seen).values(version=SEATS.c.version + 1))
        self.note = Prepared(dialect, insert(NOTES), ["text"])
        self.find = database.prepare(select(SEATS.c.version).where(SEATS.c.name == bindparam("which")))


@pytest.fixture(name="seats")
def _seats(database: Database) -> Database:
    METADATA.create_all(database.engine)
    with database.unit() as db:
        db.execute(insert(SEATS).values(name="a", version=1))
    return database


@pytest.fixture(name="do")
def _do(seats: Database) -> Statements:
    return Statements(seats)


@pytest.fixture(name="kept")
def _kept(seats: Database) -> Callable[[], tuple[int | None, list[str]]]:
    """``kept()`` is the seat's version, and all notes."""

    def kept() -> tuple[int | None, list[str]]:
        with seats.read() as db:
            return db.scalar(select(SEATS.c.version)), list(db.scalars(select(NOTES.c.text).order_by(NOTES.c.text)))

    return kept


Kept = Callable[[], tuple[int | None, list[str]]]


def change(database: Database) -> None:
    with database.unit() as db:
        db.execute(update(SEATS).values(version=5))


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("alone", [True, False], ids=["by itself", "among others"])
def test_a_claim_holds_or_takes_all_back(
    seats: Database, do: Statements, kept: Kept, at_once: bool, alone: bool
) -> None:
    """What finds the row as it was read is committed with the rest; else there is an error, and nothing of it."""
    with seats.unit(at_once=at_once) as db:
        do.take.claim(db, which="a", seen=1)
        if not alone:
            do.note.later(db, text="took it")
    assert kept() == (2, [] if alone else ["took it"])

    with pytest.raises(LostRaceError), seats.unit(at_once=at_once) as db:
        if not alone:
            do.note.later(db, text="took it too")
        do.take.claim(db, which="a", seen=1)
    assert kept() == (2, [] if alone else ["took it"])


def test_each_claim_of_a_unit_counts(seats: Database, do: Statements, kept: Kept) -> None:
    """One of two that finds nothing takes the other back."""
    with seats.unit() as db:
        db.execute(insert(SEATS).values(name="b", version=1))
    with pytest.raises(LostRaceError), seats.unit(at_once=False) as db:
        do.take.claim(db, which="b", seen=1)
        do.take.claim(db, which="a", seen=7)
    with pytest.raises(LostRaceError), seats.unit(at_once=False) as db:
        do.take.claim(db, which="a", seen=7)
        do.take.claim(db, which="b", seen=1)

    with seats.read() as db:
        assert set(db.scalars(select(SEATS.c.version))) == {1}
    assert kept()[1] == []


def test_a_claim_in_a_savepoint_is_run_at_once(seats: Database, do: Statements, kept: Kept) -> None:
    """It is known there whether it holds, and it is taken back with the savepoint."""
    with seats.unit() as db:
        before = savepoint(db)
        do.take.claim(db, which="a", seen=1)
        with pytest.raises(LostRaceError):
            do.take.claim(db, which="a", seen=1)
        before.rollback()

    assert kept() == (1, [])


def test_a_lost_claim_is_done_again_with_a_connection(seats: Database, do: Statements, kept: Kept) -> None:
    """The second try is not alone, sees what the winner wrote, and what the first one wanted is nowhere."""
    tries: list[bool] = []

    def work(db: Session) -> None:
        tries.append(is_alone(db))
        row = do.find(which="a")
        assert row is not None
        if len(tries) == 1:
            if seats.dialect == "sqlite":
                # Nobody else can write there meanwhile.
                row = (0,)
            else:
                change(seats)
        do.note.later(db, text=f"saw {row[0]}")
        do.take.claim(db, which="a", seen=row[0])

    seats.once_alone(work)

    assert tries == [seats.dialect == "postgresql", False]
    assert kept() == ((2, ["saw 1"]) if seats.dialect == "sqlite" else (6, ["saw 5"]))


def test_a_claim_that_never_holds_is_given_up(seats: Database, do: Statements, kept: Kept) -> None:
    """After some tries the error is told."""
    tries: list[int] = []

    def work(db: Session) -> None:
        tries.append(1)
        do.take.claim(db, which="nowhere", seen=1)

    with pytest.raises(LostRaceError):
        seats.once_alone(work)
    assert (len(tries), kept()) == (5, (1, []))


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_row_that_is_only_locked_is_claimed_too(seats: Database, do: Statements, kept: Kept) -> None:
    """A row is locked if it is as it was read, and may be changed by the same statement; else the race is lost."""
    hold = Prepared(
        seats.engine.dialect,
        select(SEATS.c.name)
        .where(SEATS.c.name == bindparam("which"), SEATS.c.version == bindparam("seen"))
        .with_for_update(),
    )
    with seats.unit(at_once=False) as db:
        hold.claim(db, which="a", seen=1)
        do.take.later(db, which="a", seen=1)
    assert kept() == (2, [])

    for others in (False, True):
        with pytest.raises(LostRaceError), seats.unit(at_once=False) as db:
            hold.claim(db, which="a", seen=1)
            if others:
                do.note.later(db, text="never")
    with seats.unit(at_once=False) as db:
        hold.claim(db, which="a", seen=2)
        db.scalars(select(NOTES.c.text)).all()
        with seats.unit() as other, pytest.raises(OperationalError, match="lock"):
            other.execute(select(SEATS.c.name).with_for_update(nowait=True))
    assert kept() == (2, [])


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_who_is_alone_has_no_connection(seats: Database, do: Statements, kept: Kept) -> None:
    """Not before the end, where one statement needs it for a moment; with a session's first question, it has one."""
    pool = seats.engine.pool
    assert isinstance(pool, QueuePool)
    with seats.unit(at_once=False) as db:
        do.note.later(db, text="one")
        assert is_alone(db)
        assert pool.checkedout() == 0
    with seats.unit(at_once=False) as db:
        do.note.later(db, text="two")
        assert db.scalars(select(NOTES.c.text).order_by(NOTES.c.text)).all() == ["one", "two"]
        assert not is_alone(db)
        assert pool.checkedout() == 1
        assert kept()[1] == ["one"]
        do.note.later(db, text="three")

    assert kept()[1] == ["one", "three", "two"]


def test_what_is_added_by_objects_counts_too(seats: Database, do: Statements, kept: Kept) -> None:
    """What a session still holds at the end is committed together with what was put off, or not at all."""
    with pytest.raises(LostRaceError), seats.unit(at_once=False) as db:
        db.connection()
        db.execute(insert(NOTES).values(text="by the session"))
        do.take.claim(db, which="a", seen=7)
    assert kept() == (1, [])

    with seats.unit(at_once=False) as db:
        db.execute(insert(NOTES).values(text="by the session"))
        do.take.claim(db, which="a", seen=1)
    assert kept() == (2, ["by the session"])


def test_many_statements_of_who_is_alone_are_one_unit(seats: Database, do: Statements, kept: Kept) -> None:
    """More than fit into one statement are committed together, or taken back together."""
    with seats.unit(at_once=False) as db:
        for name in "ab":
            do.note.later(db, text=name)
    assert kept()[1] == ["a", "b"]

    with pytest.raises(LostRaceError), seats.unit(at_once=False) as db:
        for name in "cd":
            do.note.later(db, text=name)
        do.take.claim(db, which="a", seen=7)
    assert kept()[1] == ["a", "b"]


def test_an_exception_leaves_nothing_of_who_was_alone(seats: Database, do: Statements, kept: Kept) -> None:
    """What was put off is forgotten, and so it is by a rollback."""
    with pytest.raises(ValueError, match="no"), seats.unit(at_once=False) as db:
        do.note.later(db, text=str(uuid4()))
        raise ValueError("no")
    with seats.unit(at_once=False) as db:
        do.note.later(db, text=str(uuid4()))
        db.rollback()

    assert kept() == (1, [])


def test_a_session_that_is_no_unit_has_no_state(seats: Database) -> None:
    """Nothing is put off there, and it is never alone."""
    with seats.read() as db:
        assert state_of(db) is None
        assert not is_alone(db)


def test_what_a_flush_puts_off_is_part_of_the_commit(seats: Database, do: Statements, kept: Kept) -> None:
    """A claim that a listener makes of what is written at the very end takes that back too."""

    class Base(DeclarativeBase):
        metadata = METADATA

    class Note(Base):
        __table__ = NOTES

    def claim(db: Session, _context: object) -> None:
        do.take.claim(db, which="a", seen=7)

    with pytest.raises(LostRaceError), seats.unit() as db:
        event.listen(db, "after_flush", claim)
        db.add(Note(text="by the session"))

    assert kept() == (1, [])
