"""Every sample in the README and in the documentation runs as it stands there."""

from __future__ import annotations

import ast
import json
import os
import re
import runpy
import secrets
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click import Command, Context, Group
from webtest import TestApp

from onegov_auth.cli import main
from onegov_auth.settings import load_settings, settings_from

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "providers").glob("*/README.md"))]

#: What a fragment of settings is put into, so that it can be checked as a whole.
REQUIRED: dict[str, Any] = {
    "base_url": "https://app.example.org",
    "database": "sqlite://",
    "secrets": ["Zt5hXKXcWZ3f1oWQF8qf0mJm1dWJxqzE0cJv0Gm8s1xYtR2b"],
}

#: Kinds that samples make up.
INVENTED = {"passwd"}


def blocks(language: str, pages: list[Path] | None = None) -> Iterator[tuple[str, str]]:
    """The fenced blocks in that language: where, and what stands in them."""
    for page in PAGES if pages is None else pages:
        if "_build" in page.parts:
            continue
        text = page.read_text(encoding="utf-8")
        for match in re.finditer(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            line = text[: match.start()].count("\n") + 1
            yield f"{page.relative_to(ROOT)}:{line}", match[1]


def _settings() -> list[Any]:
    """Blocks of settings; an indented one changes the last provider of the block before it."""
    found: list[Any] = []
    document: dict[str, Any] = {}
    for where, text in blocks("ya?ml"):
        if text.startswith(" "):
            name = list(document["providers"])[-1]
            changed = document["providers"] | {name: document["providers"][name] | yaml.safe_load(text)}
            document = document | {"providers": changed}
        else:
            document = yaml.safe_load(text)
        kinds = {block.get("kind") for block in document.get("providers", {}).values()}
        if not kinds & INVENTED:
            found.append(pytest.param(document, id=where))
    return found


def test_readme_sample(place: Path, log_in: Callable[..., Any]) -> None:
    """The README's ten lines are an application that greets who is logged in."""
    sample = dict(blocks("python", [ROOT / "README.md"]))
    namespace: dict[str, Any] = {"__name__": "readme"}

    exec(compile("\n".join(sample.values()), "README.md", "exec"), namespace)  # our own text

    assert log_in(namespace["application"]).text == "Hello Ann"
    assert sum(bool(line.strip()) for text in sample.values() for line in text.splitlines()) <= 12


def test_existing_application(examples: Path) -> None:
    """The application before it is protected answers everybody."""
    app = runpy.run_path(str(examples / "existing_app.py"))["App"]
    app.commit()

    assert TestApp(app()).get("/").text == "Hello"
    assert len((examples / "existing_app.py").read_text(encoding="utf-8").splitlines()) <= 16


def test_protected_application(examples: Path, place: Path, log_in: Callable[..., Any]) -> None:
    """The same application, protected, leads to the login page and back."""
    application = runpy.run_path(str(examples / "protected_app.py"))["application"]

    assert log_in(application).text == "Hello Ann"


def test_few_lines_protect_it(examples: Path) -> None:
    """Ten lines are what protection takes, counted as those that differ."""
    before = (examples / "existing_app.py").read_text(encoding="utf-8").splitlines()
    after = (examples / "protected_app.py").read_text(encoding="utf-8").splitlines()

    assert len([line for line in after if line.strip() and line not in before]) <= 10


def test_larger_application(examples: Path, place: Path, log_in: Callable[..., Any]) -> None:
    """The pages move, the hook is called, and what is for administrators stays closed to others."""
    app = runpy.run_path(str(examples / "larger_app.py"))["App"]
    application = app.from_yaml("auth.yml")

    page = log_in(application, "/mine", "/account/login")

    assert page.text == "Ann came by a local password"
    assert page.test_app.get("/").text == "Hello everybody"
    assert page.test_app.head("/").status_code == 200
    assert page.test_app.head("/mine", status=405)
    assert page.test_app.get("/office", status=403)
    with application.auth.database.read() as db:
        assert application.auth.users(db).by_username("ann@example.org").data["last_address"]


@pytest.mark.parametrize("document", _settings())
def test_settings_samples(document: dict[str, Any], tmp_path: Path) -> None:
    """Every block of settings is valid as it stands, what is required and left out aside."""
    text = json.dumps(REQUIRED | document)
    for path in set(re.findall(r"(?<=[:\"])/(?:run|etc|var)/[\w./-]+", text)):
        file = tmp_path / path.strip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(secrets.token_urlsafe(48))
        text = text.replace(path, str(file))
    environ = dict.fromkeys(re.findall(r"\$\{([A-Z_]+)\}", text), REQUIRED["secrets"][0]) | os.environ

    assert settings_from(json.loads(text), environ=environ).secrets


@pytest.mark.parametrize(
    "name",
    ["auth.yml", "three_ways.yml", *sorted(path.name for path in (ROOT / "docs" / "examples").glob("ldap_*.yml"))],
)
def test_settings_files(examples: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The settings files are valid and name what they say they do."""
    for variable in ("AUTH_SECRET", "LDAP_PASSWORD", "OIDC_SECRET"):
        monkeypatch.setenv(variable, REQUIRED["secrets"][0])
    monkeypatch.setenv("DATABASE_URL", "sqlite:///auth.db")

    assert load_settings(examples / name).pending == ()


def test_no_key_of_the_whole_file_stops_the_start(examples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What protects and is in the file is there."""
    for variable in ("AUTH_SECRET", "LDAP_PASSWORD", "OIDC_SECRET", "YUBICO_KEY"):
        monkeypatch.setenv(variable, REQUIRED["secrets"][0])

    pending = load_settings(examples.parent / "reference" / "auth.example.yml").pending

    assert [each.key for each in pending if each.protective] == []


def _commands() -> list[Any]:
    lines = [(where, line) for where, text in blocks("console") for line in text.splitlines()]
    return [pytest.param(line, id=where) for where, line in lines if line.startswith("$ onegov-auth ")]


@pytest.mark.parametrize("line", _commands())
def test_commands_exist(line: str) -> None:
    """Every command line of the documentation names a command and options there are."""
    command: Command = main
    for word in shlex.split(line.removeprefix("$ onegov-auth "), comments=True):
        options = {name for option in command.params for name in option.opts}
        found = command.get_command(Context(command), word) if isinstance(command, Group) else None
        if word.startswith("--"):
            assert word.partition("=")[0] in options, f"{command.name} has no option {word}"
        elif found is not None:
            command = found

    assert command is not main


def test_make_targets_exist() -> None:
    """Every ``make …`` of the documentation is a target."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {name for page in PAGES for name in re.findall(r"(?:`|\$ )make ([a-z]+)", page.read_text(encoding="utf-8"))}

    assert named
    assert named <= targets


def test_python_samples_are_python() -> None:
    """Every other block of Python in the documentation can at least be read."""
    for where, text in blocks("python"):
        assert ast.parse(text, where).body
