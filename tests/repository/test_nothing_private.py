"""What is tracked holds for everybody: no paths of one machine, no addresses of one registry."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

#: Written so that these very lines are not found.
PRIVATE = {
    "a home directory": re.compile(r"(?<![\w.}])/(?:home|root|Users|work)/[\w.-]"),
    "a registry": re.compile(r"regis[t]ry\.(?:npmjs|yarnpkg)|python[h]osted\.org|\bpy[p]i\.org"),
    "an index option": re.compile(r"--(?:extra-)?index-u[r]l|--trusted-h[o]st"),
    "a download address in a lock file": re.compile(r'"resol[v]ed":'),
}

#: They record where every file was downloaded from.
LOCK_FILES = {"uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock", "yarn.lock", "pnpm-lock.yaml"}


def private(text: str) -> set[str]:
    """What in *text* belongs to one machine."""
    return {what for what, pattern in PRIVATE.items() if pattern.search(text)}


def test_nothing_private_is_tracked(tracked: list[Path], root: Path) -> None:
    """No tracked file names a home directory, a registry or where a package was downloaded from."""
    found = {
        str(path.relative_to(root)): private(path.read_text(encoding="utf-8", errors="replace")) for path in tracked
    }

    assert {name: whats for name, whats in found.items() if whats} == {}


def test_no_foreign_lock_file_is_tracked(tracked: list[Path]) -> None:
    """Lock files that can't be written without addresses stay out."""
    assert set() == LOCK_FILES & {path.name for path in tracked}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("open('/ho" + "me/ann/x')", "a home directory"),
        ("cd /ro" + "ot/project", "a home directory"),
        ("https://regis" + "try.npmjs.org/x", "a registry"),
        ("https://files.python" + "hosted.org/x", "a registry"),
        ("pip install --index-" + "url x", "an index option"),
        ('{"resol' + 'ved": "x"}', "a download address in a lock file"),
    ],
)
def test_private_text_is_noticed(text: str, what: str) -> None:
    """Each kind of text that belongs to one machine is found."""
    assert {what} == private(text)


@pytest.mark.parametrize("text", ["https://example.org/home/x", "{root}/home/x", "/auth/login", "a resolved issue"])
def test_public_text_is_fine(text: str) -> None:
    """A path of a web site and a word alone are let through."""
    assert set() == private(text)
