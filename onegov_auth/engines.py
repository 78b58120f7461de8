"""
How the engines and their connections are set up.

SQLite runs in WAL mode with foreign keys and a busy timeout, all of which it leaves off by itself.
Reads are autocommit on both databases. On SQLite the first statement that writes begins the
transaction with ``BEGIN IMMEDIATE``: a deferred transaction that turns into a writing one can't wait
and fails with "database is locked", and ``BEGIN IMMEDIATE`` everywhere makes readers wait for writers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, make_url

from onegov_auth.errors import MissingDependencyError

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

__all__ = ["make_engine", "prepare_connections"]

#: How long a writer waits for another one on SQLite, in milliseconds.
BUSY_TIMEOUT = 15_000


def make_engine(url: str | URL) -> Engine:
    """
    The engine of a database.

    Raises:
        MissingDependencyError: If its driver is not installed.
    """
    parsed = make_url(url)
    options: dict[str, Any] = {}
    if parsed.get_backend_name() == "sqlite" and parsed.database not in {None, "", ":memory:"}:
        # The thread that waits for the lock would otherwise hold one of five connections.
        options = {"pool_size": 20, "max_overflow": 80}
    elif parsed.get_backend_name() == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
        options = {"pool_recycle": 1800, "pool_size": 10, "max_overflow": 20}
    try:
        return create_engine(parsed, **options)
    except ModuleNotFoundError as error:
        raise MissingDependencyError(f"database {parsed.drivername}", "onegov-auth[postgresql]") from error


def prepare_connections(engine: Engine, schema: str | None) -> None:
    """Have each connection of *engine* set up, on PostgreSQL for a tenant's *schema*."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "before_cursor_execute", _begin_before_writing)
        event.listen(engine, "savepoint", _begin_before_savepoint)
    elif schema is not None:
        event.listen(engine, "connect", _search_path(schema))


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # Without this, Python's driver begins deferred transactions on its own.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()


def _begin_before_writing(
    _connection: Connection, cursor: Any, statement: str, _parameters: object, context: Any, _many: bool
) -> None:
    writes = context.isinsert or context.isupdate or context.isdelete
    if not writes and context.is_text:
        writes = statement.lstrip()[:6].upper() in {"INSERT", "UPDATE", "DELETE"}
    if writes and not cursor.connection.in_transaction:
        cursor.execute("BEGIN IMMEDIATE")


def _begin_before_savepoint(connection: Connection, _name: str) -> None:
    driver = connection.connection.driver_connection
    if driver is not None and not driver.in_transaction:
        driver.execute("BEGIN IMMEDIATE")


def _search_path(schema: str) -> Callable[[Any, object], None]:
    quoted = '"' + schema.replace('"', '""') + '"'

    def prepare(connection: Any, _record: object) -> None:
        before, connection.autocommit = connection.autocommit, True
        with connection.cursor() as cursor:
            cursor.execute(f"SET search_path TO {quoted}")
        connection.autocommit = before

    return prepare
