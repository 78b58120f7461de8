"""Reading YAML, filling in, laying one mapping over another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from onegov_auth.errors import SettingsError
from onegov_auth.settings.source import Filler, merge, parse
from onegov_auth.settings.types import Filled


def faults_of(text: str) -> tuple[str, ...]:
    """What is wrong with a text."""
    with pytest.raises(SettingsError) as caught:
        parse(text, "auth.yml")
    assert "auth.yml" in str(caught.value)
    return caught.value.faults


def test_parse() -> None:
    """A YAML mapping is read with its types and in its order."""
    assert parse("b: {x: [1, true]}\na: 12h\n") == {"b": {"x": [1, True]}, "a": "12h"}


def test_parse_anchors() -> None:
    """Anchors and merge keys work; what a merge key brings may be written again."""
    assert parse("a: &a {x: 1}\nb:\n  <<: *a\n  x: 2\n") == {"a": {"x": 1}, "b": {"x": 2}}


def test_every_key_that_is_there_twice() -> None:
    """A key that is there twice is a fault with both lines, anywhere and all of them at once."""
    text = "a: 1\nb: {c: 1, c: 2}\nd: [{e: 1, e: 1}]\na: 2\n"

    assert faults_of(text) == (
        "b.c: is there twice, in line 2 and line 2",
        "d.0.e: is there twice, in line 3 and line 3",
        "a: is there twice, in line 1 and line 4",
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("- a\n", "(top level): must be a mapping of keys"),
        ("1: a\n", "(top level): the key in line 1 must be text (put it in quotes)"),
        ("a: {no: 1}\n", "a: the key in line 1 must be text (put it in quotes)"),
        ("[a]: 1\n", "(top level): the key in line 1 must be text (put it in quotes)"),
    ],
    ids=["list", "number as key", "boolean as key", "list as key"],
)
def test_no_mapping(text: str, fault: str) -> None:
    """What is no mapping of texts is a fault."""
    assert faults_of(text) == (fault,)


def test_empty_file() -> None:
    """A file with nothing but comments is a mapping without keys."""
    assert parse("# nothing\n") == {}


@pytest.mark.sec("LOG-02")
def test_no_yaml() -> None:
    """Text that is no YAML is a fault with its line, without the text of the line."""
    (fault,) = faults_of("secrets:\n  - CANARY: [\n")

    assert fault.startswith("line 3, column 1: is not valid YAML")
    assert "CANARY" not in fault


@pytest.mark.parametrize(
    "text", ["a: !!python/name:os.system x\n", "a: " + "[" * 5000 + "]" * 5000, "a: *nowhere\n", "a: \0\n"]
)
def test_dangerous_yaml(text: str) -> None:
    """Tags that make objects, endless nesting and unknown anchors are faults."""
    assert "is not valid YAML" in faults_of(text)[0]


def test_fill() -> None:
    """Variables are filled in anywhere in a text, and $${ is ${ itself."""
    filler = Filler({"USER": "ann", "PASSWORD": "s3cret-one"})

    filled = filler.fill({"url": "db://${USER}:${PASSWORD}@host", "list": ["$${USER}", 5, "plain", "a$b"], "n": None})

    assert filled == {"url": "db://ann:s3cret-one@host", "list": ["${USER}", 5, "plain", "a$b"], "n": None}
    assert filler.faults == []
    assert filler.values == {"ann", "s3cret-one"}


def test_fill_once() -> None:
    """What a variable holds is not filled in again."""
    assert Filler({"A": "${B}", "B": "x"}).fill("${A}") == "${B}"


def test_fill_from_file(tmp_path: Path) -> None:
    """A file's content stands for the whole value, and remembers its file."""
    path = tmp_path / "key"
    path.write_text("content\n")

    filled = Filler({}).fill(f"${{file:{path}}}")

    assert isinstance(filled, Filled)
    assert filled == "content"
    assert filled.path == path


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("${NOPE}", "the environment variable NOPE is not set"),
        ("${file:/does/not/exist}", "the file /does/not/exist can't be read: No such file or directory"),
        ("a ${file:/etc/hostname}", "${file:…} must be the whole value"),
        ("${not a name}", "${…} must hold the name of an environment variable or file:/path"),
        ("${}", "${…} must hold the name of an environment variable or file:/path"),
        ("a ${ b", "has a ${ without its }; write $${ for the characters themselves"),
    ],
    ids=["variable", "file", "part", "name", "nothing", "open"],
)
def test_fill_faults(text: str, sentence: str) -> None:
    """What can't be filled in is a fault at its key path."""
    filler = Filler({})
    filler.fill({"a": {"b": [text]}})

    assert filler.faults == [f"a.b.0: {sentence}"]
    assert filler.missing == {"a.b.0"}


@pytest.mark.sec("LOG-02")
def test_fill_from_binary_file(tmp_path: Path) -> None:
    """A file that is no text is a fault that doesn't show it."""
    path = tmp_path / "key"
    path.write_bytes(b"CANARY\xff")
    filler = Filler({})

    filler.fill({"a": f"${{file:{path}}}"})

    assert filler.faults == [f"a: the file {path} can't be read: it is not UTF-8 text"]


@pytest.mark.parametrize(
    ("below", "above", "merged"),
    [
        ({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}}, {"a": {"x": 1, "y": 3}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"x": 1}, "b": 2}, {"a": None}, {"b": 2}),
        ({"a": 1}, {"a": None, "b": {"x": 1}}, {"a": None, "b": {"x": 1}}),
        ({"p": {"kind": "ldap", "x": 1}}, {"p": {"kind": "local"}}, {"p": {"kind": "local"}}),
        ({"p": {"kind": "ldap", "x": 1}}, {"p": {"y": 2}}, {"p": {"kind": "ldap", "x": 1, "y": 2}}),
    ],
    ids=["deep", "list", "taken away", "null", "other kind", "same kind"],
)
def test_merge(below: dict[str, Any], above: dict[str, Any], merged: dict[str, Any]) -> None:
    """Blocks are merged key by key, everything else is replaced."""
    before = repr(below)

    assert merge(below, above) == merged
    assert repr(below) == before


def test_merge_keeps_the_order() -> None:
    """Providers and roles stay in the order of the file."""
    assert list(merge({"b": 1, "a": {"x": 1}}, {"a": {"y": 1}, "c": 1})) == ["b", "a", "c"]
