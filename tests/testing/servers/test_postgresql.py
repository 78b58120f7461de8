"""The throw-away PostgreSQL."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from onegov_auth.errors import MissingDependencyError
from onegov_auth.testing.servers import PostgreSQL, ServerMissingError
from onegov_auth.testing.servers.postgresql import _version


def ask(url: str, statement: str) -> object:
    """The first value of the first row."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return connection.execute(text(statement)).scalar()
    finally:
        engine.dispose()


def test_a_created_database_is_empty(postgresql_url: str) -> None:
    """A fresh database has no tables, and speaks UTF-8 and UTC."""
    assert ask(postgresql_url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    assert ask(postgresql_url, "SHOW server_encoding") == "UTF8"
    assert ask(postgresql_url, "SHOW timezone") == "UTC"


def test_letters_beyond_ascii_have_a_case(postgresql_url: str) -> None:
    """The locale knows more than ASCII, as a production server's."""
    assert ask(postgresql_url, "SELECT lower('ÄÖÜ')") == "äöü"


def test_each_database_is_another(postgresql: PostgreSQL) -> None:
    """Two databases have two names."""
    first, second = postgresql.create_database(), postgresql.create_database()

    assert first != second
    for url in (first, second):
        postgresql.drop_database(url)


def test_a_dropped_database_is_gone_even_while_in_use(postgresql: PostgreSQL) -> None:
    """Dropping cuts off who is connected."""
    url = postgresql.create_database("to_be_dropped")
    engine = create_engine(url)
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        postgresql.drop_database(url)
        connection.invalidate()
    engine.dispose()

    with pytest.raises(OperationalError, match="does not exist"):
        ask(url, "SELECT 1")


def test_dropping_twice_is_no_error(postgresql: PostgreSQL) -> None:
    """An absent database is what was wanted."""
    url = postgresql.create_database()
    postgresql.drop_database(url)
    postgresql.drop_database(url)


def test_nobody_gets_in_without_the_password(postgresql: PostgreSQL) -> None:
    """Other users of the machine can't connect over loopback."""
    with pytest.raises(OperationalError, match="password authentication failed"):
        ask(postgresql.url().replace(postgresql.password, "wrong"), "SELECT 1")


def test_two_servers_run_side_by_side_and_keep_their_data(postgresql: PostgreSQL) -> None:
    """A second server has other databases, and they survive its restart."""
    with PostgreSQL() as other:
        url = other.create_database("kept")
        other.restart()

        assert other.port != postgresql.port
        assert ask(url, "SELECT current_database()") == "kept"
        assert ask(postgresql.url(), "SELECT count(*) FROM pg_database WHERE datname = 'kept'") == 0


def test_a_missing_server_names_its_package() -> None:
    """Who has no PostgreSQL is told what to install."""
    with pytest.raises(ServerMissingError, match="install the package postgresql"):
        PostgreSQL().find("postgres-of-nobody")


def test_a_missing_driver_names_its_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without psycopg the error names what brings it."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'onegov-auth\[postgresql\]'"):
        PostgreSQL().is_ready()


def test_versions_are_compared_as_numbers() -> None:
    """Version 15 is newer than 9.6."""
    folders = [Path("/usr/lib/postgresql/15/bin"), Path("/usr/lib/postgresql/9.6/bin")]

    assert sorted(folders, key=_version) == folders[::-1]
