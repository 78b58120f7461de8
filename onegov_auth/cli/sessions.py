"""Sessions: who is logged in where, and ending that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import click
from sqlalchemy import or_, select

from onegov_auth.cli.operator import Operator, Work, find_user, pass_operator
from onegov_auth.cli.options import Command
from onegov_auth.clock import utcnow
from onegov_auth.domain import Step
from onegov_auth.models import key_of, primary_key

__all__ = ["list_sessions", "logout", "logout_all"]


@click.command("list-sessions", cls=Command)
@click.argument("username", required=False)
@pass_operator
def list_sessions(operator: Operator, *, username: str | None) -> None:
    """List the open sessions of everybody, or of USERNAME: address, time, browser."""
    rows = list(_open_sessions(operator, username))
    operator.output.rows(rows, _lines(rows))


def _open_sessions(operator: Operator, username: str | None) -> Iterator[dict[str, Any]]:
    users: Any = operator.entities.user
    sessions: Any = operator.entities.session
    key = primary_key(users)
    now = utcnow()
    unused_since = now - operator.settings.sessions.idle
    statement = (
        select(
            users.username,
            sessions.id,
            sessions.provider,
            sessions.address,
            sessions.created,
            sessions.last_seen,
            sessions.expires,
            sessions.user_agent,
        )
        .join_from(sessions, users, sessions.user_id == key)
        .where(sessions.expires > now, or_(sessions.remember, sessions.last_seen > unused_since))
        .order_by(users.username, sessions.created)
    )
    with operator.database.read() as db:
        if username is not None:
            statement = statement.where(key == key_of(find_user(db, username)))
        for row in db.execute(statement):
            yield dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented name


def _lines(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    name = None
    for row in rows:
        if row["username"] != name:
            name = row["username"]
            yield f"{name}:"
        opened, seen = (f"{row[at]:%Y-%m-%d %H:%M}" for at in ("created", "last_seen"))
        agent = row["user_agent"] or "unknown browser"
        yield f"  {row['address'] or 'unknown'} [{opened}, last seen {seen} UTC] {agent}"


@click.command(cls=Command)
@click.argument("username")
@pass_operator
def logout(operator: Operator, *, username: str) -> None:
    """End all sessions of the user USERNAME."""

    def work(unit: Work) -> int:
        user = unit.user(username)
        ended = operator.sessions.end_all(unit.db, key_of(user))
        unit.tell("sessions_ended", user, Step("sessions", str(ended)))
        return ended

    ended = operator.change(work)
    operator.output.done(f"{username} was logged out; sessions ended: {ended}.", username=username, sessions=ended)


@click.command("logout-all", cls=Command)
@pass_operator
def logout_all(operator: Operator) -> None:
    """End all sessions of everybody."""

    def work(unit: Work) -> int:
        ended = operator.sessions.end_all(unit.db)
        unit.tell("sessions_ended", None, Step("sessions", str(ended)))
        return ended

    ended = operator.change(work)
    operator.output.done(f"Everybody was logged out; sessions ended: {ended}.", sessions=ended)
