from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, text

from onegov_auth.engines import make_engine, prepare_connections
from onegov_auth.errors import MissingDependencyError


def value(engine: Engine, statement: str) -> Any:
    with engine.connect() as connection:
        return connection.execute(text(statement)).scalar()


@pytest.mark.parametrize(
    ("pragma", "expected"), [("foreign_keys", 1), ("journal_mode", "wal"), ("busy_timeout", 15000)]
)
def test_sqlite_is_switched_to_what_it_leaves_off(sqlite_url: str, pragma: str, expected: object) -> None:
    """Foreign keys, WAL and a busy timeout are on for every connection."""
    engine = make_engine(sqlite_url)
    prepare_connections(engine, None)

    assert value(engine, f"PRAGMA {pragma}") == expected
    engine.dispose()


def test_a_connection_is_of_one_tenants_schema(postgresql_url: str) -> None:
    """Whatever its name is, and nothing of it is a statement."""
    name = 'odd "name"; --'
    engine = make_engine(postgresql_url)
    prepare_connections(engine, name)

    assert value(engine, "SHOW search_path") == '"odd ""name""; --"'
    engine.dispose()


def test_a_driver_that_is_not_installed_is_named() -> None:
    """The error says which extra to install."""
    with pytest.raises(MissingDependencyError, match=r"onegov-auth\[postgresql\]"):
        make_engine("mysql+pymysql://localhost/x")
