"""How a command gets a new password: by option, from stdin, by asking, or made up."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

import click

from onegov_auth.cli.failures import USAGE, Failure
from onegov_auth.passwords import Hasher, PasswordPolicy, Verification, random_password
from onegov_auth.settings.accounts import Passwords

__all__ = ["ConfiguredHasher", "new_password", "password_options", "somebody_can_answer"]

F = TypeVar("F", bound=Callable[..., Any])


def password_options(function: F) -> F:
    """The options ``--password`` and ``--no-prompt``."""
    function = click.option("--no-prompt", is_flag=True, help="Ask for nothing; without --password, make one up.")(
        function
    )
    text = "The password; - reads one line from stdin. Other users of this machine may see what is written here."
    return click.option("--password", metavar="TEXT", help=text)(function)


def new_password(given: str | None, username: str, policy: PasswordPolicy, *, no_prompt: bool) -> tuple[str, bool]:
    """
    A new password that the policy allows.

    Args:
        given: The option's value.
        username: Whose it will be.
        policy: Which ones are allowed.
        no_prompt: Ask for nothing.

    Returns:
        The password, and whether it was made up and has to be shown.

    Raises:
        InsecurePasswordError: If the policy forbids it.
        Failure: If stdin is empty, there is nobody to ask, or what was typed twice differs.
    """
    if given == "-":
        given = sys.stdin.readline().rstrip("\r\n")
        if not given:
            raise Failure("There is no password on stdin.")
    elif given is None and not no_prompt:
        given = _asked_for()
    if not given:
        return random_password(max(16, policy.settings.min_length)), True
    policy.check(given, username)
    return given, False


def somebody_can_answer() -> bool:
    """Whether stdin is a terminal: a script or a service manager answers no question."""
    return sys.stdin.isatty()


def _asked_for() -> str:
    """What somebody types twice; nothing means that one is to be made up."""
    if not somebody_can_answer():
        raise Failure(
            "There is no terminal to ask on: give --password - (read from standard input) or --no-prompt.", USAGE
        )
    text = "Password (leave empty to have one made up)"
    typed: str = click.prompt(text, default="", show_default=False, hide_input=True, err=True)
    if typed and typed != click.prompt("Once more", hide_input=True, err=True):
        raise Failure("The two passwords differ.")
    return typed


class ConfiguredHasher:
    """Hashes as the settings say; what that needs is loaded with the first password."""

    def __init__(self, settings: Passwords) -> None:
        self._settings = settings

    @cached_property
    def _hasher(self) -> Hasher:
        return Hasher.from_settings(self._settings)

    def hash(self, clear: str) -> str:
        """The hash to store; raises InvalidPasswordError."""
        return self._hasher.hash(clear)

    def verify(self, clear: str, hashed: str | None) -> Verification:
        """Compare."""
        return self._hasher.verify(clear, hashed)

    def verify_dummy(self, clear: str) -> None:
        """Take as long as :meth:`verify`."""
        self._hasher.verify_dummy(clear)
