"""``onegov-auth cleanup``: delete what has run out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import click
from sqlalchemy.orm import Session

from onegov_auth.api_tokens import ApiTokens
from onegov_auth.attempts import Attempts
from onegov_auth.cli.operator import Operator, Work, pass_operator
from onegov_auth.cli.options import Command, duration
from onegov_auth.cli.output import progress
from onegov_auth.clock import utcnow
from onegov_auth.collections import delete_unverified
from onegov_auth.domain import Step
from onegov_auth.events import EventLog
from onegov_auth.jwt import RefreshTokens, SigningKeys
from onegov_auth.keys import Keys
from onegov_auth.mail import Outbox
from onegov_auth.permissions.grants import Grants
from onegov_auth.signup import SignupLinks
from onegov_auth.transactions import Transactions

__all__ = ["cleanup"]


@click.command(cls=Command)
@click.option(
    "--events", metavar="TIME", callback=duration, default="365d", show_default=True, help="How long events are kept."
)
@click.option(
    "--attempts",
    metavar="TIME",
    callback=duration,
    default="30d",
    show_default=True,
    help="How long attempts are kept.",
)
@pass_operator
def cleanup(operator: Operator, *, events: timedelta, attempts: timedelta) -> None:
    """Delete what has run out: sessions, tokens, transactions, attempts, events, messages nobody sent."""
    counts: dict[str, int] = {}
    with progress(list(_steps(operator, events, attempts).items()), "Cleaning up") as steps:
        for name, delete in steps:

            def work(unit: Work, name: str = name, delete: Callable[[Session], int] = delete) -> int:
                deleted = delete(unit.db)
                if deleted:
                    unit.tell("cleanup", None, Step(name, str(deleted)))
                return deleted

            # One unit of work each: nobody waits for all of them.
            counts[name] = operator.change(work)
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    operator.output.done(f"Deleted: {told}.", **counts)


def _steps(operator: Operator, events: timedelta, attempts: timedelta) -> dict[str, Callable[[Session], int]]:
    application = operator.settings.application
    tokens = operator.settings.tokens
    database, keys, own = operator.database, Keys((), application), operator.entities
    tries = Attempts(database, operator.settings.attempts, entities=own)
    unverified = utcnow() - operator.settings.registration.expire_unverified
    return {
        "sessions": operator.sessions.cleanup,
        "api-tokens": ApiTokens(database, tokens.api, application=application, entities=own).cleanup,
        "refresh-tokens": RefreshTokens(application, entities=own).cleanup,
        "signing-keys": SigningKeys(database, tokens.jwt, keys, entities=own).cleanup,
        "transactions": Transactions(keys, database.engine.dialect, entities=own).cleanup,
        "attempts": lambda db: tries.cleanup(db, attempts),
        "registrations": lambda db: delete_unverified(db, unverified),
        "signup-links": SignupLinks(keys, roles=(), entities=own).cleanup,
        "events": lambda db: EventLog(database, entities=own).cleanup(db, events),
        "messages": Outbox(database, keys, entities=own).cleanup,
        "grants": Grants(own).cleanup,
    }
