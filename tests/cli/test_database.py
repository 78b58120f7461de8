from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from sqlalchemy import create_engine, inspect, text

from onegov_auth import migrations
from onegov_auth.cli import main

SECRET = "a secret for tests only, of more than 32 characters"


@pytest.fixture(name="db")
def _db(database_url: str) -> Callable[..., Result]:
    """``db("upgrade")`` calls ``onegov-auth db upgrade`` on an empty database."""

    def db(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["--dsn", database_url, "db", *arguments])

    return db


def test_upgrade(db: Any, database_url: str) -> None:
    """An empty database gets all tables, and the command says from where to where it went."""
    result = db("upgrade")

    assert (result.exit_code, result.stdout) == (0, f"main/app: was brought from nothing to {migrations.head()}\n")
    engine = create_engine(database_url.replace("postgresql:", "postgresql+psycopg:"))
    assert {"users", "auth_events", migrations.VERSION_TABLE} <= set(inspect(engine).get_table_names())
    engine.dispose()


def test_upgrade_twice(db: Any) -> None:
    """The second time there is nothing to do."""
    db("upgrade")

    assert db("upgrade").stdout == f"main/app: is up to date ({migrations.head()})\n"


def test_current_of_nothing(db: Any) -> None:
    """A database without tables is outdated: exit code 5, and the command that helps."""
    result = db("current")

    assert result.exit_code == 5
    assert result.stdout == f"main/app: is at nothing and needs {migrations.head()}: run onegov-auth db upgrade\n"


def test_current(db: Any) -> None:
    """A database of this version is up to date."""
    db("upgrade")

    result = db("current", "--json")

    assert result.exit_code == 0
    head = migrations.head()
    assert json.loads(result.stdout) == [{"application": "main/app", "schema": None, "revision": head, "head": head}]


def test_stamp(db: Any) -> None:
    """Tables that were made otherwise can be noted to be of a version."""
    result = db("stamp")

    assert (result.exit_code, result.stdout) == (0, f"main/app: is noted to be at {migrations.head()}\n")
    assert db("current").exit_code == 0


def test_stamp_of_an_unknown_revision(db: Any) -> None:
    """A version nobody knows is refused with a sentence."""
    result = db("stamp", "9999")

    assert (result.exit_code, result.stdout) == (4, "")
    known = ", ".join(migrations.revisions())
    assert result.stderr == f"Error: There is no revision 9999; there are head, base, {known}.\n"


def test_schema(postgresql_url: str) -> None:
    """A tenant's schema is made with its tables, and nothing in another one."""
    result = CliRunner().invoke(main, ["--dsn", postgresql_url, "--schema", "tenant-1", "db", "upgrade"])

    assert result.exit_code == 0, result.output
    engine = create_engine(postgresql_url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        tables = connection.execute(
            text("SELECT table_schema FROM information_schema.tables WHERE table_name = 'users'")
        )
        assert tables.scalars().all() == ["tenant-1"]
    engine.dispose()


@pytest.fixture(name="tenants")
def _tenants(tmp_path: Path) -> Callable[..., Result]:
    """``tenants("upgrade")`` calls it with ``--all-tenants``: the application, a namespace, two tenants."""
    path = tmp_path / "auth.yml"

    def write(**tenants: Any) -> None:
        settings = {
            "application": "example/app",
            "base_url": "https://app.example.org",
            "database": f"sqlite:///{tmp_path / 'app.db'}",
            "secrets": [SECRET],
            "tenants": {name.replace("_", "/"): block for name, block in tenants.items()},
        }
        path.write_text(yaml.safe_dump(settings))

    def tenants(*arguments: str, one: str = "one.db", **more: Any) -> Result:
        write(
            example={"title": "All of example"},
            example_one={"database": f"sqlite:///{tmp_path / one}"},
            example_two={"database": f"sqlite:///{tmp_path / 'two.db'}"},
            **more,
        )
        return CliRunner().invoke(main, ["--config", str(path), "db", *arguments, "--all-tenants"])

    return tenants


def test_all_tenants(tenants: Any, tmp_path: Path) -> None:
    """The application and every tenant are upgraded, each with its line; a namespace is no tenant."""
    result = tenants("upgrade")

    assert result.exit_code == 0, result.output
    brought = f"was brought from nothing to {migrations.head()}"
    assert result.stdout.splitlines() == [f"example/{name}: {brought}" for name in ("app", "one", "two")]
    assert {"app.db", "one.db", "two.db"} <= {path.name for path in tmp_path.iterdir()}


def test_one_tenant_fails(tenants: Any) -> None:
    """A tenant that can't be upgraded doesn't keep the others from it; it is reported, and is the exit code."""
    result = tenants("upgrade", one="not-there/one.db")

    assert result.exit_code == 5
    first, second, third = result.stdout.splitlines()
    assert first.startswith("example/app: was brought")
    assert second == "example/one: The database can't be used: unable to open database file"
    assert third.startswith("example/two: was brought")
    assert result.stderr == "Error: The database can't be used: unable to open database file (1 of 3 failed)\n"


def test_one_tenant_is_outdated(tenants: Any) -> None:
    """One outdated tenant among several is exit code 5."""
    tenants("upgrade")

    result = tenants("current", example_three={"database": "sqlite://"})

    assert result.exit_code == 5
    outdated = [line for line in result.stdout.splitlines() if "up to date" not in line]
    needs = f"is at nothing and needs {migrations.head()}: run onegov-auth db upgrade"
    assert outdated == [f"example/three: {needs}"]


@pytest.mark.parametrize("command", ["upgrade", "current", "stamp"])
def test_faults_of_the_settings(tmp_path: Path, command: str) -> None:
    """Faults are told once, on stderr, each on a line of its own."""
    (tmp_path / "m.yml").write_text(f"base_url: https://host\ndatabase: 'sqlite://'\nsecrets: ['{SECRET}']\ntitel: x\n")

    result = CliRunner().invoke(main, ["--config", str(tmp_path / "m.yml"), "db", command])

    assert (result.exit_code, result.stdout) == (3, "")
    fault = "titel: is unknown; did you mean title?"
    assert result.stderr == f"Error: 1 fault in {tmp_path / 'm.yml'}:\n  - {fault}\n"


def test_faults_of_a_tenant(tenants: Any) -> None:
    """The faults of one tenant among several stand in its line."""
    result = tenants("upgrade", example_three={"sessions": {"idle": "30d"}, "redis": "x"})

    assert result.exit_code == 3
    (line,) = (line for line in result.stdout.splitlines() if "was brought" not in line)
    assert line.startswith("example/three: ")
    assert "redis: must be" in line
    assert "; " in line
    assert "\\n" not in line


def test_all_tenants_need_settings(db: Any) -> None:
    """A database alone knows of no tenants."""
    result = db("upgrade", "--all-tenants")

    assert (result.exit_code, result.stderr) == (3, "Error: This needs the settings: name them with --config.\n")
