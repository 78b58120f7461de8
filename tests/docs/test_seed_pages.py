"""The two pages about what was there before: everything they name is there."""

from __future__ import annotations

import importlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click import Context, Group

from onegov_auth.cli import main

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("from-onegov-user", "from-keg-auth")

#: Where a bare name is looked for, in this order.
MODULES = (
    "onegov_auth",
    "onegov_auth.models",
    "onegov_auth.collections",
    "onegov_auth.errors",
    "onegov_auth.forms",
    "onegov_auth.web",
    "onegov_auth.web.request_auth",
    "onegov_auth.web.identity",
    "onegov_auth.web.crud",
    "onegov_auth.web.grid",
    "onegov_auth.web.columns",
    "onegov_auth.web.filters",
    "onegov_auth.web.navigation",
    "onegov_auth.permissions",
    "onegov_auth.permissions.classes",
    "onegov_auth.passwords",
    "onegov_auth.passwords.policy",
    "onegov_auth.accounts",
    "onegov_auth.attempts",
    "onegov_auth.database",
    "onegov_auth.domain",
    "onegov_auth.events",
    "onegov_auth.factors",
    "onegov_auth.mail",
    "onegov_auth.notices",
    "onegov_auth.outcomes",
    "onegov_auth.providers",
    "onegov_auth.self_service",
    "onegov_auth.sessions",
    "onegov_auth.signup",
    "onegov_auth.api_tokens",
    "onegov_auth.parts",
    "onegov_auth.testing.client",
    "onegov_auth.testing.people",
    "onegov_auth.testing.outbox",
    "onegov_auth.testing.suites",
    "onegov_auth.testing.applications",
)


def rows(page: str) -> Iterator[tuple[str, str]]:
    """The rows of all tables on a page: what was there before, and what is here."""
    text = (ROOT / "docs" / "reference" / f"{page}.md").read_text(encoding="utf-8")
    for line in text.splitlines():
        cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
        if line.startswith("|") and len(cells) == 2 and not set(cells[0]) <= set("- "):
            yield cells[0].strip(), cells[1].strip()


def part(thing: Any, name: str) -> Any:
    """An attribute of a module or class: a real one, an annotated one, or one that its ``__init__`` makes."""
    if hasattr(thing, name):
        return getattr(thing, name)
    classes = getattr(thing, "__mro__", ())
    if any(name in vars(base).get("__annotations__", {}) for base in classes):
        return None
    sources = (Path(importlib.import_module(base.__module__).__file__ or "") for base in classes[:-1])
    made = re.compile(rf"^\s+self\.{name}(: [^=]+)? = ", re.MULTILINE)
    if any(path.is_file() and made.search(path.read_text(encoding="utf-8")) for path in sources):
        return None
    raise AttributeError(name)


def is_name(text: str) -> bool:
    """Whether *text* is a public name, with its module or bare."""
    path, _, _ = text.partition("(")
    first, *rest = path.split(".")
    starts: list[Any] = [importlib.import_module(name) for name in MODULES]
    if first == "onegov_auth":
        return is_dotted(path)
    for start in starts:
        try:
            thing = getattr(start, first)
            for name in rest:
                thing = part(thing, name)
        except AttributeError:
            continue
        return True
    return False


def is_dotted(path: str) -> bool:
    """Whether the whole path leads to a module or something in it."""
    names = path.split(".")
    for length in range(len(names), 0, -1):
        try:
            thing: Any = importlib.import_module(".".join(names[:length]))
        except ModuleNotFoundError:
            continue
        try:
            for name in names[length:]:
                thing = part(thing, name)
        except AttributeError:
            return False
        return True
    return False


def is_test(text: str) -> bool:
    """Whether there is that file, with that test if one is named."""
    path, _, test = text.partition("::")
    file = ROOT / path
    return file.exists() and (not test or f"def {test}(" in file.read_text(encoding="utf-8"))


def is_command(text: str) -> bool:
    """Whether there is that command with these options."""
    command: Any = main
    for word in shlex.split(text)[1:]:
        options = {name for option in command.params for name in option.opts}
        if word.startswith("--"):
            if word not in options:
                return False
            continue
        found = command.get_command(Context(command), word) if isinstance(command, Group) else None
        if found is None and isinstance(command, Group):
            return False
        command = found or command
    return True


def is_page(text: str) -> bool:
    """Whether one of our pages has that path below the mount point."""
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "onegov_auth" / "web").rglob("*.py"))
    path = text.strip("/").partition("?")[0].removeprefix("auth/")
    return f'"{path}"' in sources or f'"/{path}' in sources


def is_key(text: str) -> bool:
    """Whether the settings have that key, somewhere in their reference."""
    reference = (ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
    return f"| `{text.rstrip(':')}` |" in reference


def is_there(text: str) -> bool:
    """Whether what a code span names is there."""
    if text.startswith(("tests/", "providers/")):
        return is_test(text)
    if text.startswith("onegov-auth "):
        return is_command(text)
    if text.startswith("/"):
        return is_page(text)
    return is_key(text) if text.endswith(":") else is_name(text)


def named() -> Iterator[Any]:
    for page in PAGES:
        for number, (_, here) in enumerate(rows(page)):
            for text in re.findall(r"`([^`]+)`", here):
                yield pytest.param(text, id=f"{page}-{number}-{text}")


@pytest.mark.parametrize("text", list(named()))
def test_what_is_named_is_there(text: str) -> None:
    """A class, function, attribute, test, command, page or key of the settings."""
    assert is_there(text)


@pytest.mark.parametrize("page", PAGES)
def test_every_trap_has_its_test(page: str) -> None:
    """Where the original had a defect, a test shows that there is none here, or the line says why none can be."""
    traps = [(before, here) for before, here in rows(page) if "⚠" in before]

    assert len(traps) > 10
    for before, here in traps:
        assert re.search(r"`(tests|providers)/", here) or "*not here*" in here, before


@pytest.mark.parametrize("page", PAGES)
def test_every_line_says_something(page: str) -> None:
    """No row is left open."""
    found = list(rows(page))

    assert len(found) > 60
    assert [before for before, here in found if len(here) < 3] == []


@pytest.mark.parametrize(
    "text",
    [
        "User.nothing",
        "NoSuchClass",
        "onegov_auth.models.nothing",
        "tests/test_nothing.py",
        "tests/test_auth.py::test_nothing_of_the_kind",
        "onegov-auth nothing",
        "onegov-auth list --nothing",
        "/auth/nothing",
        "nothing.at.all:",
    ],
)
def test_what_is_not_there_is_noticed(text: str) -> None:
    """Each kind of name can be wrong."""
    assert not is_there(text)
