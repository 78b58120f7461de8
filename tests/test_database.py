from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, bindparam, create_engine, insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from onegov_auth.database import CONTEXT_KEY, Database, SessionContext
from onegov_auth.errors import SettingsError
from onegov_auth.statements import Prepared, driver_of, once_committed

METADATA = MetaData()
THINGS = Table("things", METADATA, Column("id", Integer, primary_key=True), Column("name", String, unique=True))


@pytest.fixture(name="things")
def _things(database: Database) -> Database:
    METADATA.create_all(database.engine)
    return database


@pytest.fixture(name="connect")
def _connect() -> Iterator[Callable[..., Database]]:
    opened = []

    def connect(*arguments: Any) -> Database:
        opened.append(Database(*arguments))
        return opened[-1]

    yield connect
    for database in opened:
        database.dispose()


@pytest.fixture(name="sqlite")
def _sqlite(sqlite_url: str, connect: Callable[..., Database]) -> Database:
    database = connect(sqlite_url)
    METADATA.create_all(database.engine)
    return database


def names(database: Database) -> list[str]:
    with database.read() as db:
        return list(db.scalars(select(THINGS.c.name).order_by(THINGS.c.id)))


def cut_off(database: Database) -> None:
    others = "WHERE pid <> pg_backend_pid() AND datname = current_database()"
    with database.unit() as db:
        db.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity {others}"))


def test_a_unit_is_committed_whole(things: Database) -> None:
    """What a unit of work wrote is there when it ends."""
    with things.unit() as db:
        db.execute(insert(THINGS).values(name="a"))

    assert names(things) == ["a"]


def test_an_exception_takes_back_the_whole_unit(things: Database) -> None:
    """Nothing of a unit that raised is left."""
    with pytest.raises(ValueError, match="no"), things.unit() as db:
        db.execute(insert(THINGS).values(name="a"))
        raise ValueError("no")

    assert names(things) == []


def test_others_are_told_of_what_is_committed(things: Database) -> None:
    """What a unit tells outside of the database, it tells after its commit; elsewhere it is told at once."""
    told: list[list[str]] = []
    with things.unit() as db:
        db.execute(insert(THINGS).values(name="a"))
        once_committed(db, lambda: told.append(names(things)))
        assert told == []
    assert told == [["a"]]

    with things.session() as db:
        once_committed(db, lambda: told.append([]))
    assert told == [["a"], []]


def test_a_request_that_reads_holds_no_lock(sqlite: Database) -> None:
    """A session that only read leaves the writer alone."""
    reader = sqlite.session()
    reader.execute(select(THINGS)).all()

    with sqlite.unit() as db:
        db.execute(insert(THINGS).values(name="a"))
    assert names(sqlite) == ["a"]
    reader.close()


def test_a_request_that_writes_begins_a_transaction(things: Database) -> None:
    """The first statement that writes can be taken back, and is seen by others after the commit only."""
    session = things.session()
    session.execute(insert(THINGS).values(name="a"))
    assert names(things) == []
    session.rollback()
    session.execute(text("INSERT INTO things (name) VALUES ('b')"))
    assert names(things) == []
    session.commit()
    session.close()

    assert names(things) == ["b"]


def test_a_savepoint_does_not_commit_what_is_around_it(things: Database) -> None:
    """A nested transaction that fails leaves the outer one as it was, and both can be taken back."""
    session = things.session()
    with session.begin_nested():
        session.execute(insert(THINGS).values(name="a"))
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(insert(THINGS).values(name="a"))
    assert names(things) == []
    session.commit()
    session.close()

    assert names(things) == ["a"]


def test_writers_on_sqlite_wait_for_each_other(sqlite: Database) -> None:
    """Twenty threads that read and then write at once all get through: none finds the database locked."""
    barrier = threading.Barrier(20)
    failures: list[Exception] = []

    def work(number: int) -> None:
        barrier.wait()
        try:
            with sqlite.unit() as db:
                db.execute(select(THINGS)).all()
                db.execute(insert(THINGS).values(name=f"n{number}"))
        except Exception as error:  # noqa: BLE001 - any is a failure
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert len(names(sqlite)) == 20


def test_a_lost_race_is_run_again_on_what_the_winner_wrote(things: Database) -> None:
    """A unit that hits a unique constraint is done again and finds the row."""
    tries = []

    def work(db: Session) -> str:
        tries.append(1)
        found = db.scalar(select(THINGS.c.name))
        if found is None:
            with things.unit() if things.dialect == "postgresql" else _nothing() as other:
                if other is not None:
                    other.execute(insert(THINGS).values(name="a"))
            db.execute(insert(THINGS).values(name="a"))
            if things.dialect == "sqlite" and len(tries) == 1:
                raise IntegrityError("made by hand", {}, Exception())
        return db.scalar(select(THINGS.c.name)) or ""

    assert things.once(work) == "a"
    assert len(tries) == 2


class _nothing:  # noqa: N801 - a context manager like contextlib's
    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


def test_a_race_that_cant_be_won_is_told(things: Database) -> None:
    """After five tries the error comes through."""
    tries = []

    def work(db: Session) -> None:
        tries.append(1)
        db.execute(insert(THINGS), [{"name": "a"}, {"name": "a"}])

    with pytest.raises(IntegrityError):
        things.once(work)
    assert len(tries) == 5


def test_a_prepared_lookup_returns_the_drivers_row(things: Database) -> None:
    """A statement that was compiled once returns the first row or nothing."""
    with things.unit() as db:
        db.execute(insert(THINGS), [{"name": "a"}, {"name": "b"}])
    lookup = things.prepare(select(THINGS.c.name, THINGS.c.id).where(THINGS.c.name == bindparam("name")))

    row = lookup(name="b")
    assert row is not None
    assert row[0] == "b"
    assert lookup(name="c") is None


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_lookup_survives_a_restarted_server(things: Database, connect: Callable[..., Database]) -> None:
    """Connections that broke while idle are replaced before anybody notices."""
    lookup = things.prepare(select(THINGS.c.id).where(THINGS.c.name == bindparam("name")))
    lookup(name="a")
    cut_off(connect(things.engine.url))

    assert lookup(name="a") is None


def test_work_on_the_driver_is_a_unit_too(things: Database) -> None:
    """It is committed at the end, taken back by an exception, and done again after a lost race."""
    put = Prepared(things.engine.dialect, insert(THINGS), ["name"])
    tries: list[int] = []

    def work(driver: Any) -> None:
        tries.append(1)
        put.run(driver, name="a")
        if len(tries) == 1:
            put.run(driver, name="a")

    things.once_on_driver(work)
    assert (names(things), len(tries)) == (["a"], 2)

    def broken(driver: Any) -> None:
        put.run(driver, name="b")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        things.once_on_driver(broken)
    assert names(things) == ["a"]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("way", ["unit", "driver"])
def test_a_commit_that_fails_is_told(things: Database, way: str) -> None:
    """What the database checks only at the end is an error of SQLAlchemy's as well, and is tried again."""
    tries: list[int] = []

    def work(unit: Any) -> None:
        tries.append(1)
        driver = driver_of(unit) if way == "unit" else unit
        driver.execute("INSERT INTO things (name) VALUES ('a')")
        driver.execute("CREATE TEMPORARY TABLE late (id INTEGER UNIQUE DEFERRABLE INITIALLY DEFERRED)")
        driver.execute("INSERT INTO late VALUES (1), (1)")

    with pytest.raises(IntegrityError):
        (things.once if way == "unit" else things.once_on_driver)(work)
    assert (len(tries), names(things)) == (5, [])


def test_a_single_statement_is_a_unit_by_itself(things: Database) -> None:
    """It is committed when it has run, and the connection is in no such mode afterwards."""
    put = Prepared(things.engine.dialect, insert(THINGS), ["name"])
    things.once_on_driver(lambda driver: put.run(driver, name="a"), single=True)

    def broken(driver: Any) -> None:
        put.run(driver, name="b")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        things.once_on_driver(broken)
    assert names(things) == ["a"]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_work_on_the_driver_survives_a_restarted_server(things: Database, connect: Callable[..., Database]) -> None:
    """A dead connection is replaced, and the work done on a living one."""
    put = Prepared(things.engine.dialect, insert(THINGS), ["name"])
    things.once_on_driver(lambda driver: put.run(driver, name="a"))
    cut_off(connect(things.engine.url))
    things.once_on_driver(lambda driver: put.run(driver, name="b"))

    assert names(things) == ["a", "b"]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("way", ["lookup", "single", "alone"])
def test_no_connection_is_left_in_another_mode(things: Database, way: str) -> None:
    """Whatever happens to a statement that is committed by itself, the next unit can take everything back."""
    lookup = things.prepare(select(THINGS.c.id).where(THINGS.c.name == bindparam("name")))
    put = Prepared(things.engine.dialect, insert(THINGS), ["name"])
    with pytest.raises(UnicodeEncodeError):
        if way == "lookup":
            lookup(name="half \ud800")
        elif way == "single":
            things.once_on_driver(lambda driver: put.run(driver, name="half \ud800"), single=True)
        else:
            things.once_alone(lambda db: put.later(db, name="half \ud800"))

    with pytest.raises(ValueError, match="no"), things.unit() as db:
        driver_of(db).execute("INSERT INTO things (name) VALUES ('a')")
        raise ValueError("no")
    assert names(things) == []


def test_a_session_knows_its_context(database: Database) -> None:
    """Models and collections find entities, keys and clock in the session."""
    with database.read() as db:
        assert isinstance(db.info[CONTEXT_KEY], SessionContext)


def test_a_database_is_required() -> None:
    """Without a URL or an engine there is nothing to use."""
    with pytest.raises(SettingsError, match="database"):
        Database()


def test_a_host_may_bring_its_own_engine(sqlite_url: str) -> None:
    """Its connections are set up the same way."""
    engine = create_engine(sqlite_url)
    METADATA.create_all(engine)
    engine.dispose()
    with Database(engine=engine).read() as db:
        assert db.execute(text("PRAGMA foreign_keys")).scalar() == 1
    engine.dispose()


def test_only_postgresql_has_schemas(tmp_path: Path) -> None:
    """A schema with SQLite is a fault of the settings."""
    with pytest.raises(SettingsError, match="schema"):
        Database(f"sqlite:///{tmp_path}/x.db", "tenant")


def test_tenants_of_one_server_dont_see_each_other(postgresql_url: str, connect: Callable[..., Database]) -> None:
    """Each schema has its own tables, and nothing lands in the public one."""
    with connect(postgresql_url).unit() as db:
        db.execute(text('CREATE SCHEMA "one"'))
        db.execute(text('CREATE SCHEMA "two"'))
    one, two = connect(postgresql_url, "one"), connect(postgresql_url, "two")
    for tenant in (one, two):
        METADATA.create_all(tenant.engine)
    with one.unit() as db:
        db.execute(insert(THINGS).values(name="mine"))

    assert names(one) == ["mine"]
    assert names(two) == []
