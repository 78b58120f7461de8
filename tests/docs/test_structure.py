"""The documented tree is the real one."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: What stands at the top and is not worth a line: what tools want to find there.
UNMENTIONED = {".gitignore", "constraints.txt"}


def documented(text: str) -> set[str]:
    """The paths at the beginning of the lines of all ``text`` blocks."""
    found = re.findall(r"^```text\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return {line.split()[0] for block in found for line in block.splitlines() if line.strip()}


def differences(paths: set[str], top: Path, tops: set[str], rooms: set[str]) -> list[str]:
    """Documented paths that aren't there, and what is there and isn't documented."""
    kinds = [path.parent.name for path in (top / "providers").glob("*/pyproject.toml")]
    wanted = {path.replace("<kind>", kind) for path in paths for kind in (kinds if "<kind>" in path else [""])}
    gone = [f"{path} is not there" for path in sorted(wanted) if not (top / path).exists()]
    plain = {path.rstrip("/") for path in paths}
    return gone + [f"{name} is not documented" for name in sorted(tops | rooms) if name not in plain]


@pytest.fixture(name="page")
def _page() -> str:
    """The page about the structure."""
    return (ROOT / "docs" / "contributing" / "structure.md").read_text(encoding="utf-8")


@pytest.fixture(name="rooms")
def _rooms() -> set[str]:
    """The rooms of the core."""
    core = ROOT / "onegov_auth"
    names = {path for path in core.iterdir() if (path / "__init__.py").is_file() or path.suffix == ".py"}
    return {str(path.relative_to(ROOT)) for path in names} - {"onegov_auth/__init__.py"}


def test_structure_is_documented(page: str, rooms: set[str], tracked_tops: set[str]) -> None:
    """Everything at the top and every room of the core has its line, and no line is outdated."""
    assert differences(documented(page), ROOT, tracked_tops - UNMENTIONED, rooms) == []


@pytest.fixture(name="tracked_tops")
def _tracked_tops() -> set[str]:
    """What git knows at the top."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {line.partition("/")[0] for line in listed.splitlines()}


def test_rooms_page_names_every_room(rooms: set[str]) -> None:
    """The page about the rooms has all of them."""
    text = (ROOT / "docs" / "concepts" / "the-rooms.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z_0-9]+)(?:\.py|/)`", text))

    # The lazy names of the top package are explained in a sentence.
    assert {Path(room).stem for room in rooms} - named == {"lazy"}


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("```text\na.py  one\nroom/  two\n```\n", []),
        ("```text\na.py\nroom/\ngone.py\n```\n", ["gone.py is not there"]),
        ("```text\na.py\n```\n", ["room is not documented"]),
    ],
    ids=["same", "outdated", "forgotten"],
)
def test_differences_are_noticed(tmp_path: Path, text: str, faults: list[str]) -> None:
    """A documented file that is gone and a room without a line are reported."""
    (tmp_path / "room").mkdir()
    (tmp_path / "a.py").write_text("")

    assert differences(documented(text), tmp_path, {"a.py"}, {"room"}) == faults


def _links(page: Path) -> Mapping[str, Path]:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    targets = {target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text)}
    return {target: page.parent / target for target in targets if target and "://" not in target}


@pytest.mark.parametrize("name", ["README.md", "SECURITY.md", "CHANGELOG.md", "providers/ldap/README.md"])
def test_links_lead_somewhere(name: str) -> None:
    """Every relative link outside of the documentation leads to a file; Sphinx checks those inside."""
    assert [target for target, path in _links(ROOT / name).items() if not path.exists()] == []
