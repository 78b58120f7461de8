"""The page docs/reference/commands.md and the commands say the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click

from onegov_auth.cli.commands import COMMANDS, main
from onegov_auth.cli.failures import DATABASE, FAILED, INTERRUPTED, NO, RUNNING, SETTINGS, UNREACHABLE
from onegov_auth.cli.options import common_options

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")

COMMON = {name for option in common_options() for name in option.opts}


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command of ours with the words it is called by."""
    context = click.Context(main)
    for name in COMMANDS:
        command = main.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from ((f"{name} {below}", command.commands[below]) for below in command.list_commands(context))
        else:
            yield name, command


def usage(name: str, command: click.Command) -> str:
    """A command with its arguments, as the page's heading has it."""
    context = click.Context(command)
    arguments = [each.make_metavar(context) for each in command.params if isinstance(each, click.Argument)]
    return " ".join([name, *arguments])


def options(command: click.Command) -> set[str]:
    """The options that are a command's own."""
    return {name for each in command.params if isinstance(each, click.Option) for name in each.opts} - COMMON


def sections() -> dict[str, str]:
    """The page's commands: heading to what stands below."""
    parts = re.split(r"^### `(.+)`$", PAGE, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], (re.split(r"^## ", text, flags=re.MULTILINE)[0] for text in parts[1::2]), strict=True))


def in_table(text: str) -> set[str]:
    """The options that the tables in a text list."""
    return set(re.findall(r"^\| `(--[a-z-]+)", text, re.MULTILINE))


def test_every_command_is_described() -> None:
    """The page has every command with its arguments, and no other."""
    assert {usage(name, command) for name, command in commands()} == set(sections())


def test_every_option_is_described() -> None:
    """Below each command stand its own options, and no others."""
    described = {heading: in_table(text) for heading, text in sections().items()}

    assert {usage(name, command): options(command) for name, command in commands()} == described


def test_common_options_are_described() -> None:
    """The common options stand in the first table."""
    first = PAGE.partition("## Common options")[2].partition("\n## ")[0]

    assert in_table(first) == COMMON | {"--help"}


def test_exit_codes_are_described() -> None:
    """Every exit code stands in its table, 0 and click's own 2 among them."""
    table = PAGE.partition("## Exit codes")[2].partition("\n## ")[0]
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}

    assert codes == {0, NO, 2, SETTINGS, FAILED, DATABASE, UNREACHABLE, RUNNING, INTERRUPTED}


def test_defaults_are_described() -> None:
    """A default that an option has stands beside it."""
    for name, command in commands():
        section = sections()[usage(name, command)]
        for option in command.params:
            if isinstance(option, click.Option) and option.show_default:
                assert f"`{option.default}`" in section, (name, option.name)
