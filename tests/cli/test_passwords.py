from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from onegov_auth.cli.passwords import ConfiguredHasher, new_password, password_options
from onegov_auth.passwords import PasswordPolicy
from onegov_auth.settings import Settings
from onegov_auth.settings.accounts import Passwords

GOOD = "a password of some length"


@pytest.fixture(name="ask")
def _ask(make_settings: Callable[..., Settings]) -> Callable[..., Result]:
    """``ask("--password", "x", typed="…")`` runs a command that prints what password it got."""

    @click.command()
    @password_options
    def command(password: str | None, *, no_prompt: bool) -> None:
        click.echo(new_password(password, "ann", PasswordPolicy.from_settings(make_settings()), no_prompt=no_prompt))

    def ask(*arguments: str, typed: str = "", **more: Any) -> Result:
        return CliRunner().invoke(command, arguments, input=typed, **more)

    return ask


def test_option(ask: Any) -> None:
    """A password that stands on the command line is taken, and is not to be shown."""
    assert ask("--password", GOOD).stdout == f"('{GOOD}', False)\n"


@pytest.mark.parametrize("typed", [f"{GOOD}\n", GOOD, f"{GOOD}\r\n", f"{GOOD}\nmore"])
def test_stdin(ask: Any, typed: str) -> None:
    """A hyphen reads the first line of stdin, without its end."""
    assert ask("--password", "-", typed=typed).stdout == f"('{GOOD}', False)\n"


def test_empty_stdin(ask: Any) -> None:
    """An empty stdin is a failure, and no password is made up without anybody noticing."""
    result = ask("--password", "-")

    assert (result.exit_code, result.stderr) == (4, "Error: There is no password on stdin.\n")


@pytest.mark.usefixtures("terminal")
def test_typed_twice(ask: Any) -> None:
    """What is typed twice is taken, and never shown by the questions, which are on stderr."""
    result = ask(typed=f"{GOOD}\n{GOOD}\n")

    assert result.stdout == f"('{GOOD}', False)\n"
    assert "Once more" in result.stderr
    assert GOOD not in result.stderr


@pytest.mark.usefixtures("terminal")
def test_typed_differently(ask: Any) -> None:
    """Two different passwords are a failure."""
    result = ask(typed=f"{GOOD}\n{GOOD}!\n")

    assert result.exit_code == 4
    assert "The two passwords differ." in result.stderr


def test_nobody_to_ask(ask: Any) -> None:
    """Without a terminal there is one sentence that says what to give instead, and the command line was wrong."""
    result = ask(typed=f"{GOOD}\n{GOOD}\n")

    assert result.exit_code == 2
    assert result.output == (
        "Error: There is no terminal to ask on: give --password - (read from standard input) or --no-prompt.\n"
    )


@pytest.mark.usefixtures("terminal")
def test_end_of_input_at_a_question(ask: Any) -> None:
    """Who ends the input at a question interrupts."""
    result = ask(standalone_mode=False)

    assert isinstance(result.exception, click.Abort)


@pytest.mark.parametrize(("arguments", "typed"), [(["--no-prompt"], ""), ([], "\n"), (["--password", ""], "")])
@pytest.mark.usefixtures("terminal")
def test_made_up(ask: Any, arguments: list[str], typed: str) -> None:
    """Without a password, one of 16 characters is made up, which has to be shown."""
    password, made_up = ask(*arguments, typed=typed).stdout.strip("()\n").split(", ")

    assert len(password.strip("'")) == 16
    assert made_up == "True"


def test_as_long_as_the_policy_wants(make_settings: Callable[..., Settings]) -> None:
    """One that is made up is long enough for the policy."""
    settings = make_settings(passwords={"min_length": 40})

    password, _ = new_password(None, "ann", PasswordPolicy.from_settings(settings), no_prompt=True)

    assert len(password) == 40


@pytest.mark.parametrize("password", ["short", "x" * 300])
def test_policy(ask: Any, password: str) -> None:
    """The settings' policy decides."""
    result = ask("--password", password)

    assert type(result.exception).__name__ == "InsecurePasswordError"


def test_hasher_is_the_settings() -> None:
    """Passwords are hashed by the scheme of the settings, and compared with what it made."""
    hasher = ConfiguredHasher(Passwords(scheme="pbkdf2_sha256"))

    hashed = hasher.hash(GOOD)

    assert hashed.startswith("$pbkdf2-sha256$")
    assert hasher.verify(GOOD, hashed).ok
    assert not hasher.verify(f"{GOOD}!", hashed).ok
    hasher.verify_dummy(GOOD)


def test_the_applications_policy(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With ``--app``, the application's own policy decides."""
    module = tmp_path / "with_policy.py"
    module.write_text(
        "from onegov_auth import AuthApp\n"
        "from onegov_auth.passwords import PasswordPolicy\n\n"
        "class NoRed(PasswordPolicy):\n"
        "    def checks(self):\n"
        "        return [*super().checks(), self.no_red]\n\n"
        "    def no_red(self, candidate):\n"
        "        return 'No red, please.' if 'red' in candidate.clear else None\n\n"
        "class App(AuthApp):\n"
        "    password_policy = NoRed\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    result = run("--app", "with_policy:App", "add", "member", "ann", "--password", "a red lantern pudding")

    assert (result.exit_code, result.stderr) == (4, "Error: No red, please.\n")
    assert run("add", "member", "ann", "--password", "a red lantern pudding").exit_code == 0
