"""Tests of upgrading a database."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect, text

from onegov_auth.database import Database
from onegov_auth.errors import SchemaOutdatedError
from onegov_auth.migrations import VERSION_TABLE, check, current, head, stamp, upgrade
from onegov_auth.models import Base


@pytest.fixture(name="engine")
def _engine(database_url: str) -> Iterator[Engine]:
    """An empty database of each kind, as the application opens it."""
    database = Database(database_url)
    yield database.engine
    database.dispose()


def differences(engine: Engine) -> list[object]:
    """What Alembic would change to make the database equal to the models."""
    with engine.connect() as connection, warnings.catch_warnings():
        # Alembic can't compare SQLite's indexes on expressions; another test does.
        warnings.filterwarnings("ignore", message="autogenerate skipping metadata-specified expression-based index")
        warnings.filterwarnings("ignore", message="Skipped unsupported reflection of expression-based index")
        options = {"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, Base.metadata))


def definitions(engine: Engine) -> set[tuple[str, str]]:
    """SQLite's own text of every table and index."""
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
        return {(name, " ".join(sql.split())) for name, sql in rows if name != VERSION_TABLE}


def test_migrations_make_what_the_models_say(engine: Engine) -> None:
    """An upgraded database has the tables of the models, and nothing else."""
    upgrade(engine)
    assert differences(engine) == []


def test_migrations_and_models_make_the_same_indexes_on_sqlite(tmp_path: Path) -> None:
    """Also what Alembic can't compare is the same, index by index."""
    migrated, made = create_engine(f"sqlite:///{tmp_path}/a.db"), create_engine(f"sqlite:///{tmp_path}/b.db")
    upgrade(migrated)
    Base.metadata.create_all(made)
    indexes = {name for name, sql in definitions(made) if sql.startswith(("CREATE INDEX", "CREATE UNIQUE"))}
    assert {pair for pair in definitions(migrated) if pair[0] in indexes} == {
        pair for pair in definitions(made) if pair[0] in indexes
    }
    assert "lowercase_username" in indexes
    migrated.dispose()
    made.dispose()


def test_an_upgrade_may_be_repeated(engine: Engine) -> None:
    """The second upgrade finds nothing to do."""
    upgrade(engine)
    upgrade(engine)
    assert current(engine) == head()


def test_an_upgrade_can_be_taken_back(engine: Engine) -> None:
    """Downgrading drops what upgrading made, and upgrading makes it again."""
    from alembic import command  # noqa: PLC0415 - only this test goes back

    from onegov_auth.migrations.runner import _alone, _config  # noqa: PLC0415 - as above

    upgrade(engine)
    with _alone(engine, None) as connection:
        command.downgrade(_config(connection), "base")
    assert inspect(engine).get_table_names() == [VERSION_TABLE]
    upgrade(engine)
    check(engine)


def test_upgrades_at_once_wait_for_each_other(engine: Engine) -> None:
    """Of eight processes that upgrade at the same moment, none fails, and the database is upgraded once."""
    errors: list[BaseException] = []
    barrier = threading.Barrier(8)

    def work() -> None:
        barrier.wait()
        try:
            upgrade(engine)
        except BaseException as error:  # noqa: BLE001 - shown by the assertion
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert current(engine) == head()


def test_databases_at_once_are_kept_apart(tmp_path: Path) -> None:
    """Threads that upgrade different databases don't get into each other's migration."""
    engines = [create_engine(f"sqlite:///{tmp_path}/{number}.db") for number in range(6)]
    threads = [threading.Thread(target=upgrade, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for engine in engines:
        check(engine)
        engine.dispose()


def test_a_failed_upgrade_changes_nothing(engine: Engine) -> None:
    """A table that is in the way stops the upgrade, and no half of it stays."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE auth_events (id INTEGER)"))
    with pytest.raises(Exception, match="auth_events"):
        upgrade(engine)
    assert inspect(engine).get_table_names() == ["auth_events"]


def test_an_empty_database_is_refused(engine: Engine) -> None:
    """An application does not start on an empty database, and is told the command."""
    with pytest.raises(SchemaOutdatedError, match=r"no tables.*onegov-auth db upgrade"):
        check(engine)


def test_an_older_database_is_refused(engine: Engine) -> None:
    """An application does not start on an older schema, and is told both revisions and the command."""
    upgrade(engine, revision="0001")
    with pytest.raises(SchemaOutdatedError, match=rf"revision 0001.*needs {head()}.*onegov-auth db upgrade"):
        check(engine)


def test_a_newer_database_is_refused(engine: Engine) -> None:
    """An application does not start on a schema it does not know."""
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(SchemaOutdatedError, match=r"revision 9999.*does not know"):
        check(engine)


def test_tables_made_otherwise_can_be_stamped(engine: Engine) -> None:
    """After ``create_all``, a stamp says that the database is up to date."""
    Base.metadata.create_all(engine)
    stamp(engine)
    check(engine)
    upgrade(engine)


def test_a_missing_schema_is_made(postgresql_url: str) -> None:
    """Upgrading a tenant makes the PostgreSQL schema, whatever its name."""
    database = Database(postgresql_url, schema='Town of "Govikon"')
    upgrade(database.engine, database.schema)
    check(database.engine, database.schema)
    assert "users" in inspect(database.engine).get_table_names(schema='Town of "Govikon"')
    assert inspect(database.engine).get_table_names(schema="public") == []
    database.dispose()


def test_schemas_have_versions_of_their_own(postgresql_url: str) -> None:
    """One tenant's version table is never taken for another's."""
    engine = create_engine(postgresql_url.replace("postgresql://", "postgresql+psycopg://"))
    upgrade(engine)
    upgrade(engine, "one")
    with pytest.raises(SchemaOutdatedError, match="schema two"):
        check(engine, "two")
    upgrade(engine, "two")
    check(engine, "one")
    check(engine, "two")
    with engine.connect() as connection:
        assert connection.scalar(text("SHOW search_path")) == '"$user", public'
    engine.dispose()
