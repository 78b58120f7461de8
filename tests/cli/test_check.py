from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from click.testing import CliRunner, Result

from onegov_auth.cli import main
from onegov_auth.providers import Check, CheckState, PasswordProvider, Refused

SECRET = "a secret for tests only, of more than 32 characters"


class Talkative(PasswordProvider):
    """A provider with something to say of itself."""

    kind: ClassVar[str] = "talkative"

    def authenticate(self, username: str, password: object) -> Refused:
        """Nobody gets in here."""
        del username, password
        return Refused("unknown_user")

    def check(self, login: str | None = None, claims: object = None) -> Iterator[Check]:
        """One step of each kind."""
        del claims
        yield Check("connection", CheckState.OK, "127.0.0.1\x07", seconds=0.25)
        yield Check("certificate", CheckState.WARNING, "expires soon", hint="renew it")
        yield Check("login", CheckState.SKIPPED if login is None else CheckState.FAILED, login or "")


@pytest.fixture(name="check")
def _check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """``check("talk")`` calls the command; the provider ``talk`` is of the kind above."""
    monkeypatch.setitem(sys.modules, "talkative", sys.modules[__name__])
    points = [
        EntryPoint("local", "onegov_auth.providers.local:LocalProvider", "onegov_auth.providers"),
        EntryPoint("talkative", "talkative:Talkative", "onegov_auth.providers"),
    ]
    monkeypatch.setattr("onegov_auth.settings.plugins.entry_points", lambda **_group: points)
    settings = {
        "base_url": "https://app.example.org",
        "database": f"sqlite:///{tmp_path / 'app.db'}",
        "secrets": [SECRET],
        "providers": {"local": {"kind": "local"}, "talk": {"kind": "talkative"}},
    }
    (tmp_path / "auth.yml").write_text(yaml.safe_dump(settings))

    def check(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["--config", str(tmp_path / "auth.yml"), "check", *arguments])

    return check


def test_check(check: Any) -> None:
    """Every step is a line with its sign, what was found, how long it took and what to change."""
    result = check("talk")

    assert (result.exit_code, result.stdout) == (
        0,
        "✔ connection: 127.0.0.1\\x07 (0.25 s)\n! certificate: expires soon\n    renew it\n– login\n",
    )


def test_check_fails(check: Any) -> None:
    """A step that fails is exit code 4, and the person to look up is passed on."""
    result = check("talk", "--login", "ann")

    assert result.exit_code == 4
    assert result.stdout.endswith("✘ login: ann\n")


def test_check_as_json(check: Any) -> None:
    """The JSON has all of it."""
    told = json.loads(check("talk", "--json").stdout)

    assert (told["provider"], told["ok"]) == ("talk", True)
    step = {"name": "certificate", "state": "warning", "detail": "expires soon", "hint": "renew it", "seconds": 0.0}
    assert told["steps"][1] == step


def test_check_without_steps_of_its_own(check: Any) -> None:
    """A provider that has nothing to say of itself is all right as far as its settings are."""
    assert check("local").stdout == "✔ settings\n"


def test_unknown_provider(check: Any) -> None:
    """A provider that isn't configured is exit code 1, with those that are."""
    result = check("staff")

    assert (result.exit_code, result.stderr) == (1, "Error: There is no provider staff; there are local, talk.\n")


def test_check_leaves_no_database(check: Any, tmp_path: Path) -> None:
    """A provider is checked without the database, which is not made by that."""
    check("talk")

    assert not (tmp_path / "app.db").exists()
