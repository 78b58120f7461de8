"""``onegov-auth db``: the tables, and which version they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import click
from sqlalchemy.exc import SQLAlchemyError

from onegov_auth import migrations
from onegov_auth.cli.failures import Failure, failure_of
from onegov_auth.cli.operator import Operator, open_database, pass_operator
from onegov_auth.cli.options import Command
from onegov_auth.cli.output import progress, shown
from onegov_auth.database import Database
from onegov_auth.errors import OnegovAuthError, SettingsError

__all__ = ["current", "db", "stamp", "upgrade"]

all_tenants = click.option(
    "--all-tenants", is_flag=True, help="The application and every tenant that the settings name."
)
Action = Callable[[Database], dict[str, Any]]


@click.group()
def db() -> None:
    """Make the tables, bring them up to date, say which version they are."""


@db.command(cls=Command)
@all_tenants
@pass_operator
def upgrade(operator: Operator, *, all_tenants: bool) -> None:
    """Make the tables, or bring them to this version."""

    def work(database: Database) -> dict[str, Any]:
        before = _revision(database)
        migrations.upgrade(database.engine, schema=database.schema)
        return {"before": before, "revision": _revision(database)}

    def told(row: dict[str, Any]) -> str:
        if row["before"] == row["revision"]:
            return f"is up to date ({row['revision']})"
        return f"was brought from {row['before'] or 'nothing'} to {row['revision']}"

    _each(operator, work, told, all_tenants=all_tenants)


@db.command(cls=Command)
@all_tenants
@pass_operator
def current(operator: Operator, *, all_tenants: bool) -> None:
    """Say which version the tables are; exit code 5 if this program needs another one."""

    def work(database: Database) -> dict[str, Any]:
        return {"revision": _revision(database), "head": migrations.head()}

    def told(row: dict[str, Any]) -> str:
        if row["revision"] == row["head"]:
            return f"is up to date ({row['revision']})"
        return f"is at {row['revision'] or 'nothing'} and needs {row['head']}: run onegov-auth db upgrade"

    rows = _each(operator, work, told, all_tenants=all_tenants)
    if any(row["revision"] != row["head"] for row in rows):
        raise click.exceptions.Exit(5)


@db.command(cls=Command)
@click.argument("revision", default="head")
@all_tenants
@pass_operator
def stamp(operator: Operator, *, revision: str, all_tenants: bool) -> None:
    """Note that the tables are at REVISION (head if left out), without touching them."""
    if revision not in (known := ("head", "base", *migrations.revisions())):
        raise Failure(f"There is no revision {shown(revision)}; there are {', '.join(known)}.")

    def work(database: Database) -> dict[str, Any]:
        migrations.stamp(database.engine, revision, schema=database.schema)
        return {"revision": _revision(database)}

    _each(operator, work, lambda row: f"is noted to be at {row['revision']}", all_tenants=all_tenants)


def _revision(database: Database) -> str | None:
    return migrations.current(database.engine, schema=database.schema)


def _each(
    operator: Operator, work: Action, told: Callable[[dict[str, Any]], str], *, all_tenants: bool
) -> Sequence[dict[str, Any]]:
    """
    Do *work* on one database or on all tenants', and report each.

    Raises:
        Failure: After all of them, with the first one's exit code.
    """
    rows: list[dict[str, Any]] = []
    failures: list[Failure] = []
    with progress(list(_applications(operator, all_tenants=all_tenants)), "Databases") as applications:
        for application in applications:
            row, failure = _one(operator, application, work)
            rows.append(row)
            if failure is not None:
                failures.append(failure)
    if len(rows) == len(failures) == 1:
        raise failures[0]
    operator.output.rows(rows, (f"{row['application']}: {row.get('error') or told(row)}" for row in rows))
    if failures:
        raise Failure(f"{failures[0].message} ({len(failures)} of {len(rows)} failed)", failures[0].exit_code)
    return rows


def _one(operator: Operator, application: str | None, work: Action) -> tuple[dict[str, Any], Failure | None]:
    row: dict[str, Any] = {"application": application or "main/app"}
    try:
        settings = operator.settings_of(application)
        row["application"] = settings.application
        row["schema"] = settings.schema_name
        database = open_database(settings)
        try:
            row |= work(database)
        finally:
            database.dispose()
    except (OnegovAuthError, SQLAlchemyError, Failure) as error:
        failure = failure_of(error)
        row["error"] = shown("; ".join(error.faults) if isinstance(error, SettingsError) else failure.message)
        return row, failure
    return row, None


def _applications(operator: Operator, *, all_tenants: bool) -> Iterator[str | None]:
    """The application ids to go through; a namespace in ``tenants`` is none."""
    yield operator.options.application
    if all_tenants:
        settings = operator.configured()
        yield from (name for name in settings.tenants if "/" in name and name != settings.application)
