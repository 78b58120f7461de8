"""API tokens: who has which, another one, one less."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import click
from sqlalchemy.orm import Session

from onegov_auth.api_tokens import ApiTokenInfo, ApiTokens, clean_name
from onegov_auth.cli.failures import NO, USAGE, Failure
from onegov_auth.cli.operator import Operator, Work, find_user, pass_operator
from onegov_auth.cli.options import Command, duration
from onegov_auth.cli.output import shown
from onegov_auth.domain import Step
from onegov_auth.models import key_of
from onegov_auth.permissions.classes import Personal, Private, Secret

__all__ = ["create_token", "list_tokens", "revoke_token"]


@click.command("list-tokens", cls=Command)
@click.argument("username")
@pass_operator
def list_tokens(operator: Operator, *, username: str) -> None:
    """List the API tokens of the user USERNAME: id, name, scope, when they end and were used last."""
    with operator.database.read() as db:
        rows = [_row(token) for token in _tokens(operator).list(db, key_of(find_user(db, username)))]
    operator.output.rows(rows, _lines(rows))


def _row(token: ApiTokenInfo) -> dict[str, Any]:
    names = ("id", "name", "scope", "created", "expires", "last_used")
    return {name: getattr(token, name) for name in names}


def _lines(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        scope = "everything" if row["scope"] is None else " ".join(row["scope"])
        used = "never used" if row["last_used"] is None else f"last used {row['last_used']:%Y-%m-%d %H:%M} UTC"
        yield f"{row['id']} {row['name']} ({scope}) [ends {row['expires']:%Y-%m-%d}, {used}]"


def _maybe_duration(context: click.Context, parameter: click.Parameter, value: str | None) -> timedelta | None:
    return None if value is None else duration(context, parameter, value)


@click.command("create-token", cls=Command)
@click.argument("username")
@click.option("--name", required=True, help="What it is for.")
@click.option(
    "--scope",
    metavar="PERMISSION",
    multiple=True,
    help="What it is good for; several times for more, everything if left out.",
)
@click.option(
    "--expires",
    metavar="TIME",
    callback=_maybe_duration,
    help="How long it is good, such as 30d: as long as the settings allow, or less.",
)
@pass_operator
def create_token(
    operator: Operator, *, username: str, name: str, scope: tuple[str, ...], expires: timedelta | None
) -> None:
    """
    Give the user USERNAME an API token, and print it: nobody can tell it again.

    A scope has permissions such as invoices.read, and the intents Personal, Private and Secret. What the user may not
    do, the token may not.
    """
    if not clean_name(name):
        raise Failure("A name is needed.", USAGE)
    # What a token begins with, and which application it is for, is said by the settings alone.
    operator.configured()

    def work(unit: Work) -> tuple[str, ApiTokenInfo, list[str]]:
        user = unit.user(username)
        tokens = _tokens(operator)
        if not tokens.has_room(unit.db, key_of(user)):
            raise Failure(f"{shown(username)} has too many tokens: revoke one.")
        made = tokens.create(unit.db, key_of(user), name, scope=scope or None, valid=expires)
        unit.tell("api_token_created", user, Step("token", made[1].name))
        return *made, _unknown(operator, unit.db, scope)

    token, info, unknown = operator.change(work)
    if unknown:
        # An application declares its permissions when it starts, which may come later: no reason to refuse.
        click.echo(f"There is no permission {shown(', '.join(unknown))} yet: is it spelled like that?", err=True)
    operator.output.done(
        f"The token {info.name} of {username} is good until {info.expires:%Y-%m-%d}: {token}", token=token, **_row(info)
    )


def _unknown(operator: Operator, db: Session, scope: Sequence[str]) -> list[str]:
    intents = {intent.__name__ for intent in (Personal, Private, Secret)}
    known = operator.entities.permission
    return [one for one in scope if one not in intents and known.get_by_token(db, one) is None]


@click.command("revoke-token", cls=Command)
@click.argument("token_id", metavar="ID", type=click.UUID)
@pass_operator
def revoke_token(operator: Operator, *, token_id: UUID) -> None:
    """Let nobody in by the API token ID any more; see list-tokens."""

    def work(unit: Work) -> str:
        tokens = _tokens(operator)
        info = tokens.get(unit.db, token_id)
        if info is None:
            raise Failure(f"There is no token {token_id}.", NO)
        tokens.revoke(unit.db, token_id)
        unit.tell("api_token_revoked", unit.db.get(operator.entities.user, info.user_id), Step("token", info.name))
        return info.name

    name = operator.change(work)
    operator.output.done(f"The token {name} is revoked.", id=str(token_id), name=name)


def _tokens(operator: Operator) -> ApiTokens:
    settings = operator.settings
    limits, application = settings.tokens.api, settings.application
    return ApiTokens(operator.database, limits, application=application, entities=operator.entities)
