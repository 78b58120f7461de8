"""
The group ``onegov-auth``: which commands there are, and where each of them lives.

A command's module is loaded when it is called, so that ``onegov-auth exists`` loads no web framework.
Applications add commands by the entry point group ``onegov_auth.commands``.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points, version

import click

from onegov_auth.cli.failures import SETTINGS, Failure, one_sentence
from onegov_auth.cli.options import common_options

__all__ = ["COMMANDS", "GROUP", "Commands", "main"]

#: The entry point group of commands that applications bring.
GROUP = "onegov_auth.commands"

#: Our own commands, as ``module:name``.
COMMANDS: Mapping[str, str] = {
    "activate": "onegov_auth.cli.users:activate",
    "add": "onegov_auth.cli.add:add",
    "change-mtan": "onegov_auth.cli.second_factors:change_mtan",
    "change-password": "onegov_auth.cli.changes:change_password",
    "change-role": "onegov_auth.cli.changes:change_role",
    "change-totp": "onegov_auth.cli.codes:change_totp",
    "change-username": "onegov_auth.cli.changes:change_username",
    "change-yubikey": "onegov_auth.cli.second_factors:change_yubikey",
    "check": "onegov_auth.cli.check:check",
    "cleanup": "onegov_auth.cli.cleanup:cleanup",
    "create-token": "onegov_auth.cli.tokens:create_token",
    "db": "onegov_auth.cli.database:db",
    "deactivate": "onegov_auth.cli.users:deactivate",
    "delete": "onegov_auth.cli.users:delete",
    "deliver": "onegov_auth.cli.deliver:deliver",
    "demo": "onegov_auth.cli.demo.command:demo",
    "distrust": "onegov_auth.cli.distrust:distrust",
    "exists": "onegov_auth.cli.users:exists",
    "explain": "onegov_auth.cli.explain:explain",
    "grant": "onegov_auth.cli.grants:grant",
    "list": "onegov_auth.cli.users:list_users",
    "list-permissions": "onegov_auth.cli.grants:list_permissions",
    "list-sessions": "onegov_auth.cli.sessions:list_sessions",
    "list-tokens": "onegov_auth.cli.tokens:list_tokens",
    "logout": "onegov_auth.cli.sessions:logout",
    "logout-all": "onegov_auth.cli.sessions:logout_all",
    "purge-attempts": "onegov_auth.cli.attempts:purge_attempts",
    "recovery-codes": "onegov_auth.cli.codes:recovery_codes",
    "revoke-token": "onegov_auth.cli.tokens:revoke_token",
    "rotate-keys": "onegov_auth.cli.rotate_keys:rotate_keys",
    "schema": "onegov_auth.cli.schema:schema",
    "serve": "onegov_auth.cli.serve:serve",
    "signup-link": "onegov_auth.cli.signup_link:signup_link",
    "sync": "onegov_auth.cli.sync:sync",
    "transfer-yubikey": "onegov_auth.cli.second_factors:transfer_yubikey",
    "unlock": "onegov_auth.cli.attempts:unlock",
    "withdraw": "onegov_auth.cli.grants:withdraw",
}


class Commands(click.Group):
    """A group whose commands are loaded when they are asked for."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """The names, ours and those of applications."""
        return sorted({*COMMANDS, *_points()})

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; one that can't be loaded says why when it is called."""
        point = _points().get(cmd_name)
        ours = COMMANDS.get(cmd_name)
        if point is not None:
            return _broken(cmd_name, _twice(point)) if ours else _of_an_application(point)
        if ours is None:
            return None
        module, _, name = ours.partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that was asked for."""
        with one_sentence():
            return super().invoke(ctx)


def _points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def _of_an_application(point: EntryPoint) -> click.Command:
    try:
        command = point.load()
    except Exception as error:  # noqa: BLE001 - whatever an application's module does, ours have to work
        return _broken(point.name, f"can't be loaded from {_whose(point)}: {error}")
    if not isinstance(command, click.Command):
        return _broken(point.name, f"is no click command: {point.value} of {_whose(point)}")
    return command


def _twice(point: EntryPoint) -> str:
    return f"is there twice: ours, and {point.value} of {_whose(point)}; uninstall that or rename its command"


def _whose(point: EntryPoint) -> str:
    return f'distribution "{point.dist.name}"' if point.dist is not None else "an unknown distribution"


def _broken(name: str, why: str) -> click.Command:
    sentence = f"The command {name} {why}"

    def fail(_arguments: tuple[str, ...]) -> None:
        raise Failure(sentence, SETTINGS)

    arguments = click.Argument(["_arguments"], nargs=-1, type=click.UNPROCESSED)
    anything = {"ignore_unknown_options": True}
    return click.Command(name, callback=fail, params=[arguments], help=sentence, context_settings=anything)


@click.group(
    cls=Commands,
    params=common_options(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(version("onegov-auth"), prog_name="onegov-auth")
def main() -> None:
    """Manage who gets in: users, sessions, the database, and a demo."""
