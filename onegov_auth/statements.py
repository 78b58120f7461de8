"""
Statements that are compiled once and run on the driver itself.

A login and every request run the same few statements over and over. SQLAlchemy's own execution costs
several times what they do in the database (see ``benchmarks/``), so those are written with SQLAlchemy,
compiled and typed by it once, and handed to the driver's connection of whatever transaction is under way.
What is rare, or built as it goes, uses SQLAlchemy as everybody does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from sqlalchemy import Dialect, Executable
    from sqlalchemy.orm import Session, SessionTransaction

__all__ = [
    "UNIT_KEY",
    "LostRaceError",
    "Prepared",
    "UnitState",
    "driver_of",
    "is_alone",
    "once_committed",
    "savepoint",
    "state_of",
]

#: Where a unit of work keeps its state in ``Session.info``.
UNIT_KEY = "onegov_auth.unit"

#: How many different sets of statements are kept that were put off together; an application has a handful.
SETS = 256

#: PostgreSQL's code for what a statement says on purpose whose claim found nothing (appendix A).
DIVISION_BY_ZERO = "22012"

Row = tuple[Any, ...]

_PLACE = re.compile(r"%\((\w+)\)s")


class LostRaceError(Exception):
    """Raised when what a unit of work read has changed before it wrote: it has to be done again."""


class UnitState:
    """
    What a unit of work has beside its session.

    Args:
        connect: Opens the unit's one connection, once; returns the driver's.
        puts_off: Whether statements that nobody waits for are put off.
    """

    def __init__(self, connect: Callable[[], Any], *, puts_off: bool) -> None:
        self._connect = connect
        self._driver: Any = None
        self.puts_off = puts_off
        self.waiting: list[Waiting] = []
        self.afterwards: list[Callable[[], None]] = []

    def driver(self) -> Any:
        """The driver's connection."""
        if self._driver is None:
            self._driver = self._connect()
        return self._driver

    @property
    def is_alone(self) -> bool:
        """Whether there is no connection yet."""
        return self._driver is None

    def catch_up(self) -> None:
        """
        Run what was put off, as one statement where that means the same.

        Raises:
            sqlalchemy.exc.DBAPIError: As :meth:`Prepared.run`.
            LostRaceError: As :meth:`Prepared.claim`.
        """
        waiting, self.waiting = self.waiting, []
        for batch in _batches(waiting):
            _run_together(self.driver(), batch)

    def finish(self, single: Callable[[], AbstractContextManager[Any]]) -> None:
        """
        Run what was put off by a unit that did nothing else, and commit it; see :meth:`catch_up` for errors.

        Args:
            single: Lends a connection for one statement, which the server commits in the same round trip.
        """
        batches = list(_batches(self.waiting))
        if len(batches) > 1:
            self.catch_up()
            return
        self.waiting = []
        for batch in batches:
            with single() as driver:
                _run_together(driver, batch)


def state_of(db: Session) -> UnitState | None:
    """The state of a unit of work; ``None`` for another session."""
    state: UnitState | None = db.info.get(UNIT_KEY)
    return state


def once_committed(db: Session, tell: Callable[[], None]) -> None:
    """
    Tell somebody outside the database of what the unit of work *db* does, when it is committed and not before.

    Nothing is told of a unit that fails or is rolled back. Elsewhere than in such a unit it is told at once.
    """
    state = state_of(db)
    if state is None:
        tell()
    else:
        state.afterwards.append(tell)


def driver_of(db: Session) -> Any:
    """
    The driver's connection in the transaction of *db*.

    Nothing is flushed: what the session still holds has to be flushed first, where the order matters.
    """
    state = state_of(db)
    return db.connection().connection.driver_connection if state is None else state.driver()


def is_alone(db: Session) -> bool:
    """
    Whether *db* is a unit of work that has no connection yet, and may need none but for what it puts off.

    What it reads is read by itself then, without a lock, and what follows from that is claimed by
    :meth:`Prepared.claim`.
    """
    state = state_of(db)
    return state is not None and state.is_alone


def _batches(waiting: Sequence[Waiting]) -> Iterator[Sequence[Waiting]]:
    """
    Those that may be one statement.

    The parts of one see the tables as they were before it, and may not change the same row twice (PostgreSQL 17,
    7.8.4): so only one of them changes or deletes rows of a table. They are run in any order: so only one of them
    inserts into a table, whose rows are numbered as they come.
    """
    batch: list[Waiting] = []
    touched: set[tuple[str, str]] = set()
    for one in waiting:
        if one.statement.touches in touched:
            yield batch
            batch, touched = [], set()
        batch.append(one)
        touched.add(one.statement.touches)
    if batch:
        yield batch


def _run_together(driver: Any, batch: Sequence[Waiting]) -> None:
    first = batch[0].statement
    if len(batch) == 1:
        batch[0].run(driver)
        return
    values = {
        f"w{number}_{name}": value
        for number, one in enumerate(batch)
        for name, value in one.statement.arguments(one.parameters).items()
    }
    try:
        driver.execute(_together(tuple((one.statement, one.claims) for one in batch)), values)
    except first.error as error:
        if getattr(error, "sqlstate", None) == DIVISION_BY_ZERO:
            raise LostRaceError from error
        raise first.told(driver, error) from error


@lru_cache(maxsize=SETS)
def _together(statements: tuple[tuple[Prepared, bool], ...]) -> str:
    """All of them as one statement, whose text stays the same, so that the server plans it once."""
    parts = [_PLACE.sub(rf"%(w{number}_\1)s", statement.sql) for number, (statement, _) in enumerate(statements)]
    claims = [number for number, (_, claims) in enumerate(statements) if claims]
    if claims:
        # An error takes back the whole statement, and there is no other way for a part of it to say no.
        parts = [
            f"{part}{statements[number][0].found}" if number in claims else part for number, part in enumerate(parts)
        ]
        # They are run in this order, and the rest after them.
        found = [f"1 / (SELECT count(*) FROM w{number})" for number in claims]  # noqa: S608 - nobody else's numbers
        parts.append(f"SELECT {', '.join(found)}")
    named = ", ".join(f"w{number} AS ({part})" for number, part in enumerate(parts[:-1]))
    return f"WITH {named} {parts[-1]}"


def savepoint(db: Session) -> SessionTransaction:
    """
    A savepoint that holds for statements on the driver as well.

    SQLAlchemy sends SAVEPOINT with the session's next statement of its own; those on the driver go past it.
    """
    begun = db.begin_nested()
    db.connection()
    return begun


class Prepared:
    """
    A statement, compiled for one dialect.

    Args:
        dialect: The database's.
        statement: A ``select``, or an ``insert``, ``update`` or ``delete`` without Python-side defaults.
        columns: Of an ``insert``: the columns it fills.
    """

    def __init__(self, dialect: Dialect, statement: Executable, columns: Sequence[str] | None = None) -> None:
        compiled: Any = statement.compile(dialect=dialect, column_keys=columns)  # type: ignore[attr-defined]  # every Executable has it
        self._dialect = dialect
        self.sql = str(compiled)
        self._names: tuple[str, ...] = tuple(compiled.positiontup or ()) if compiled.positional else ()
        self._positional: bool = compiled.positional
        processors: dict[str, Callable[[Any], Any]] = {
            name: processor
            for bind, name in compiled.bind_names.items()
            if (processor := bind.type.dialect_impl(dialect).bind_processor(dialect)) is not None
        }
        # What stands in the statement itself is converted once.
        constants = {name: bind.effective_value for bind, name in compiled.bind_names.items() if not bind.required}
        self._fixed = {name: processors.pop(name, _as_it_is)(value) for name, value in constants.items()}
        self._bind = processors
        self._begins: bool = dialect.name == "sqlite" and (compiled.isinsert or compiled.isupdate or compiled.isdelete)
        #: What makes it give a row for each that it found.
        self.found = " RETURNING 1" if compiled.isinsert or compiled.isupdate or compiled.isdelete else ""
        #: To which table it does what, for one that writes.
        self.touches = ("insert" if compiled.isinsert else "change", str(getattr(statement, "table", "")))
        self.error: Any = dialect.loaded_dbapi.Error

    def run(self, driver: Any, **parameters: object) -> Any:
        """
        Run it on a driver's connection; returns the driver's cursor.

        Raises:
            sqlalchemy.exc.DBAPIError: As SQLAlchemy would raise it, without the parameters.
        """
        try:
            if self._begins and not driver.in_transaction:
                # In a request's session this may be the first statement that writes; see onegov_auth.database.
                driver.execute("BEGIN IMMEDIATE")
            return driver.execute(self.sql, self.arguments(parameters))
        except self.error as error:
            raise self.told(driver, error) from error

    def later(self, db: Session, **parameters: object) -> None:
        """
        Run it before the unit of work *db* is committed, with others that nobody waits for.

        That is for statements without a result, of which nothing in the unit depends: where a database is a network
        away, each answer that is waited for costs as much as all the work. What reads what was written calls
        ``state_of(db).catch_up()`` first. Elsewhere than in such a unit it is run at once.
        """
        self._put_off(db, Waiting(self, parameters))

    def claim(self, db: Session, **parameters: object) -> None:
        """
        As :meth:`later`, for one that has to find a row to change or lock: what the unit read must still hold.

        Those of one unit are run in their order, and before the rest.

        Raises:
            LostRaceError: If it finds none, which ends the unit: here, or when it is run.
        """
        self._put_off(db, Waiting(self, parameters, claims=True))

    def _put_off(self, db: Session, one: Waiting) -> None:
        state = state_of(db)
        if state is None or not state.puts_off or db.in_nested_transaction():
            # A savepoint takes back what was run since.
            one.run(driver_of(db))
        else:
            state.waiting.append(one)

    def told(self, driver: Any, error: Any) -> Any:
        """The driver's *error*, as SQLAlchemy would raise it."""
        broken = self._dialect.is_disconnect(error, driver, None)
        return DBAPIError.instance(
            self.sql,
            {},
            error,
            self.error,
            hide_parameters=True,
            connection_invalidated=broken,
            dialect=self._dialect,
        )

    def one(self, driver: Any, **parameters: object) -> Row | None:
        """The first row as the driver returns it, or ``None``."""
        row: Row | None = self.run(driver, **parameters).fetchone()
        return row

    def all(self, driver: Any, **parameters: object) -> list[Row]:
        """All rows as the driver returns them."""
        rows: list[Row] = self.run(driver, **parameters).fetchall()
        return rows

    def converter(self, column: Any) -> Callable[[Any], Any]:
        """What turns a value of *column*, as the driver returns it, into the one Python has."""
        convert = column.type.dialect_impl(self._dialect).result_processor(self._dialect, None)
        return convert if convert is not None else _as_it_is

    def arguments(self, parameters: dict[str, Any]) -> Any:
        """*parameters* as the driver wants them."""
        values = {**self._fixed, **parameters} if self._fixed else parameters
        for name, convert in self._bind.items():
            values[name] = convert(values[name])
        return tuple(values[name] for name in self._names) if self._positional else values


def _as_it_is(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Waiting:
    """
    A statement that was put off.

    Attributes:
        statement: The statement.
        parameters: Its parameters.
        claims: Whether it has to find a row.
    """

    statement: Prepared
    parameters: dict[str, Any]
    claims: bool = False

    def run(self, driver: Any) -> None:
        """Run it by itself; see :meth:`UnitState.catch_up` for errors."""
        found = self.statement.run(driver, **self.parameters)
        if self.claims and found.rowcount == 0:
            raise LostRaceError
