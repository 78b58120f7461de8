from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import JSON, Column, Integer, MetaData, String, Table, Uuid, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.orm import Session

from onegov_auth.database import Database
from onegov_auth.models.types import UTCDateTime
from onegov_auth.statements import Prepared, driver_of, state_of

METADATA = MetaData()
ROWS = Table(
    "prepared_rows",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("name", String, unique=True),
    Column("at", UTCDateTime),
    Column("data", JSON),
)
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(name="rows")
def _rows(database: Database) -> Database:
    METADATA.create_all(database.engine)
    return database


class Asked:
    """A driver's connection that notes what goes to the server."""

    def __init__(self, driver: Any, asked: list[str]) -> None:
        self._driver, self._asked = driver, asked

    def execute(self, sql: str, *parameters: Any) -> Any:
        """Note and ask."""
        self._asked.append(sql)
        return self._driver.execute(sql, *parameters)

    def itself(self) -> Asked:
        """As a unit's state hands it out."""
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)


def catch_up(db: Session) -> None:
    state = state_of(db)
    assert state is not None
    state.catch_up()


def prepare(database: Database) -> Prepared:
    return Prepared(database.engine.dialect, insert(ROWS), ["id", "name", "at", "data"])


def test_values_are_typed_as_by_sqlalchemy(rows: Database) -> None:
    """What a prepared statement writes, SQLAlchemy reads as if it had written it."""
    key = uuid4()
    with rows.unit() as db:
        prepare(rows).run(driver_of(db), id=key, name="a", at=NOW, data=["x"])

    with rows.read() as db:
        assert db.execute(select(ROWS)).one() == (key, "a", NOW, ["x"])


def test_rows_come_as_the_driver_has_them(rows: Database) -> None:
    """The first row, all rows or none; a converter gives the Python value of a column."""
    key = uuid4()
    dialect = rows.engine.dialect
    by_name = Prepared(dialect, select(ROWS.c.id).where(ROWS.c.name == bindparam("name")))
    everything = Prepared(dialect, select(ROWS.c.name).order_by(ROWS.c.name))
    with rows.unit() as db:
        driver = driver_of(db)
        for name, id_ in (("b", uuid4()), ("a", key)):
            prepare(rows).run(driver, id=id_, name=name, at=NOW, data=None)
        row = by_name.one(driver, name="a")
        assert row is not None
        value = by_name.converter(ROWS.c.id)(row[0])
        assert (value, type(value)) == (key, UUID)
        assert by_name.converter(ROWS.c.name)("a") == "a"
        assert by_name.one(driver, name="nobody") is None
        assert [row[0] for row in everything.all(driver)] == ["a", "b"]


def test_values_in_the_statement_itself_are_kept(rows: Database) -> None:
    """A constant of the statement needs no parameter."""
    statement = update(ROWS).where(ROWS.c.name == bindparam("which")).values(data=["constant"])
    with rows.unit() as db:
        prepare(rows).run(driver_of(db), id=uuid4(), name="a", at=NOW, data=None)
        Prepared(rows.engine.dialect, statement).run(driver_of(db), which="a")

    with rows.read() as db:
        assert db.execute(select(ROWS.c.data)).scalar_one() == ["constant"]


@pytest.mark.sec("LOG-05")
def test_errors_are_sqlalchemys_and_show_no_values(rows: Database) -> None:
    """A broken constraint is an IntegrityError whose text names no parameter."""
    with pytest.raises(IntegrityError) as caught, rows.unit() as db:
        for _ in range(2):
            prepare(rows).run(driver_of(db), id=uuid4(), name="canary", at=NOW, data="secret value")

    assert "secret value" not in str(caught.value)
    assert not caught.value.connection_invalidated


def test_it_is_part_of_the_transaction_under_way(rows: Database) -> None:
    """What a unit takes back, its prepared statements take back as well."""
    with pytest.raises(RuntimeError), rows.unit() as db:
        prepare(rows).run(driver_of(db), id=uuid4(), name="a", at=NOW, data=None)
        raise RuntimeError

    with rows.read() as db:
        assert db.execute(select(ROWS)).all() == []


def test_a_session_that_is_no_unit_has_a_driver_as_well(rows: Database) -> None:
    """A request's session works on its own connection."""
    session = rows.session()
    prepare(rows).run(driver_of(session), id=uuid4(), name="a", at=NOW, data=None)
    session.rollback()
    session.close()

    with rows.read() as db:
        assert db.execute(select(ROWS)).all() == []


def test_a_statement_the_database_does_not_know_is_told(database: Database) -> None:
    """A missing table is an error of SQLAlchemy's too."""
    missing = Table("never_made", MetaData(), Column("id", String))
    statement = Prepared(database.engine.dialect, select(missing.c.id))

    expected = "no such table" if database.dialect == "sqlite" else "does not exist"
    with pytest.raises(Exception, match=expected) as caught, database.unit() as db:
        statement.all(driver_of(db))
    assert isinstance(caught.value, ProgrammingError) or database.dialect == "sqlite"


def test_what_is_put_off_is_part_of_the_unit(rows: Database) -> None:
    """Statements that nobody waits for are run before the commit, also in a unit that does nothing else."""
    with rows.unit() as db:
        for name in ("a", "b"):
            prepare(rows).later(db, id=uuid4(), name=name, at=NOW, data=None)

    with rows.read() as db:
        assert db.scalars(select(ROWS.c.name).order_by(ROWS.c.name)).all() == ["a", "b"]


def test_what_is_put_off_is_found_by_whoever_reads(rows: Database) -> None:
    """A session that reads in the same unit sees it, and so does a statement on the driver that caught up."""
    names = Prepared(rows.engine.dialect, select(ROWS.c.name).order_by(ROWS.c.name))
    with rows.unit() as db:
        prepare(rows).later(db, id=uuid4(), name="a", at=NOW, data=None)
        assert db.scalars(select(ROWS.c.name)).all() == ["a"]
        prepare(rows).later(db, id=uuid4(), name="b", at=NOW, data=None)
        catch_up(db)
        assert [row[0] for row in names.all(driver_of(db))] == ["a", "b"]


def test_what_is_put_off_is_taken_back(rows: Database) -> None:
    """An exception, a rollback and a savepoint take back what was put off as well as what was run."""
    with pytest.raises(RuntimeError), rows.unit() as db:
        prepare(rows).later(db, id=uuid4(), name="a", at=NOW, data=None)
        raise RuntimeError
    with rows.unit() as db:
        prepare(rows).run(driver_of(db), id=uuid4(), name="b", at=NOW, data=None)
        prepare(rows).later(db, id=uuid4(), name="c", at=NOW, data=None)
        db.rollback()
    with rows.unit() as db:
        prepare(rows).later(db, id=uuid4(), name="kept", at=NOW, data=None)
        savepoint = db.begin_nested()
        db.execute(insert(ROWS).values(id=uuid4(), name="d"))
        prepare(rows).later(db, id=uuid4(), name="e", at=NOW, data=None)
        savepoint.rollback()

    with rows.read() as db:
        assert db.scalars(select(ROWS.c.name)).all() == ["kept"]


@pytest.mark.sec("LOG-05")
@pytest.mark.parametrize("wait", [True, False], ids=["while it goes on", "at the end"])
def test_what_is_put_off_fails_as_a_whole(rows: Database, wait: bool) -> None:
    """A broken constraint is an IntegrityError without values, nothing is committed, and the connection works on."""
    with pytest.raises(IntegrityError) as caught, rows.unit() as db:
        for name in ("canary", "canary", "after"):
            prepare(rows).later(db, id=uuid4(), name=name, at=NOW, data="secret value")
        if wait:
            catch_up(db)

    assert "secret value" not in str(caught.value)
    with rows.unit() as db:
        assert db.execute(select(ROWS)).all() == []


def test_what_is_put_off_changes_rows_in_order(rows: Database) -> None:
    """Statements that change the same rows are run one after the other, however many were put off."""
    key = uuid4()
    rename = Prepared(
        rows.engine.dialect,
        update(ROWS).where(ROWS.c.name == bindparam("before")).values(name=bindparam("after"), data=["50 % (x)s"]),
    )
    with rows.unit() as db:
        prepare(rows).run(driver_of(db), id=key, name="a", at=NOW, data=None)
    with rows.unit() as db:
        rename.later(db, before="a", after="b")
        prepare(rows).later(db, id=uuid4(), name="other", at=NOW, data=None)
        rename.later(db, before="b", after="c")
        rename.later(db, before="c", after="d")

    with rows.read() as db:
        assert db.execute(select(ROWS.c.name, ROWS.c.data).where(ROWS.c.id == key)).one() == ("d", ["50 % (x)s"])
        assert db.scalars(select(ROWS.c.name).order_by(ROWS.c.name)).all() == ["d", "other"]


def test_what_is_put_off_is_one_statement_on_postgresql(postgresql_url: str) -> None:
    """The server is asked once for all that may be one statement, and its text stays the same."""
    database = Database(postgresql_url)
    METADATA.create_all(database.engine)
    asked: list[str] = []
    remove = Prepared(database.engine.dialect, delete(ROWS).where(ROWS.c.name == bindparam("which")))
    for name in "ab":
        with database.unit() as db:
            state = state_of(db)
            assert state is not None
            state.driver = Asked(state.driver(), asked).itself  # type: ignore[method-assign]  # noted on the way
            remove.later(db, which="nobody")
            prepare(database).later(db, id=uuid4(), name=name, at=NOW, data=None)

    database.dispose()
    assert len(asked) == 2
    assert asked[0] == asked[1]


def test_rows_that_are_put_off_are_numbered_in_order(database: Database) -> None:
    """What is inserted first has the lower number, however many were put off."""
    numbered = Table("numbered_rows", MetaData(), Column("id", Integer, primary_key=True), Column("name", String))
    numbered.create(database.engine)
    add = Prepared(database.engine.dialect, insert(numbered), ["name"])
    with database.unit() as db:
        for number in range(20):
            add.later(db, name=f"{number:02}")

    with database.read() as db:
        assert db.scalars(select(numbered.c.name).order_by(numbered.c.id)).all() == [f"{n:02}" for n in range(20)]
