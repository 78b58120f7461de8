"""Nothing is silenced or put off without saying why."""

from __future__ import annotations

import io
import re
import tokenize
from pathlib import Path

import pytest

#: Comments that switch a check off, and what has to follow: codes, then a reason.
RULES = {
    "noqa": re.compile(r"noqa: [A-Z]+[0-9]+(, ?[A-Z]+[0-9]+)*,? (?:--? |— |# )\S"),
    "type: ignore": re.compile(r"type: ignore\[[a-z-]+(, ?[a-z-]+)*\]\s+(?:--? |— |# )\S"),
    "pragma: no": re.compile(r"pragma: no (?:cover|branch)\s+(?:--? |— |# )\S"),
}

#: Written so that this very line is not found.
PUT_OFF = re.compile(r"\b(?:TO[D]O|FIX[M]E|XX[X]|HA[C]K)\b(?! ?\(?#\d)")

TEXTS = {".py", ".md", ".toml", ".yml", ".yaml", ".txt", ".js", ".mjs", ".css", ".jinja2", ".html", ".po", ""}


def unexplained(text: str) -> list[str]:
    """The comments in a Python source that silence a check without code and reason."""
    comments = (
        token for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type == tokenize.COMMENT
    )
    return [
        f"{token.start[0]}: {token.string}"
        for token in comments
        for word, rule in RULES.items()
        if re.match(rf"#.*\b{word}", token.string) and rule.search(token.string) is None
    ]


def uncommented_ignores(text: str) -> list[str]:
    """The entries of ruff's ignore lists in a ``pyproject.toml`` that give no reason."""
    return [
        line.strip()
        for line in text.splitlines()
        if re.match(r'\s+"[A-Z]+[0-9]*",\s*$', line) or re.match(r'"[^"]+" = \[("[A-Z]+[0-9]*"(, )?)+\]\s*$', line)
    ]


def test_every_silence_has_its_reason(tracked: list[Path], root: Path) -> None:
    """Each noqa, type: ignore and pragma names its code and gives a reason on its line."""
    faults = [
        f"{path.relative_to(root)}:{fault}"
        for path in tracked
        if path.suffix == ".py"
        for fault in unexplained(path.read_text(encoding="utf-8"))
    ]

    assert faults == []


def test_every_ignored_rule_has_its_reason(root: Path) -> None:
    """Each rule that is switched off for ruff has a comment on its line."""
    assert uncommented_ignores((root / "pyproject.toml").read_text(encoding="utf-8")) == []


def test_nothing_is_put_off_silently(tracked: list[Path], root: Path) -> None:
    """No file holds a reminder without the number of an issue."""
    faults = [
        f"{path.relative_to(root)}: {match[0]}"
        for path in tracked
        if path.suffix in TEXTS
        for match in PUT_OFF.finditer(path.read_text(encoding="utf-8", errors="replace"))
    ]

    assert faults == []


@pytest.mark.parametrize(
    "comment",
    ["# no" + "qa", "# no" + "qa: E501", "# type: ig" + "nore", "# type: ig" + "nore[misc]", "# pragma: no " + "cover"],
)
def test_unexplained_silence_is_noticed(comment: str) -> None:
    """A silenced check without a reason is reported."""
    assert [f"1: {comment}"] == unexplained(f"x = 1  {comment}\n")


@pytest.mark.parametrize(
    "comment",
    [
        "# no" + "qa: E501 - a long address",
        "# type: ig" + "nore[misc]  # a class made at run time",
        "# pragma: no " + "cover - Windows only",
    ],
)
def test_explained_silence_is_fine(comment: str) -> None:
    """A silenced check with code and reason is let through, and so is a string that looks like one."""
    assert unexplained(f"x = '# no' + 'qa'  {comment}\n") == []


def test_uncommented_ignore_is_noticed() -> None:
    """A rule that is switched off without a reason is reported."""
    text = (
        'ignore = [\n    "D105",\n    "D107", # the class says it\n]\n"docs/**" = ["INP001"]\n"x" = ["S"] # as above\n'
    )

    assert uncommented_ignores(text) == ['"D105",', '"docs/**" = ["INP001"]']


@pytest.mark.parametrize(("text", "found"), [("TO" + "DO later", 1), ("TO" + "DO(#12) later", 0), ("mastodon", 0)])
def test_reminders_are_noticed(text: str, found: int) -> None:
    """A reminder is found by its word, unless an issue stands beside it."""
    assert found == len(PUT_OFF.findall(text))
