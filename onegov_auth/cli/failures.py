"""
How a command ends: the exit codes, and one sentence in place of a traceback.

======= =====================================================
code    meaning
======= =====================================================
0       done; yes
1       no, or what was asked for is not there
2       the command line is wrong
3       the settings have faults, or something isn't installed
4       refused or failed
5       the database can't be used or is outdated
6       a directory can't be reached
7       somebody else is at it
130     interrupted
======= =====================================================
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

import click
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from onegov_auth.errors import (
    ExistingUserError,
    MissingDependencyError,
    MissingSecretKeyError,
    OnegovAuthError,
    RegistryError,
    SchemaOutdatedError,
    SettingsError,
    UnknownUserError,
)

__all__ = [
    "DATABASE",
    "FAILED",
    "INTERRUPTED",
    "NO",
    "RUNNING",
    "SETTINGS",
    "UNREACHABLE",
    "USAGE",
    "Failure",
    "failure_of",
    "one_sentence",
]

log = logging.getLogger("onegov_auth.cli")

NO = 1
USAGE = 2
SETTINGS = 3
FAILED = 4
DATABASE = 5
UNREACHABLE = 6
RUNNING = 7
INTERRUPTED = 130

_CODES: tuple[tuple[type[OnegovAuthError], int], ...] = (
    (UnknownUserError, NO),
    (SettingsError, SETTINGS),
    (RegistryError, SETTINGS),
    (MissingDependencyError, SETTINGS),
    (MissingSecretKeyError, SETTINGS),
    (SchemaOutdatedError, DATABASE),
)

#: What the drivers say where tables or columns were never made.
_NOT_MADE = ("no such table", "no such column", "UndefinedTable", "UndefinedColumn", "InvalidSchemaName")


class Failure(click.ClickException):
    """
    Ends the command with a sentence on stderr.

    Args:
        message: The sentence; never a secret.
        exit_code: One of this module's codes.
    """

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        # click reads it from the instance, and declares it on the class.
        vars(self)["exit_code"] = exit_code


@contextlib.contextmanager
def one_sentence() -> Iterator[None]:
    """
    Turn whatever goes wrong inside into a :class:`Failure`.

    Raises:
        Failure: With the exit code that fits; click's own exceptions and a broken pipe pass.
    """
    try:
        yield
    except (click.ClickException, click.exceptions.Exit, BrokenPipeError):
        # click itself ends quietly when whoever reads our output has gone.
        raise
    except (click.Abort, KeyboardInterrupt) as error:
        raise Failure("Interrupted.", INTERRUPTED) from error
    except Exception as error:
        # An operator reads a sentence; who looks for a mistake switches the debug log on.
        log.debug("failed", exc_info=True)
        raise failure_of(error) from error


def failure_of(error: Exception) -> Failure:
    """The sentence and the exit code for an exception."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, OnegovAuthError):
        return Failure(_words(error), _code(error))
    if isinstance(error, (ArgumentError, NoSuchModuleError)):
        return Failure(f"The database URL can't be used: {_first_line(error)}", SETTINGS)
    if isinstance(error, SQLAlchemyError):
        return Failure(_of_the_database(error), DATABASE)
    if isinstance(error, (OSError, ValueError)):
        return Failure(_first_line(error))
    return Failure(f"{type(error).__name__}: {_first_line(error)}")


def _code(error: OnegovAuthError) -> int:
    return next((code for kind, code in _CODES if isinstance(error, kind)), FAILED)


def _words(error: OnegovAuthError) -> str:
    if isinstance(error, ExistingUserError):
        return f"There is a user {error.message} already."
    return str(error)


def _of_the_database(error: SQLAlchemyError) -> str:
    if not isinstance(error, DBAPIError) or error.orig is None:
        return f"The database can't be used: {_first_line(error)}"
    # The statement and its parameters, which str(error) has, are nobody's business.
    name, line = type(error.orig).__name__, _first_line(error.orig)
    if any(sign in f"{name} {line}" for sign in _NOT_MADE):
        return f"The database doesn't have this version's tables ({line}): run onegov-auth db upgrade."
    return f"The database can't be used: {line}"


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
