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
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from sqlalchemy import Dialect, Executable
    from sqlalchemy.orm import Session, SessionTransaction

__all__ = ["DRIVER_KEY", "WAITING_KEY", "Prepared", "catch_up", "driver_of", "savepoint"]

#: Where a unit of work, which has one connection for all its life, keeps the driver's in ``Session.info``.
DRIVER_KEY = "onegov_auth.driver"

#: Where a unit of work that may put statements off keeps those it has put off.
WAITING_KEY = "onegov_auth.waiting"

#: How many different sets of statements are kept that were put off together; an application has a handful.
SETS = 256

Row = tuple[Any, ...]

_PLACE = re.compile(r"%\((\w+)\)s")


def driver_of(db: Session) -> Any:
    """
    The driver's connection in the transaction of *db*.

    Nothing is flushed: what the session still holds has to be flushed first, where the order matters.
    """
    known = db.info.get(DRIVER_KEY)
    return db.connection().connection.driver_connection if known is None else known


def catch_up(db: Session, *, commit: bool = False) -> None:
    """
    Run what :meth:`Prepared.later` has put off, as one statement where that means the same.

    Args:
        db: The unit of work.
        commit: Whether to commit as well.

    Raises:
        sqlalchemy.exc.DBAPIError: As :meth:`Prepared.run`.
    """
    driver, waiting = driver_of(db), db.info.get(WAITING_KEY)
    if waiting:
        db.info[WAITING_KEY] = []
        for batch in _batches(waiting):
            _run_together(driver, batch)
    if commit:
        driver.commit()


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
        statement, _ = one
        if statement.touches in touched:
            yield batch
            batch, touched = [], set()
        batch.append(one)
        touched.add(statement.touches)
    yield batch


def _run_together(driver: Any, batch: Sequence[Waiting]) -> None:
    statements = tuple(statement for statement, _ in batch)
    first = statements[0]
    if len(statements) == 1:
        first.run(driver, **batch[0][1])
        return
    values = {
        f"w{number}_{name}": value
        for number, (statement, parameters) in enumerate(batch)
        for name, value in statement.arguments(parameters).items()
    }
    try:
        driver.execute(_together(statements), values)
    except first.error as error:
        raise first.told(driver, error) from error


@lru_cache(maxsize=SETS)
def _together(statements: tuple[Prepared, ...]) -> str:
    """All of them as one statement, whose text stays the same, so that the server plans it once."""
    parts = [_PLACE.sub(rf"%(w{number}_\1)s", statement.sql) for number, statement in enumerate(statements)]
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
        :func:`catch_up` first. Elsewhere than in such a unit it is run at once.
        """
        waiting = db.info.get(WAITING_KEY)
        if waiting is None or db.in_nested_transaction():
            # A savepoint takes back what was run since.
            self.run(driver_of(db), **parameters)
        else:
            waiting.append((self, parameters))

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


#: A statement that was put off, and its parameters.
Waiting = tuple[Prepared, dict[str, Any]]
