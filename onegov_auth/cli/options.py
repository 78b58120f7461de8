"""The options every command takes, before its name or after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import click
from pydantic import TypeAdapter, ValidationError

from onegov_auth.settings.types import Duration

__all__ = ["Command", "Options", "common_options", "duration"]


@dataclass
class Options:
    """
    What was said of where to work and how to answer.

    Attributes:
        config: The settings file; ``None`` if none was named.
        application: The tenant.
        dsn: The database, in place of the one in the settings.
        schema: The PostgreSQL schema, likewise.
        app: The application's class as ``module:Class``, whose hooks are called and whose tables are used.
        as_json: Answer in JSON.
    """

    config: str | None = None
    application: str | None = None
    dsn: str | None = None
    schema: str | None = None
    app: str | None = None
    as_json: bool = False


def _store(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def callback(context: click.Context, _parameter: click.Parameter, value: Any) -> None:
        # What follows the command's name is parsed later and wins; what was left out wins over nothing.
        if value:
            setattr(context.ensure_object(Options), name, value)

    return callback


def common_options(*, after_the_command: bool = False) -> list[click.Parameter]:
    """
    Fresh copies of the options.

    Args:
        after_the_command: Environment variables are read before the command's name only, so that they
            don't win over what was written there.
    """

    def option(name: str, field: str, metavar: str, text: str, envvar: str | None = None) -> click.Option:
        return click.Option(
            [name, field],
            metavar=metavar,
            help=text,
            envvar=None if after_the_command else envvar,
            show_envvar=not after_the_command,
            expose_value=False,
            callback=_store(field),
        )

    return [
        option("--config", "config", "FILE", "The settings; auth.yml unless said otherwise.", "ONEGOV_AUTH_CONFIG"),
        option("--application", "application", "ID", "The tenant, as named in the settings."),
        option("--dsn", "dsn", "URL", "The database; without --config, no settings are read.", "ONEGOV_AUTH_DSN"),
        option("--schema", "schema", "NAME", "The PostgreSQL schema."),
        option("--app", "app", "MODULE:CLASS", "The application: its hooks and its tables."),
        click.Option(
            ["--json", "as_json"],
            is_flag=True,
            help="Answer in JSON.",
            expose_value=False,
            callback=_store("as_json"),
        ),
    ]


class Command(click.Command):
    """A command that takes the common options too."""

    def __init__(self, name: str | None, *, params: list[click.Parameter] | None = None, **attributes: Any) -> None:
        common = common_options(after_the_command=True)
        super().__init__(name, params=[*(params or []), *common], **attributes)


def duration(_context: click.Context, _parameter: click.Parameter, value: str) -> timedelta:
    """A length of time on the command line, written as in the settings."""
    try:
        result: timedelta = TypeAdapter(Duration).validate_python(value)
    except ValidationError as error:
        raise click.BadParameter(f"{value!r} is no duration such as 30s, 10m, 12h or 14d") from error
    return result
