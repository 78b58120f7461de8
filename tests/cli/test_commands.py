from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from onegov_auth import migrations
from onegov_auth.cli import main as command
from onegov_auth.cli.commands import COMMANDS, GROUP
from onegov_auth.database import Database

#: What looking a user up in a database needs none of.
HEAVY = ("alembic", "authlib", "jinja2", "joserfc", "ldap3", "morepath", "waitress", "webob", "wtforms")


@click.command()
def greet() -> None:
    """Say hello."""
    click.echo("hello")


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


@pytest.fixture(name="install")
def _install(monkeypatch: pytest.MonkeyPatch) -> Any:
    """``install(greet="module:name")`` makes entry points as an installed application has them."""

    def install(**points: str) -> None:
        found = [EntryPoint(name.replace("_", "-"), value, GROUP) for name, value in points.items()]
        monkeypatch.setattr("onegov_auth.cli.commands.entry_points", lambda group: found if group == GROUP else [])

    monkeypatch.setitem(sys.modules, "greetings", sys.modules[__name__])
    return install


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    """Every command of ours can be loaded and has a text that says what it does, and how to get JSON."""
    result = invoke(name, "--help")

    assert result.exit_code == 0, result.output
    assert "--json" in result.stdout or name == "db"


def test_help_lists_every_command() -> None:
    """The group's help names every command, and what it does."""
    result = invoke("--help")

    assert result.exit_code == 0
    for name in COMMANDS:
        assert f"\n  {name} " in result.stdout


def test_version() -> None:
    """The version is that of the distribution."""
    assert "onegov-auth, version 0." in invoke("--version").stdout


def test_unknown_command() -> None:
    """A command nobody knows is a wrong command line."""
    result = invoke("dance")

    assert result.exit_code == 2
    assert "No such command 'dance'" in result.stderr


def test_command_of_an_application(install: Any) -> None:
    """An application adds a command by an entry point."""
    install(greet="greetings:greet")

    assert invoke("greet").stdout == "hello\n"
    assert "  greet " in invoke("--help").stdout


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("not_installed:greet", "can't be loaded from an unknown distribution: No module named 'not_installed'"),
        ("greetings:nothing", "can't be loaded from an unknown distribution"),
        ("greetings:HEAVY", "is no click command: greetings:HEAVY of an unknown distribution"),
    ],
)
def test_broken_command_of_an_application(install: Any, value: str, words: str) -> None:
    """A command that can't be loaded says so when it is called, and keeps no other one from working."""
    install(greet=value)

    result = invoke("greet", "--loudly", "you")

    assert result.exit_code == 3
    assert result.stderr.startswith("Error: The command greet ")
    assert words in result.stderr
    assert invoke("--help").exit_code == 0


def test_command_that_is_there_twice(install: Any) -> None:
    """A command of an application that has the name of one of ours replaces nothing, and is loud about it."""
    install(add="greetings:greet")

    result = invoke("add", "admin", "ann")

    assert result.exit_code == 3
    assert "is there twice: ours, and greetings:greet of an unknown distribution" in result.stderr


def test_nothing_ends_in_a_traceback(install: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever an application's command raises, an operator reads one sentence."""

    @click.command()
    def fail() -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(sys.modules[__name__], "fail", fail, raising=False)
    install(fail="greetings:fail")

    result = invoke("fail")

    assert (result.exit_code, result.stderr) == (4, "Error: ZeroDivisionError: division by zero\n")


def test_only_what_is_needed_is_loaded(sqlite_url: str) -> None:
    """Looking up a user loads neither the web framework nor an adapter nor what they bring along."""
    database = Database(sqlite_url)
    migrations.upgrade(database.engine)
    database.dispose()
    program = (
        "import sys\nfrom onegov_auth.cli import main\n"
        "main(sys.argv[1:], standalone_mode=False)\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, "--dsn", sqlite_url, "list"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(sqlite_url.removeprefix("sqlite:///")).parent,
    )

    assert (done.stdout, done.stderr) == ("[]\n", "")
