"""
Upgrade a database, and tell which version it is.

Alembic is configured in code: it works from an installed wheel, without ``alembic.ini``. The version
table has a name of its own, because an application has migrations of its own. For an application that
makes the tables on its own declarative base (:meth:`onegov_auth.models.Entities.on`) these migrations
are an example; it has to write its own.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from onegov_auth.errors import SchemaOutdatedError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

__all__ = ["VERSION_TABLE", "check", "current", "head", "revisions", "stamp", "upgrade"]

#: The table that holds the version of the database.
VERSION_TABLE = "onegov_auth_version"

#: Names the lock under which PostgreSQL lets one upgrade at a time into a schema.
_LOCK = "onegov_auth migrations"

#: Alembic keeps the migration it runs in a module: one at a time in a process, whatever the database.
_process = threading.Lock()


def upgrade(engine: Engine, schema: str | None = None, revision: str = "head") -> None:
    """
    Bring the database to *revision*, in one transaction.

    May be called any number of times, and by several processes at once: the others wait, and find
    nothing left to do.

    Args:
        engine: The database.
        schema: The PostgreSQL schema of the tenant, made if it is missing; by default where the engine works.
        revision: The version to bring it to.
    """
    with _alone(engine, schema) as connection:
        command.upgrade(_config(connection), revision)


def stamp(engine: Engine, revision: str = "head", schema: str | None = None) -> None:
    """
    Note that the database is at *revision*, without changing it: for tables that were made otherwise.

    Args:
        engine: The database.
        revision: The version it is at.
        schema: As for :func:`upgrade`.
    """
    with _alone(engine, schema) as connection:
        command.stamp(_config(connection), revision)


def current(engine: Engine, schema: str | None = None) -> str | None:
    """The revision the database is at; ``None`` if it has none."""
    with engine.connect() as connection:
        _enter(connection, schema)
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        return context.get_current_revision()


def head() -> str:
    """The revision this version of the framework works on."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    return str(revision)


def revisions() -> tuple[str, ...]:
    """The revisions this version knows, the newest first."""
    return tuple(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def check(engine: Engine, schema: str | None = None) -> None:
    """
    Make sure that the database is at the revision this version works on.

    Raises:
        SchemaOutdatedError: If it is older, newer, or has no tables yet; it names the command that helps.
    """
    found, needed = current(engine, schema), head()
    if found == needed:
        return
    where = f" (schema {schema})" if schema else ""
    if found is None:
        raise SchemaOutdatedError(f"the database{where} has no tables of onegov_auth: run `onegov-auth db upgrade`")
    if found not in revisions():
        raise SchemaOutdatedError(
            f"the database{where} is at revision {found}, which this version does not know: install a newer one"
        )
    raise SchemaOutdatedError(
        f"the database{where} is at revision {found}, this version needs {needed}: run `onegov-auth db upgrade`"
    )


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", "onegov_auth:migrations")
    config.attributes["connection"] = connection
    return config


@contextlib.contextmanager
def _alone(engine: Engine, schema: str | None) -> Iterator[Connection]:
    with _process, engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            driver = connection.connection.driver_connection
            if driver is not None and not driver.in_transaction:
                # SQLite's driver begins no transaction for DDL; this one also makes others wait.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            # The lock ends with the transaction. Schemas are upgraded one after another, which costs little.
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": _LOCK})
            if schema is not None:
                quoted = connection.dialect.identifier_preparer.quote_identifier(schema)
                connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {quoted}")
            _enter(connection, schema)
        yield connection


def _enter(connection: Connection, schema: str | None) -> None:
    if schema is not None:
        # Nothing but this schema: another one's version table must not be taken for ours.
        connection.execute(
            text("SELECT set_config('search_path', :path, true)"),
            {"path": connection.dialect.identifier_preparer.quote_identifier(schema)},
        )
