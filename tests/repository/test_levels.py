"""import-linter holds the levels of the rooms; its contracts know every room."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

#: What only one room may import, by the contract that says so.
DOORS = {"web-framework": {"web"}, "command-line": {"cli"}, "adapters": {"providers"}}


def rooms(top: Path) -> set[str]:
    """The rooms of the core: its packages and modules."""
    return {
        path.stem
        for path in top.iterdir()
        if (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").is_file()
    }


def contract(project: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A contract by its id."""
    found: dict[str, Any] = next(c for c in project["tool"]["importlinter"]["contracts"] if c["id"] == name)
    return found


def lint(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run import-linter in *folder*."""
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", program, "--no-cache", "--no-logo", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_contracts_hold(root: Path) -> None:
    """No room imports one above it, no adapter another, and the framework stays behind its door."""
    result = lint(root)

    assert result.returncode == 0, result.stdout
    assert "0 broken" in result.stdout


def test_every_room_has_a_level(root: Path, project: Mapping[str, Any]) -> None:
    """The contract of the levels is exhaustive: a new room without a level breaks it."""
    levels = contract(project, "rooms")
    named = {name.strip("() ") for level in levels["layers"] for name in level.replace("|", ":").split(":")}

    assert levels["exhaustive"] is True
    assert rooms(root / "onegov_auth") <= named


@pytest.mark.parametrize(("name", "door"), DOORS.items())
def test_every_room_is_watched(root: Path, project: Mapping[str, Any], name: str, door: set[str]) -> None:
    """The contracts about Morepath, Click and adapters name all rooms but the one they leave open."""
    key = "forbidden_modules" if name == "adapters" else "source_modules"
    named = {module.removeprefix("onegov_auth.") for module in contract(project, name)[key]}

    assert rooms(root / "onegov_auth") - door == named


def test_broken_level_is_noticed(tmp_path: Path) -> None:
    """A room that imports one above it breaks the contract, in the configuration we use."""
    package = tmp_path / "house"
    (package / "web").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "web" / "__init__.py").write_text("")
    (package / "models.py").write_text("from house import web\n")
    (tmp_path / ".importlinter").write_text(
        "[importlinter]\nroot_package = house\n"
        "[importlinter:contract:rooms]\nname = rooms\ntype = layers\ncontainers = house\nexhaustive = true\n"
        "layers =\n    web\n    models : (later)\n"
    )

    result = lint(tmp_path)

    assert result.returncode == 1
    assert "house.models -> house.web" in result.stdout
