"""What the guards share: where the repository is, what git knows of it, and how its sources are read."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: Where Python lives that we keep in shape; migrations are written once and never changed.
CODE = ("onegov_auth", "providers", "tests", "benchmarks", "docs", "conftest.py")
SKIPPED = {".venv", "node_modules", "__pycache__", "_build", "versions", "build", "dist"}


@pytest.fixture(name="root")
def _root() -> Path:
    """The top of the repository."""
    return ROOT


@pytest.fixture(name="tracked", scope="session")
def _tracked() -> list[Path]:
    """Every file git knows and that is there."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(name="sources")
def _sources() -> Callable[[Path], Iterator[tuple[Path, ast.Module]]]:
    """Call it with a tree's top: every Python module below as its path from there, and parsed."""
    return parsed


def parsed(top: Path) -> Iterator[tuple[Path, ast.Module]]:
    """Every Python module of the tree at *top*, by its path from there."""
    for name in CODE:
        start = top / name
        files = [start] if start.is_file() else sorted(start.rglob("*.py"))
        for path in files:
            if not SKIPPED & set(path.relative_to(top).parts):
                yield path.relative_to(top), ast.parse(path.read_text(encoding="utf-8"))


@pytest.fixture(name="project", scope="session")
def _project() -> Mapping[str, Any]:
    """The core's ``pyproject.toml``."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(name="kinds")
def _kinds() -> list[str]:
    """The adapters: the directories below ``providers/`` that are distributions."""
    return sorted(path.parent.name for path in (ROOT / "providers").glob("*/pyproject.toml"))


@pytest.fixture(name="security_table", scope="session")
def _security_table() -> ModuleType:
    """The script that writes the table of ``docs/security.md``."""
    path = ROOT / "docs" / "security_table.py"
    spec = importlib.util.spec_from_file_location("security_table", path)
    if spec is None or spec.loader is None:
        pytest.fail(f"{path} can't be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
