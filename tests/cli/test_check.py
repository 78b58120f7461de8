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

from onegov_auth import migrations
from onegov_auth.cli import main
from onegov_auth.collections import UserCollection
from onegov_auth.database import Database
from onegov_auth.providers import Check, CheckState, PasswordProvider, Refused
from onegov_auth.testing.providers import person

SECRET = "a secret for tests only, of more than 32 characters"


class Talkative(PasswordProvider):
    """A provider with something to say of itself."""

    kind: ClassVar[str] = "talkative"

    def authenticate(self, username: str, password: object) -> Refused:
        """Nobody gets in here."""
        del username, password
        return Refused("unknown_user")

    def check(self, login: str | None = None, claims: Any = None) -> Iterator[Check]:
        """One step of each kind; with claims, whose they are."""
        if claims is not None:
            yield Check("claims", CheckState.OK, identity=person("talk", claims["sub"], claims["sub"]))
            return
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
        "providers": {"local": {"kind": "local"}, "talk": {"kind": "talkative", "default_role": "member"}},
    }
    (tmp_path / "auth.yml").write_text(yaml.safe_dump(settings))

    def check(*arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(main, ["--config", str(tmp_path / "auth.yml"), "check", *arguments], input=stdin)

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


@pytest.fixture(name="with_database")
def _with_database(tmp_path: Path) -> Iterator[Database]:
    """The application's database, with a local Ann."""
    database = Database(f"sqlite:///{tmp_path / 'app.db'}")
    migrations.upgrade(database.engine)
    with database.unit() as db:
        UserCollection(db).add("ann", "correct horse battery staple", "member")
    yield database
    database.dispose()


@pytest.mark.parametrize(
    ("sub", "code", "line"),
    [
        ("ben", 0, "✔ account: ben would be made"),
        ("ann", 4, "✘ account: conflict: ann"),
    ],
)
def test_pasted_claims(check: Any, with_database: Database, tmp_path: Path, sub: str, code: int, line: str) -> None:
    """Claims in a file show the account and the role, or what is in the way, and nothing is made."""
    (tmp_path / "claims.json").write_text(json.dumps({"sub": sub}))
    result = check("talk", "--claims", str(tmp_path / "claims.json"))

    assert result.exit_code == code
    assert any(one.startswith(line) for one in result.stdout.splitlines())
    with with_database.read() as db:
        assert UserCollection(db).query().count() == 1


def test_pasted_claims_as_json(check: Any, with_database: Database) -> None:
    """Claims may come from stdin, and the account's steps are among the others."""
    told = json.loads(check("talk", "--claims", "-", "--json", stdin='{"sub": "ben"}').stdout)

    assert [step["name"] for step in told["steps"]] == ["claims", "account", "role"]
    assert told["steps"][2]["detail"] == "member"


@pytest.mark.parametrize("made", [False, True], ids=["no file", "no tables"])
def test_claims_without_a_database(check: Any, tmp_path: Path, made: bool) -> None:
    """Where there are no accounts yet, nothing is said of one, and no file is made."""
    if made:
        (tmp_path / "app.db").touch()
    result = check("talk", "--claims", "-", stdin='{"sub": "ben"}')

    assert result.exit_code == 0
    assert "onegov-auth db upgrade" in result.stdout
    assert (tmp_path / "app.db").exists() is made


@pytest.mark.parametrize("text", ["", "[]", "{", "eyJ.eyJ.x"])
def test_claims_that_are_none(check: Any, text: str) -> None:
    """What is no JSON object is the command line's fault, and is not repeated."""
    result = check("talk", "--claims", "-", stdin=text)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert "eyJ" not in result.stderr


def test_claims_file_that_is_not_there(check: Any, tmp_path: Path) -> None:
    """A file that can't be read is told from one that holds no claims."""
    result = check("talk", "--claims", str(tmp_path / "claims.json"))

    assert result.exit_code == 2
    assert "claims.json can't be read: No such file" in result.stderr


def test_check_leaves_no_database(check: Any, tmp_path: Path) -> None:
    """A provider is checked without the database, which is not made by that."""
    check("talk")

    assert not (tmp_path / "app.db").exists()


def test_claims_for_a_provider_that_knows_none(check: Any) -> None:
    """Nobody takes what was not looked at for a good answer."""
    result = check("local", "--claims", "-", stdin="{}")

    assert result.exit_code == 2
    assert "is told no claims" in result.stderr
