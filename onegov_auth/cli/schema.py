"""``onegov-auth schema``: the JSON Schema of the settings file."""

from __future__ import annotations

import json

import click

from onegov_auth.cli.operator import Operator, pass_operator
from onegov_auth.cli.options import Command
from onegov_auth.settings.schema import settings_schema

__all__ = ["schema"]


@click.command(cls=Command)
@pass_operator
def schema(_operator: Operator) -> None:
    """Print the JSON Schema of the settings file, for editors."""
    click.echo(json.dumps(settings_schema(), ensure_ascii=False, indent=2))
