"""The JSON Schema and the reference configuration."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from onegov_auth.errors import RegistryError
from onegov_auth.settings import ProviderSettings, settings_from
from onegov_auth.settings.schema import settings_schema

EXAMPLE = Path(__file__).parents[2] / "docs" / "reference" / "auth.example.yml"

VARIABLES = {
    "AUTH_SECRET": "k3Jx-9vQm2_tR7wZp5LcY8sBn4GfH6dA1eUoVi0",
    "YUBICO_KEY": "c2VjcmV0",
    "LDAP_PASSWORD": "ldap-password",
    "OIDC_SECRET": "oidc-secret",
}


@cache
def schema() -> dict[str, Any]:
    """The schema of what is installed here."""
    return settings_schema()


def example() -> dict[str, Any]:
    """The reference configuration."""
    loaded: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text("utf-8"))
    return loaded


def wrong(changed: dict[str, Any]) -> list[str]:
    """Where the schema finds a fault."""
    return sorted(error.json_path for error in Draft202012Validator(schema()).iter_errors(changed))


def test_schema_is_one() -> None:
    """The schema is valid by the rules of its own dialect, and can be written as JSON."""
    Draft202012Validator.check_schema(schema())

    assert json.loads(json.dumps(schema())) == schema()


def test_example() -> None:
    """The schema accepts the reference configuration."""
    assert wrong(example()) == []


def test_example_loads() -> None:
    """The reference configuration has no fault, and its providers stay in order."""
    settings = settings_from(example(), environ=VARIABLES)

    assert list(settings.providers) == ["local", "staff", "company"]
    assert settings.tenants == ("example/other",)


def test_example_of_the_tenant_loads() -> None:
    """The tenant of the reference configuration has its own database and its own client."""
    settings = settings_from(example(), "example/other", environ=VARIABLES)

    assert settings.database.reveal() == "sqlite:///other.db"
    assert getattr(settings.providers["company"], "client_id", None) == "other-app"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", {"titel": "x"}),
        ("$.cookies.secure", {"cookies": {"secure": "no"}}),
        ("$.cookies", {"cookies": {"secur": True}}),
        ("$.sessions.idle", {"sessions": {"idle": "soon"}}),
        ("$.attempts.login.limit", {"attempts": {"login": {"limit": 101}}}),
        ("$.language", {"language": "klingon"}),
        ("$.roles.admin[0]", {"roles": {"admin": ["Everything"]}}),
        ("$.providers.local", {"providers": {"local": {"kind": "nothing"}}}),
        ("$.providers.staff", {"providers": {"staff": {"kind": "ldap", "sever": "x"}}}),
        ("$.tenants['a/b']", {"tenants": {"a/b": {"application": "c/d"}}}),
        ("$.tenants['a/b'].cookies", {"tenants": {"a/b": {"cookies": {"nam": "x"}}}}),
    ],
    ids=str,
)
def test_refused(path: str, value: dict[str, Any]) -> None:
    """The schema refuses what the loader refuses, at the same place."""
    assert wrong(example() | value) == [path]


@pytest.mark.parametrize(
    "value",
    [
        {"cookies": {"secure": "${SECURE}"}},
        {"sessions": {"idle": "${IDLE}", "max_per_user": "${file:/run/max}"}},
        {"language": "${LANGUAGE}"},
        {"attempts": {"per_address": False}},
        {"tenants": {"a": {"providers": {"staff": {"servers": ["ldaps://other"]}, "company": None}}}},
        {"database": "postgresql://user:${PASSWORD}@host/db"},
    ],
    ids=str,
)
def test_accepted(value: dict[str, Any]) -> None:
    """Variables may stand anywhere, and a tenant writes only what is different."""
    assert wrong(example() | value) == []


def test_kinds_handed_in() -> None:
    """The kinds can be handed in, with their settings."""
    made = settings_schema(["one"], lambda _: ProviderSettings)
    (block,) = made["properties"]["providers"]["additionalProperties"]["oneOf"]

    assert block["title"] == "one"
    assert block["properties"]["kind"] == {"const": "one"}


def test_unknown_kind() -> None:
    """An unknown kind is an error."""
    with pytest.raises(RegistryError, match='unknown kind "nothing"'):
        settings_schema(["nothing"])
