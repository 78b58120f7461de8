"""``onegov-auth check``: ask a provider what it can say of itself, and what would become of somebody."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import click
from sqlalchemy.exc import DBAPIError

from onegov_auth.accounts import missing_checks, preview_checks
from onegov_auth.auth import Auth
from onegov_auth.cli.failures import FAILED, NO, USAGE, Failure, failure_of
from onegov_auth.cli.operator import Operator, open_database, pass_operator
from onegov_auth.cli.options import Command
from onegov_auth.cli.output import shown
from onegov_auth.providers import Check, CheckState, ProviderSettings, VerifiedIdentity

__all__ = ["check"]

_SIGNS = {"ok": "✔", "warning": "!", "failed": "✘", "skipped": "–"}

#: Claims of somebody in a thousand groups are some kilobytes.
MAX_CLAIMS = 1024 * 1024


def _read_claims(_context: click.Context, _parameter: click.Parameter, path: str | None) -> Mapping[str, object] | None:
    if path is None:
        return None
    try:
        with click.open_file(path, encoding="utf-8") as file:
            claims = json.loads(file.read(MAX_CLAIMS))
    except OSError as error:
        raise Failure(f"{shown(path)} can't be read: {error.strerror}.", USAGE) from error
    except (ValueError, RecursionError) as error:
        raise Failure(f"{shown(path)} holds no JSON that can be read.", USAGE) from error
    if not isinstance(claims, dict):
        raise Failure(f"{shown(path)} holds no JSON object: paste the claims of an ID token or of UserInfo.", USAGE)
    return claims


@click.command(cls=Command)
@click.argument("provider")
@click.option("--login", metavar="USER", help="Look up this person on the way, without a password.")
@click.option(
    "--claims",
    metavar="FILE",
    callback=_read_claims,
    help="What a provider told of somebody, as JSON (- reads it from stdin): which account and role they would get.",
)
@pass_operator
def check(operator: Operator, *, provider: str, login: str | None, claims: Mapping[str, object] | None) -> None:
    """Check step by step whether the configured PROVIDER works; exit code 4 if a step fails."""
    auth = _auth(operator, provider)
    # Connections that were kept for the next login; there is none.
    click.get_current_context().call_on_close(auth.resources.clear)
    settings = auth.settings.providers[provider]
    steps = []
    found = auth.providers[provider].check(login=login, claims=claims)
    for step in chain(_grants(operator, settings), _steps(operator, auth, found)):
        steps.append(step)
        if not operator.options.as_json:
            click.echo(_line(step))
    if claims is not None and all(step.name != "claims" for step in steps):
        raise Failure(f"The provider {provider} is told no claims: --claims is for OpenID providers.", USAGE)
    failed = any(step.state == "failed" for step in steps)
    if operator.options.as_json:
        operator.output.answer("", provider=provider, ok=not failed, steps=[_row(step) for step in steps])
    if failed:
        raise click.exceptions.Exit(FAILED)


def _auth(operator: Operator, name: str) -> Auth:
    settings = operator.configured()
    if name not in settings.providers:
        raise Failure(f"There is no provider {name}; there are {', '.join(settings.providers)}.", NO)
    # The provider's own way is looked at, not the database's: it need not be there yet. No application is told.
    return Auth.from_settings(settings, database=open_database(settings, operator.entities), entities=operator.entities)


def _steps(operator: Operator, auth: Auth, found: Iterator[Check]) -> Iterator[Check]:
    """The provider's steps, and the account of whoever was found in one of them."""
    for step in found:
        yield step
        if step.identity is not None:
            yield from _account(operator, auth, step.identity)


def _grants(operator: Operator, settings: ProviderSettings) -> Iterator[Check]:
    if not any(settings.grants.rules()):
        return
    try:
        yield from missing_checks(operator.database, settings, operator.entities)
    except (Failure, DBAPIError) as error:
        # The provider's own way is looked at; the database need not be there yet.
        yield Check("grants", CheckState.SKIPPED, failure_of(error).message)


def _account(operator: Operator, auth: Auth, identity: VerifiedIdentity) -> Iterator[Check]:
    settings = auth.settings.providers[identity.source]
    try:
        yield from preview_checks(operator.database, auth.accounts, identity, settings)
    except (Failure, DBAPIError) as error:
        yield Check("account", CheckState.SKIPPED, failure_of(error).message)


def _line(step: Check) -> str:
    detail = f": {step.detail}" if step.detail else ""
    hint = f"\n    {shown(step.hint)}" if step.hint else ""
    seconds = f" ({step.seconds:.2f} s)" if step.seconds else ""
    return f"{_SIGNS[step.state]} {shown(step.name + detail)}{seconds}{hint}"


def _row(step: Check) -> dict[str, Any]:
    names = ("name", "state", "detail", "hint", "seconds")
    return {name: getattr(step, name) for name in names}
