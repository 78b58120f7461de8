from __future__ import annotations

from typing import Any

import click
import pytest
from sqlalchemy.exc import ArgumentError, InterfaceError, NoSuchModuleError, OperationalError, ProgrammingError

from onegov_auth import errors
from onegov_auth.cli.failures import Failure, failure_of, one_sentence


class UndefinedTable(Exception):  # noqa: N818 - psycopg's own name
    """What psycopg raises where there is no such table."""


CASES: list[tuple[Exception, int, str]] = [
    (errors.UnknownUserError("ann"), 1, "ann"),
    (errors.SettingsError(["roles: is wrong"], "auth.yml"), 3, "1 fault in auth.yml:\n  - roles: is wrong"),
    (errors.RegistryError("no such kind"), 3, "no such kind"),
    (errors.MissingDependencyError("redis", "onegov-auth[redis]"), 3, "pip install 'onegov-auth[redis]'"),
    (errors.MissingSecretKeyError("no key"), 3, "no key"),
    (errors.SchemaOutdatedError("run db upgrade"), 5, "run db upgrade"),
    (errors.ExistingUserError("ann"), 4, "There is a user ann already."),
    (errors.InsecurePasswordError("too short"), 4, "too short"),
    (errors.InvalidPasswordError("a NUL"), 4, "a NUL"),
    (ArgumentError("not a URL"), 3, "The database URL can't be used: not a URL"),
    (NoSuchModuleError("no dialect"), 3, "The database URL can't be used: no dialect"),
    (
        OperationalError("SELECT secret", {"a": "secret"}, Exception("gone\nmore")),
        5,
        "The database can't be used: gone",
    ),
    (
        OperationalError("SELECT secret", {}, Exception("no such table: users")),
        5,
        "The database doesn't have this version's tables (no such table: users): run onegov-auth db upgrade.",
    ),
    (
        ProgrammingError("SELECT secret", {}, UndefinedTable('relation "users" does not exist')),
        5,
        "The database doesn't have this version's tables (relation \"users\" does not exist)",
    ),
    (InterfaceError("SELECT secret", {}, None), 5, "The database can't be used: "),  # type: ignore[arg-type] # as SQLAlchemy itself does
    (PermissionError(13, "Permission denied", "x.db"), 4, "Permission denied"),
    (ValueError("a name is no name"), 4, "a name is no name"),
    (ZeroDivisionError("division by zero"), 4, "ZeroDivisionError: division by zero"),
    (AssertionError(), 4, "AssertionError: AssertionError"),
]


@pytest.mark.parametrize(("error", "code", "words"), CASES, ids=lambda value: type(value).__name__)
def test_sentence_and_code(error: Exception, code: int, words: str) -> None:
    """Every kind of error has its exit code and a sentence, in which no statement and no parameter stands."""
    failure = failure_of(error)

    assert failure.exit_code == code
    assert words in failure.message
    assert "secret" not in failure.message


def test_failure_stays_what_it_is() -> None:
    """A failure is passed on as it is."""
    failure = Failure("No.", 1)

    assert failure_of(failure) is failure


def test_error_becomes_a_failure() -> None:
    """Whatever is raised inside comes out as a failure, with the error as its cause."""
    error = KeyError("x")

    with pytest.raises(Failure, match="KeyError: 'x'") as raised, one_sentence():
        raise error

    assert raised.value.__cause__ is error


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, click.Abort])
def test_interruption(interruption: type[BaseException]) -> None:
    """Ctrl-C is exit code 130."""
    with pytest.raises(Failure, match="Interrupted") as raised, one_sentence():
        raise interruption

    assert raised.value.exit_code == 130


@pytest.mark.parametrize("own", [click.UsageError("wrong"), click.exceptions.Exit(1), BrokenPipeError()])
def test_what_click_knows_passes(own: Exception) -> None:
    """What click itself ends a program by is left to it."""
    with pytest.raises(type(own)) as raised, one_sentence():
        raise own

    assert raised.value is own


def test_traceback_is_for_the_debug_log(caplog: Any) -> None:
    """An operator reads a sentence; who looks for a mistake finds the traceback in the debug log."""
    caplog.set_level("DEBUG", "onegov_auth.cli")

    with pytest.raises(Failure), one_sentence():
        raise KeyError("x")

    assert "Traceback" in caplog.text
