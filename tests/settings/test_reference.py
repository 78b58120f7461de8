"""The page docs/reference/configuration.md and the settings say the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel

from onegov_auth.settings import ProviderSettings, Secret, Settings
from onegov_auth.settings.plugins import provider_settings

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"

#: What is written by hand, because the model has no such key or no plain default.
BY_HAND = {"providers": "{local: {kind: local}}", "tenants": "{}"}

UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def model_in(annotation: Any) -> type[BaseModel] | None:
    """The block that a key may hold."""
    if get_origin(annotation) in {Union, UnionType}:
        return next(filter(None, map(model_in, get_args(annotation))), None)
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def duration(value: timedelta) -> str:
    """A length of time with the largest unit that fits."""
    seconds = int(value.total_seconds())
    unit, size = next((unit, size) for unit, size in UNITS if seconds % size == 0)
    return f"{seconds // size}{unit}" if seconds else "0"


def written(value: Any) -> str:
    """A default as the page writes it."""
    if isinstance(value, timedelta):
        return duration(value)
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(written, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return "null" if value is None else str(value) or '""'


def expected(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every key of a block with its default."""
    for name, field in model.model_fields.items():
        key = prefix + (field.alias or name)
        default = "required" if field.is_required() else field.get_default(call_default_factory=True)
        block = model_in(field.annotation)
        if block is None or not isinstance(default, BaseModel):
            yield key, BY_HAND.get(key) or written(default)
        if block is not None:
            yield from expected(block, f"{key}.")


@cache
def sections() -> dict[str, dict[str, tuple[str, str]]]:
    """Heading to key to its default and its meaning."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    heading = ""
    for line in PAGE.read_text("utf-8").splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        row = re.fullmatch(r"\| `([^`]+)` \| (?:`([^`]+)`|(required)) \| (.*) \|", line)
        if row:
            found.setdefault(heading, {})[row[1]] = (row[2] or row[3], row[4])
    return found


def documented(*headings: str) -> dict[str, str]:
    """Every key below these headings with its default."""
    return {key: default for name in headings for key, (default, _) in sections()[name].items()}


GENERAL = [name for name in sections() if not name.startswith("Provider")]


def test_every_key() -> None:
    """Every key of the settings stands on the page with its default, and no other does."""
    found = documented(*GENERAL) | {"providers": BY_HAND["providers"]}

    assert found == dict(expected(Settings)) | {"tenants": BY_HAND["tenants"]}


def test_every_key_of_all_providers() -> None:
    """Every key that all providers share stands on the page with its default."""
    found = documented("Providers")

    assert found.pop("providers") == BY_HAND["providers"]
    assert found == dict(expected(ProviderSettings))


@pytest.mark.parametrize("kind", ["ldap", "oidc"])
def test_every_key_of_a_kind(kind: str) -> None:
    """Every key of a provider of ours stands on the page with its default."""
    found = documented(f"Provider kind {kind}")

    assert documented("Providers") | found == dict(expected(provider_settings(kind))) | {
        "providers": BY_HAND["providers"]
    }


def test_every_key_has_a_meaning() -> None:
    """No row of the page is without a meaning."""
    empty = [key for rows in sections().values() for key, (_, meaning) in rows.items() if len(meaning) < 5]

    assert empty == []


def test_nothing_comes_later() -> None:
    """Every key of the core does what its row says."""
    assert [key for name in GENERAL for key, (_, meaning) in sections()[name].items() if "*Later.*" in meaning] == []


@pytest.mark.parametrize("sample", re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL))
def test_samples(sample: str) -> None:
    """Every sample is YAML with keys that exist."""
    known = {field.alias or name for name, field in Settings.model_fields.items()} | {"tenants"}

    assert yaml.safe_load(sample).keys() <= known
