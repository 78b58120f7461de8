"""
Which test shows which security check: the table in ``security.md``, made from the tests' markers.

``python docs/security_table.py`` says what is wrong, ``python docs/security_table.py --write`` writes the table.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]

#: Where tests are, and the contract suites they inherit.
TESTS = ("tests", "providers", "onegov_auth/testing/contracts")

BEGIN = "<!-- table: made by docs/security_table.py, not by hand -->"
END = "<!-- end of the table -->"


@dataclass(frozen=True)
class Marker:
    """A test that carries a check."""

    check: str
    path: str
    name: str

    def __str__(self) -> str:
        return f"{self.path}::{self.name}"


@dataclass
class Checks:
    """What ``security_checks.yml`` says."""

    topics: set[str]
    sets: list[tuple[str, dict[str, dict[str, str]]]]
    ids: set[str] = field(default_factory=set)

    @property
    def required(self) -> dict[str, dict[str, str]]:
        """Every check that needs a test, a later part or a reason."""
        return {name: check for _, checks in self.sets for name, check in checks.items()}


def load(path: Path) -> Checks:
    """Read the checks."""
    document: Mapping[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    sets = [(entry["title"], entry["checks"]) for entry in document["sets"]]
    checks = Checks(set(document["topics"]), sets)
    known = {f"{name}-{number:02}" for name, count in document["known"].items() for number in range(1, count + 1)}
    checks.ids = known | {f"ASVS-{number}" for number in document["known_asvs"]} | set(checks.required)
    return checks


def _is_marker(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "sec"
        and isinstance(node.func.value, ast.Attribute)
        and node.func.value.attr == "mark"
    )


def _calls(node: ast.AST, name: str) -> Iterator[tuple[str, ast.Call]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call) and _is_marker(child):
            yield name, child
        inner = name
        if isinstance(child, ast.FunctionDef | ast.ClassDef):
            inner = f"{name}::{child.name}" if name else child.name
        yield from _calls(child, inner)


def markers(root: Path) -> list[Marker]:
    """
    Every ``@pytest.mark.sec("…")`` of the repository.

    Raises:
        TypeError: If one has anything but literal texts.
    """
    found = []
    for folder in TESTS:
        for path in sorted((root / folder).rglob("*.py")):
            if "node_modules" in path.parts:
                continue
            for name, call in _calls(ast.parse(path.read_text(encoding="utf-8")), ""):
                where = str(path.relative_to(root))
                for argument in call.args:
                    if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
                        raise TypeError(f"{where}:{call.lineno}: a security check is named by a literal text")
                    found.append(Marker(argument.value, where, name or "all tests"))
    return found


def faults(checks: Checks, found: list[Marker]) -> list[str]:
    """Unknown ids, checks that nobody shows or puts off, and checks put off to a part that doesn't exist."""
    shown = {marker.check for marker in found}
    unknown = [
        f"{marker} names {marker.check}, which is no check" for marker in found if marker.check not in checks.ids
    ]
    silent = [
        f"{name} has no test, no later part and no reason"
        for name, check in checks.required.items()
        if not shown & {name, check.get("same")} and not check.get("later") and not check.get("reason")
    ]
    alone = [
        f"{name} is said to be the same as {check['same']}, which has no test"
        for name, check in checks.required.items()
        if check.get("same") and check["same"] not in shown
    ]
    nowhere = [
        f"{name} is put off to {check['later']!r}, which is no part of the project"
        for name, check in checks.required.items()
        if check.get("later") and check["later"] not in checks.topics
    ]
    return unknown + silent + alone + nowhere


def _place(check: Mapping[str, str], tests: list[Marker]) -> str:
    places = [f"`{path}`" for path in dict.fromkeys(marker.path for marker in tests)]
    parts = [", ".join(places)] if places else []
    if check.get("same"):
        parts.append(f"the tests of {check['same']}")
    if check.get("later"):
        parts.append(f"{'the rest ' if parts else ''}comes with *{check['later']}*")
    if check.get("reason"):
        parts.append(check["reason"])
    return "; ".join(parts) or "**nowhere**"


def table(checks: Checks, found: list[Marker]) -> str:
    """The table as Markdown."""
    tests: dict[str, list[Marker]] = {}
    for marker in found:
        tests.setdefault(marker.check, []).append(marker)
    lines = []
    for title, rows in checks.sets:
        lines += [f"### {title}", "", "| Check | What holds | Shown by |", "|---|---|---|"]
        lines += [f"| {name} | {row['title']} | {_place(row, tests.get(name, []))} |" for name, row in rows.items()]
        lines.append("")
    others = sorted(name for name in tests if name in checks.ids - set(checks.required))
    lines += ["### Shown already, of sets that belong to later parts", "", "| Check | Shown by |", "|---|---|"]
    lines += [f"| {name} | {_place({}, tests[name])} |" for name in others]
    return "\n".join(lines)


def with_table(page: str, text: str) -> str:
    """The page with *text* as its table."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"


def main(arguments: list[str]) -> int:
    """Say what is wrong, and write the table if asked to."""
    checks = load(ROOT / "docs" / "security_checks.yml")
    found = markers(ROOT)
    page = ROOT / "docs" / "security.md"
    if "--write" in arguments:
        page.write_text(with_table(page.read_text(encoding="utf-8"), table(checks, found)), encoding="utf-8")
    wrong = faults(checks, found)
    sys.stdout.write("".join(f"{fault}\n" for fault in wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
