from __future__ import annotations

from datetime import timedelta
from typing import Any

import click
import pytest
from click.testing import CliRunner

from onegov_auth.cli.options import Command, Options, common_options, duration


@pytest.fixture(name="parse")
def _parse() -> Any:
    """``parse("--dsn", "x", "do")`` is what the command ``do`` finds of the common options."""
    found: list[Options] = []

    @click.group(params=common_options())
    def group() -> None:
        """Do nothing."""

    @group.command(cls=Command)
    @click.option("--events", callback=duration, default="1d")
    @click.pass_context
    def do(context: click.Context, events: timedelta) -> None:
        found.append(context.ensure_object(Options))

    def parse(*arguments: str, **environ: str) -> Options:
        result = CliRunner(env=environ).invoke(group, arguments)
        assert result.exit_code == 0, result.output
        return found[-1]

    return parse


def test_nothing_said(parse: Any) -> None:
    """Without options there are none."""
    assert parse("do") == Options()


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("--config", "config"),
        ("--application", "application"),
        ("--dsn", "dsn"),
        ("--schema", "schema"),
        ("--app", "app"),
    ],
)
def test_before_or_after(parse: Any, name: str, field: str) -> None:
    """Each common option may stand before the command or after it, and the later one wins."""
    assert getattr(parse(name, "a", "do"), field) == "a"
    assert getattr(parse("do", name, "b"), field) == "b"
    assert getattr(parse(name, "a", "do", name, "b"), field) == "b"


def test_json_before_or_after(parse: Any) -> None:
    """So may ``--json``."""
    assert parse("--json", "do").as_json is True
    assert parse("do", "--json").as_json is True


def test_environment(parse: Any) -> None:
    """Settings and database may come from the environment, where other users can't read a password."""
    options = parse("do", ONEGOV_AUTH_CONFIG="a.yml", ONEGOV_AUTH_DSN="sqlite://")

    assert (options.config, options.dsn) == ("a.yml", "sqlite://")


def test_command_line_wins_over_the_environment(parse: Any) -> None:
    """What is written wins over what the environment says, before the command and after it."""
    assert parse("--config", "b.yml", "do", ONEGOV_AUTH_CONFIG="a.yml").config == "b.yml"
    assert parse("--config", "b.yml", "do", "--json", ONEGOV_AUTH_CONFIG="a.yml").config == "b.yml"
    assert parse("do", "--config", "b.yml", ONEGOV_AUTH_CONFIG="a.yml").config == "b.yml"


@pytest.mark.parametrize(("text", "days"), [("1d", 1), ("2w", 14), ("24h", 1)])
def test_duration(text: str, days: int) -> None:
    """A length of time is written as in the settings."""
    context = click.Context(click.Command("x"))

    assert duration(context, click.Option(["--x"]), text) == timedelta(days=days)


@pytest.mark.parametrize("text", ["86400", "a year", "", "-1d"])
def test_no_duration(text: str) -> None:
    """Anything else is a wrong command line; a number alone says too little."""
    with pytest.raises(click.BadParameter, match="is no duration"):
        duration(click.Context(click.Command("x")), click.Option(["--x"]), text)
