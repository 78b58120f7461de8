"""Rights that an operator gives to single users and takes away, and the catalogue of permissions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import click
from sqlalchemy import select

from onegov_auth.cli.failures import NO, Failure
from onegov_auth.cli.operator import Operator, Work, pass_operator
from onegov_auth.cli.options import Command
from onegov_auth.clock import utcnow
from onegov_auth.domain import Step
from onegov_auth.errors import UnknownRightError
from onegov_auth.permissions.grants import Grants

__all__ = ["grant", "list_permissions", "withdraw"]

F = TypeVar("F", bound=Callable[..., Any])


def _what(function: F) -> F:
    """The options that name one thing."""
    function = click.option("--group", metavar="NAME", help="Membership of this group.")(function)
    function = click.option("--bundle", metavar="NAME", help="This bundle of permissions.")(function)
    return click.option("--permission", metavar="TOKEN", help="This permission.")(function)


def _until(_context: click.Context, _parameter: click.Parameter, value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        given = datetime.fromisoformat(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is no date such as 2027-01-31 or 2027-01-31T18:00") from error
    until = given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)
    if until <= utcnow():
        raise click.BadParameter(f"{value!r} has passed; times are UTC unless they say otherwise")
    return until


def _one(**named: str | None) -> dict[str, str]:
    found = {kind: name for kind, name in named.items() if name is not None}
    if len(found) != 1:
        raise click.UsageError("Name one of --permission, --bundle and --group.")
    return found


@click.command(cls=Command)
@click.argument("username")
@_what
@click.option(
    "--until",
    callback=_until,
    metavar="DATE",
    help="When it ends, such as 2027-01-31T18:00; UTC unless it says otherwise.",
)
@pass_operator
def grant(
    operator: Operator,
    *,
    username: str,
    permission: str | None,
    bundle: str | None,
    group: str | None,
    until: datetime | None,
) -> None:
    """Give the user USERNAME a permission, a bundle or a membership, for ever or until a moment."""
    named = _one(permission=permission, bundle=bundle, group=group)
    ((kind, name),) = named.items()
    end = "" if until is None else f" until {until:%Y-%m-%d %H:%M} UTC"

    def work(unit: Work) -> bool:
        user = unit.user(username)
        changed = _found(lambda: Grants(operator.entities).give(unit.db, user, until=until, **named))
        if changed:
            _changed(unit, user, "granted", Step("grants", f"+ {kind} {name}{end}"))
        return changed

    changed = operator.change(work)
    sentence = f"{username} has the {kind} {name}{' now' if changed else ' already'}{end}."
    operator.output.done(sentence, username=username, kind=kind, name=name, until=until, changed=changed)


@click.command(cls=Command)
@click.argument("username")
@_what
@pass_operator
def withdraw(
    operator: Operator, *, username: str, permission: str | None, bundle: str | None, group: str | None
) -> None:
    """Take away from the user USERNAME what was given by hand; what a provider gives stays."""
    named = _one(permission=permission, bundle=bundle, group=group)
    ((kind, name),) = named.items()

    def work(unit: Work) -> tuple[bool, list[str]]:
        user, grants = unit.user(username), Grants(operator.entities)
        changed = _found(lambda: grants.withdraw(unit.db, user, **named))
        if changed:
            _changed(unit, user, "withdrawn", Step("grants", f"- {kind} {name}"))
        others = [one.origin for one in grants.of(unit.db, user) if (one.right.kind, one.right.name) == (kind, name)]
        return changed, [origin for origin in others if origin is not None]

    changed, others = operator.change(work)
    sentence = f"The {kind} {name} was {'taken away' if changed else 'not given by hand'}: {username}."
    if others:
        sentence += f" It is still given by {', '.join(others)}."
    data = {"username": username, "kind": kind, "name": name, "changed": changed, "given_by": others}
    operator.output.done(sentence, **data)
    if not changed:
        raise click.exceptions.Exit(NO)


@click.command("list-permissions", cls=Command)
@pass_operator
def list_permissions(operator: Operator) -> None:
    """List the permissions of the catalogue: token and description."""
    permissions: Any = operator.entities.permission
    with operator.database.read() as db:
        found = db.execute(select(permissions.token, permissions.description).order_by(permissions.token))
        rows = [{"token": token, "description": description} for token, description in found]
    lines = (f"{row['token']}: {row['description']}" if row["description"] else str(row["token"]) for row in rows)
    operator.output.rows(rows, lines)


def _found(work: Callable[[], bool]) -> bool:
    try:
        return work()
    except UnknownRightError as error:
        hint = "; onegov-auth list-permissions shows those there are" if error.kind == "permission" else ""
        raise Failure(f"There is no {error.kind} {error.name}{hint}.", NO) from error


def _changed(unit: Work, user: Any, type_: str, step: Step) -> None:
    unit.db.flush()
    if unit.hooks.on_rights_changed is not None:
        unit.hooks.on_rights_changed(unit.db, user, unit.client)
    unit.tell(type_, user, step)
