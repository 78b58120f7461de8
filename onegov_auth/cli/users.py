"""Users: whether they exist, who they are, switching them off and deleting them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
from sqlalchemy import select

from onegov_auth.cli.failures import NO, USAGE, Failure
from onegov_auth.cli.operator import Operator, Work, pass_operator
from onegov_auth.cli.options import Command
from onegov_auth.cli.passwords import somebody_can_answer
from onegov_auth.clock import utcnow
from onegov_auth.collections import UserCollection
from onegov_auth.domain import Step
from onegov_auth.models import key_of

__all__ = ["activate", "deactivate", "delete", "exists", "list_users"]


@click.command(cls=Command)
@click.argument("username")
@pass_operator
def exists(operator: Operator, username: str) -> None:
    """Say whether there is a user USERNAME: exit code 0 if so, 1 if not."""
    with operator.database.read() as db:
        found = UserCollection(db).exists(username)
    operator.output.answer(
        f"{username} exists." if found else f"{username} does not exist.", username=username, exists=found
    )
    if not found:
        raise click.exceptions.Exit(NO)


@click.command("list", cls=Command)
@click.option("--active-only", is_flag=True, help="Only users who may log in.")
@click.option("--inactive-only", is_flag=True, help="Only users who may not.")
@click.option("--sources", is_flag=True, help="Where they come from, too.")
@pass_operator
def list_users(operator: Operator, *, active_only: bool, inactive_only: bool, sources: bool) -> None:
    """List the users: ✔ or ✘ for who may log in, the name, the role."""
    if active_only and inactive_only:
        raise click.UsageError("--active-only and --inactive-only exclude each other.")
    wanted = True if active_only else False if inactive_only else None
    rows = list(_users(operator, wanted))
    lines = (
        f"{'✔' if row['active'] else '✘'} {row['username']} [{row['role']}]"
        + (f" {{{row['source'] or 'local'}}}" if sources else "")
        for row in rows
    )
    operator.output.rows(rows, lines)


def _users(operator: Operator, active: bool | None) -> Iterator[dict[str, Any]]:
    users: Any = operator.entities.user
    may_be_in = users.active_at(utcnow())
    statement = select(
        users.username.label("username"),
        users.role,
        may_be_in.label("active"),
        users.realname,
        users.source,
        users.source_id,
    )
    if active is not None:
        statement = statement.where(may_be_in if active else ~may_be_in)
    with operator.database.read() as db:
        for row in db.execute(statement.order_by(users.username)):
            yield dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented name


@click.command(cls=Command)
@click.argument("username")
@click.option("--yes", is_flag=True, help="Don't ask.")
@pass_operator
def delete(operator: Operator, username: str, *, yes: bool) -> None:
    """Delete the user USERNAME, with all sessions and links to providers."""
    if not yes:
        operator.demand(username)
        if not somebody_can_answer():
            raise Failure("There is no terminal to ask on: give --yes.", USAGE)
        if not click.confirm(f"Delete {username} for good?", err=True):
            raise Failure("Nothing was deleted.", NO)

    def work(unit: Work) -> None:
        user = unit.user(username)
        unit.tell("deleted", user)
        unit.db.delete(user)

    operator.change(work)
    operator.output.done(f"{username} was deleted.", username=username, deleted=True)


@click.command(cls=Command)
@click.argument("username")
@pass_operator
def activate(operator: Operator, username: str) -> None:
    """Let the user USERNAME log in."""

    def work(unit: Work) -> bool:
        user = unit.user(username)
        if user.is_active:
            return False
        user.enable()
        unit.tell("activated", user)
        return True

    changed = operator.change(work)
    sentence = f"{username} was activated." if changed else f"{username} is active already."
    operator.output.done(sentence, username=username, active=True, changed=changed)


@click.command(cls=Command)
@click.argument("username")
@pass_operator
def deactivate(operator: Operator, username: str) -> None:
    """Let the user USERNAME log in no more, and end all sessions."""

    def work(unit: Work) -> tuple[bool, int]:
        user = unit.user(username)
        ended = operator.sessions.end_all(unit.db, key_of(user))
        if not user.is_active and not ended:
            # From now on it was a person who did it, and no sync activates the user again.
            user.deactivated_by = None
            return False, 0
        changed, user.active = user.is_active, False
        unit.db.flush()
        if changed and unit.hooks.on_deactivate is not None:
            unit.hooks.on_deactivate(unit.db, user, unit.client)
        unit.tell("deactivated", user, Step("sessions", str(ended)))
        return changed, ended

    changed, ended = operator.change(work)
    sentence = (
        f"{username} was deactivated; sessions ended: {ended}." if changed else f"{username} is inactive already."
    )
    operator.output.done(sentence, username=username, active=False, changed=changed, sessions=ended)
