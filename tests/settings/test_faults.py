"""Faults as sentences for people, without the value."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import pytest
from pydantic import AfterValidator, Field, ValidationError, model_validator

from onegov_auth.settings.faults import keys, sentences, unknown, without
from onegov_auth.settings.types import Duration, Section


def _refuse(value: str) -> str:
    raise ValueError("is never right")


class Inner(Section):
    """A block in a block."""

    limit: int = Field(1, ge=1, le=3)
    choice: Literal["a", "b"] = "a"
    wait: Duration | None = None


class Together(Section):
    """A block whose keys depend on each other."""

    first: str = ""

    @model_validator(mode="after")
    def _both(self) -> Self:
        raise ValueError(self.first)


class Block(Section):
    """A block with a rule of every kind."""

    need: str
    inner: Inner | None = None
    other: Inner = Inner()
    both: Together | None = None
    named: str = Field("a", alias="given", pattern="^a+$", max_length=3)
    some: tuple[str, ...] = Field((), max_length=1)
    never: Annotated[str, AfterValidator(_refuse)] = ""
    odd: complex = 0j


def faults_of(prefix: str = "", **raw: Any) -> list[str]:
    """The sentences about a block with these keys."""
    with pytest.raises(ValidationError) as caught:
        Block.model_validate({"need": "x", **raw})
    return list(sentences(caught.value, Block, prefix))


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        ({"need": 5}, "need: must be text (put it in quotes)"),
        ({"inner": 5}, "inner: must be a block of keys"),
        ({"inner": {"limit": 0}}, "inner.limit: must be at least 1"),
        ({"inner": {"limit": 9}}, "inner.limit: must be at most 3"),
        ({"inner": {"choice": "c"}}, "inner.choice: must be one of 'a' or 'b'"),
        ({"inner": {"wait": "soon"}}, "inner.wait: must be a duration such as 30s, 10m, 12h or 14d"),
        ({"given": "b"}, "given: must look like ^a+$"),
        ({"given": "aaaa"}, "given: must have at most 3 characters"),
        ({"some": "a"}, "some: must be a list"),
        ({"some": ["a", "b"]}, "some: must have at most 1 entries"),
        ({"some": [False]}, "some.0: must be text (put it in quotes)"),
        ({"never": "x"}, "never: is never right"),
        ({"both": {"first": "first.x: needs another"}}, "both.first.x: needs another"),
        ({"both": {"first": "second: needs another"}}, "both: second: needs another"),
        ({"both": {"first": "does not fit"}}, "both: does not fit"),
        ({"odd": "x"}, "odd: is not understood"),
        ({"nede": 1}, "nede: is unknown; did you mean need?"),
        ({"giveen": 1}, "giveen: is unknown; did you mean given?"),
        ({"inner": {"limmit": 1}}, "inner.limmit: is unknown; did you mean limit?"),
        ({"other": {"zzz": 1}}, "other.zzz: is unknown (known: choice, limit, wait)"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_sentences(raw: dict[str, Any], fault: str) -> None:
    """A fault is a sentence for people that begins with its key path."""
    assert faults_of(**raw) == [fault]


def test_missing() -> None:
    """A key that is missing is said to be required, below the prefix of its block."""
    with pytest.raises(ValidationError) as caught:
        Block.model_validate({})

    assert list(sentences(caught.value, Block, "a.b")) == ["a.b.need: is required"]


@pytest.mark.sec("LOG-02")
@pytest.mark.parametrize("key", ["inner", "given", "some", "never", "odd", "other"])
def test_values_are_not_shown(key: str) -> None:
    """Whatever is wrong with a value, it is not in the sentence."""
    assert "CANARY" not in str(faults_of(**{key: "CANARY"}))


def test_unknown_without_any_known() -> None:
    """Of an unknown key in a block without keys nothing more is said."""
    assert unknown("a", []) == "is unknown"


def test_keys() -> None:
    """The keys are those of the file, not of the code."""
    assert list(keys(Block)) == ["need", "inner", "other", "both", "given", "some", "never", "odd"]


@pytest.mark.sec("LOG-02")
def test_without() -> None:
    """Values from outside are blanked out of the sentence, but not out of its key path."""
    fault = "secret-one.key: has secret-one and secret-one-two, not a"

    assert without(fault, {"secret-one", "secret-one-two", "a", ""}) == "secret-one.key: has … and …, not a"
