"""``onegov-auth check``: ask a provider what it can say of itself."""

from __future__ import annotations

from typing import Any

import click

from onegov_auth.auth import Auth
from onegov_auth.cli.failures import FAILED, NO, Failure
from onegov_auth.cli.operator import Operator, open_database, pass_operator
from onegov_auth.cli.options import Command
from onegov_auth.cli.output import shown
from onegov_auth.providers import Check, Provider

__all__ = ["check"]

_SIGNS = {"ok": "✔", "warning": "!", "failed": "✘", "skipped": "–"}


@click.command(cls=Command)
@click.argument("provider")
@click.option("--login", metavar="USER", help="Look up this person on the way, without a password.")
@pass_operator
def check(operator: Operator, *, provider: str, login: str | None) -> None:
    """Check step by step whether the configured PROVIDER works; exit code 4 if a step fails."""
    steps = []
    for step in _provider(operator, provider).check(login=login):
        steps.append(step)
        if not operator.options.as_json:
            click.echo(_line(step))
    failed = any(step.state == "failed" for step in steps)
    if operator.options.as_json:
        operator.output.answer("", provider=provider, ok=not failed, steps=[_row(step) for step in steps])
    if failed:
        raise click.exceptions.Exit(FAILED)


def _provider(operator: Operator, name: str) -> Provider:
    settings = operator.configured()
    if name not in settings.providers:
        raise Failure(f"There is no provider {name}; there are {', '.join(settings.providers)}.", NO)
    # The provider's own way is looked at, not the database's: it need not be there yet.
    return Auth.from_settings(settings, database=open_database(settings)).providers[name]


def _line(step: Check) -> str:
    detail = f": {step.detail}" if step.detail else ""
    hint = f"\n    {shown(step.hint)}" if step.hint else ""
    seconds = f" ({step.seconds:.2f} s)" if step.seconds else ""
    return f"{_SIGNS[step.state]} {shown(step.name + detail)}{seconds}{hint}"


def _row(step: Check) -> dict[str, Any]:
    names = ("name", "state", "detail", "hint", "seconds")
    return {name: getattr(step, name) for name in names}
