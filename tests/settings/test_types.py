"""Durations, secrets, and blocks."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from onegov_auth.settings.types import Duration, Filled, FrozenMap, Secret, Section


class Block(Section):
    """A block with every kind of key."""

    flag: bool = False
    number: int = 0
    maybe: bool | None = None
    secret: Secret = Secret("none")
    many: FrozenMap[str, int] = Field(default_factory=dict)


durations: TypeAdapter[timedelta] = TypeAdapter(Duration)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("10m", 600),
        ("12 h", 43200),
        ("14d", 1209600),
        ("2w", 1209600),
        (90, 90),
        (Filled("45"), 45),
        (0, 0),
    ],
    ids=str,
)
def test_duration(text: object, seconds: int) -> None:
    """A duration is a number with a unit, or seconds."""
    assert durations.validate_python(text) == timedelta(seconds=seconds)


def test_duration_as_it_is() -> None:
    """A timedelta stays what it is, and is written with its unit."""
    value = durations.validate_python(timedelta(minutes=2))

    assert value == timedelta(minutes=2)
    assert durations.dump_python(value) == "120s"


@pytest.mark.parametrize("text", ["", "soon", "10", "-5m", "5 minutes", True, -5, None, 1.5, "١٠m"], ids=str)
def test_duration_refused(text: object) -> None:
    """Anything else is no duration."""
    with pytest.raises(ValidationError, match="must be a duration such as 30s"):
        durations.validate_python(text)


def test_duration_too_long() -> None:
    """A duration that can't be counted is a fault, not a crash."""
    with pytest.raises(ValidationError, match="longer than time"):
        durations.validate_python("999999999999w")


@pytest.mark.parametrize("value", ["no", "yes", 1, 0, "true", 1.0, []], ids=repr)
def test_flag_is_exact(value: object) -> None:
    """Only true and false are true and false."""
    with pytest.raises(ValidationError, match="must be true or false"):
        Block.model_validate({"flag": value})


@pytest.mark.parametrize("value", ["5", True, 5.0, "0x5"], ids=repr)
def test_number_is_exact(value: object) -> None:
    """Only a whole number is one."""
    with pytest.raises(ValidationError, match="must be a whole number"):
        Block.model_validate({"number": value})


def test_flag_or_nothing() -> None:
    """A flag that may be missing takes null, and no text."""
    assert Block.model_validate({"maybe": None}).maybe is None
    with pytest.raises(ValidationError, match="must be true or false"):
        Block.model_validate({"maybe": "no"})


def test_filled_in() -> None:
    """What came from the environment is text, and is read as what the key wants."""
    block = Block.model_validate({"flag": Filled("True"), "number": Filled("-7")})

    assert block.flag is True
    assert block.number == -7


@pytest.mark.parametrize("changes", [{"flag": Filled("nope")}, {"number": Filled("many")}], ids=str)
def test_filled_in_wrongly(changes: dict[str, object]) -> None:
    """A variable that holds something else is a fault."""
    with pytest.raises(ValidationError):
        Block.model_validate(changes)


def test_empty_block() -> None:
    """A block whose keys are all commented out has its defaults."""
    assert Block.model_validate(None) == Block()


def test_frozen() -> None:
    """Neither a key nor what is in a mapping can be changed."""
    block = Block.model_validate({"many": {"b": 1, "a": 2}})

    assert list(block.many) == ["b", "a"]
    assert block.model_dump()["many"] == {"b": 1, "a": 2}
    assert not hasattr(block.many, "__setitem__")
    with pytest.raises(ValidationError):
        block.number = 3  # type: ignore[misc]  # the type checker says the same


@pytest.mark.sec("LOG-02")
def test_secret_is_never_shown(tmp_path: Path) -> None:
    """Neither a secret nor a block with one shows it, nor does dumping it."""
    block = Block(secret=Secret("CANARY"))
    shown = f"{block!r} {block} {block.model_dump()} {block.model_dump_json()} {block.secret:}"

    assert "CANARY" not in shown
    assert block.secret.reveal() == "CANARY"


def test_secret_must_be_text() -> None:
    """A number is no secret: YAML may have changed it on the way."""
    with pytest.raises(ValidationError, match="must be text"):
        Block.model_validate({"secret": 12345})


def test_secret_from_file(tmp_path: Path) -> None:
    """A secret from a file is its content without the line end."""
    path = tmp_path / "secret"
    path.write_text("first\r\n")

    block = Block.model_validate({"secret": Filled("first", path)})

    assert block.secret.reveal() == "first"
    assert block.secret == Secret("first")
    assert hash(block.secret) != hash(Secret("first"))


@pytest.mark.sec("ASVS-13.3.4")
def test_secret_file_changes(tmp_path: Path) -> None:
    """A changed file is read again."""
    path = tmp_path / "secret"
    path.write_text("first")
    secret = Secret(path=path)

    path.write_text("second one")

    assert secret.reveal() == "second one"


def test_secret_file_vanishes(tmp_path: Path) -> None:
    """A file that is being replaced, gone or empty for a moment, leaves the last value."""
    path = tmp_path / "secret"
    path.write_text("first")
    secret = Secret(path=path)

    path.write_text("\n")
    assert secret.reveal() == "first"
    path.unlink()
    assert secret.reveal() == "first"
    path.write_text("next")
    assert secret.reveal() == "next"


def test_secret_file_missing(tmp_path: Path) -> None:
    """A file that never was there can't be a secret."""
    with pytest.raises(OSError, match="No such file"):
        Secret(path=tmp_path / "nothing")


def test_secret_unchanged_file_is_read_once(tmp_path: Path) -> None:
    """As long as its time and size are the same, the file is not read again."""
    path = tmp_path / "secret"
    path.write_text("first")
    secret = Secret(path=path)
    stat = path.stat()
    path.write_text("other")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    assert secret.reveal() == "first"


def test_secrets_compare() -> None:
    """Secrets are equal by value, and to nothing else."""
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert copy.copy(Secret("a")) == Secret("a")


def test_json_schema() -> None:
    """An editor is told of a secret that it is one, and of a duration how it is written."""
    properties = Block.model_json_schema()["properties"]

    assert properties["secret"]["writeOnly"] is True
    assert durations.json_schema()["anyOf"][0]["type"] == "string"


def test_mapping_type() -> None:
    """A frozen mapping reads like any other."""
    many: Mapping[str, int] = Block.model_validate({"many": {"a": 1}}).many

    assert dict(many) == {"a": 1}
