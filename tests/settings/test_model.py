"""The settings as a whole."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import pytest
from pydantic import ValidationError

from onegov_auth.settings import DEFAULT_ROLES, settings_from

Faults = Callable[..., tuple[str, ...]]


@pytest.mark.sec("COOKIE-01")
@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "__Host-main-app-auth"),
        ({"application": "town/wiki"}, "__Host-town-wiki-auth"),
        ({"cookies": {"name": "me"}}, "__Host-me"),
        ({"cookies": {"secure": False}, "base_url": "http://localhost"}, "main-app-auth"),
    ],
    ids=str,
)
def test_cookie_name(raw: dict[str, Any], changes: dict[str, Any], name: str) -> None:
    """The cookie has the prefix that keeps it to this host, and the application in its name."""
    assert settings_from({**raw, **changes}).cookie_name == name


def test_default_roles(raw: dict[str, Any]) -> None:
    """The default roles are those of onegov.core, in order of power."""
    roles = settings_from(raw).roles

    assert dict(roles) == dict(DEFAULT_ROLES)
    assert list(roles) == ["admin", "editor", "supporter", "member", "anonymous"]


def test_frozen(raw: dict[str, Any]) -> None:
    """Settings can't be changed, nor what is in them."""
    settings = settings_from(raw)

    with pytest.raises(ValidationError):
        settings.title = "x"  # type: ignore[misc]  # the type checker says the same
    assert not hasattr(settings.roles, "__setitem__")
    assert not hasattr(settings.providers, "__setitem__")


@pytest.mark.sec("HOST-05")
@pytest.mark.parametrize(
    ("network", "fault"),
    [
        ("0.0.0.0/0", "must not be the whole internet: name the networks of your proxies"),
        ("::/0", "must not be the whole internet: name the networks of your proxies"),
        ("10.0.0.1/8", "must be a network such as 10.0.0.0/8, with no bits set behind its length"),
        ("proxy", "must be a network such as 10.0.0.0/8, with no bits set behind its length"),
        (10, "must be a network such as 10.0.0.0/8, with no bits set behind its length"),
    ],
)
def test_trusted_proxies(faults: Faults, network: object, fault: str) -> None:
    """A trusted proxy is in a network, and not everybody is one."""
    assert faults(trusted_proxies=[network]) == (f"trusted_proxies.0: {fault}",)


def test_networks_as_they_are(raw: dict[str, Any]) -> None:
    """Settings that are made in code take networks."""
    network = ip_network("10.0.0.0/8")

    assert settings_from({**raw, "trusted_proxies": [network]}).trusted_proxies == (network,)


@pytest.mark.parametrize("schema", ["pg_catalog", "PG_x", "a,public", 'a"b', "1a", "", "x" * 64, "a b"])
def test_schema(faults: Faults, schema: str) -> None:
    """The name of a schema can't widen the search path, or be one of PostgreSQL's own."""
    (fault,) = faults(schema=schema, database="postgresql://host/db")

    assert fault.startswith("schema: must ")


def test_schema_that_was_not_named(raw: dict[str, Any]) -> None:
    """No schema is the default one."""
    assert settings_from({**raw, "schema": None}).schema_name is None


def test_code_names_are_no_keys(faults: Faults) -> None:
    """What the code calls a key is not one."""
    assert faults(schema_name="x") == ("schema_name: is unknown; did you mean schema?",)


@pytest.mark.parametrize("application", ["app", "a/b/c", "/b", "a/", "a b/c", "../x"])
def test_application(faults: Faults, application: str) -> None:
    """The application id has a namespace and a name."""
    (fault,) = faults(application=application)

    assert fault == "application: must be two names with a slash between, such as town/app"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"language": "es-MX"}, "language: must be one of 'en', 'de', 'fr', 'it', 'rm' or 'es'"),
        (
            {"roles": {"admin": ["Everything"]}},
            "roles.admin.0: must be one of 'Public', 'Personal', 'Private' or 'Secret'",
        ),
        ({"roles": ["admin"]}, "roles: must be a block of keys"),
        ({"secrets": "one"}, "secrets: must be a list"),
        ({"base_url": None}, "base_url: must be text (put it in quotes)"),
    ],
    ids=str,
)
def test_faults(faults: Faults, changes: dict[str, Any], fault: str) -> None:
    """A wrong value is a fault at its key path."""
    assert faults(**changes) == (fault,)
