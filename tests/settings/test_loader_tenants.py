"""From a file or a mapping to settings, or to every fault at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onegov_auth.errors import RegistryError, SettingsError
from onegov_auth.providers.local import LocalSettings
from onegov_auth.settings import ProviderSettings, Secret, load_settings, settings_from

SECRET = "k3Jx-9vQm2_tR7wZp5LcY8sBn4GfH6dA1eUoVi0"

Faults = Callable[..., tuple[str, ...]]


class Directory(ProviderSettings):
    """A kind with keys of its own and roles by default."""

    server: str
    password: Secret = Secret("")
    roles: dict[str, tuple[str, ...]] = {"admin": ("admins",), "member": ("*",)}  # noqa: RUF012 -- pydantic copies it


def kinds(kind: str) -> type[ProviderSettings]:
    """Two kinds, and what is said of any other."""
    if kind not in {"local", "directory"}:
        raise RegistryError(f'unknown kind "{kind}"; pip install onegov-auth-{kind}')
    return LocalSettings if kind == "local" else Directory


TENANTS = {
    "town": {"title": "Town", "sessions": {"idle": "10m"}, "registration": None},
    "town/wiki": {"title": "Wiki", "providers": {"staff": {"server": "two"}, "old": None}},
    "city/wiki": {"database": "sqlite:///city.db"},
}


@pytest.mark.parametrize(
    ("application", "title", "server", "names"),
    [
        ("main/app", "Base", "one", ["local", "staff", "old"]),
        ("town/news", "Town", "one", ["local", "staff", "old"]),
        ("town/wiki", "Wiki", "two", ["local", "staff"]),
    ],
)
def test_tenants(raw: dict[str, Any], application: str, title: str, server: str, names: list[str]) -> None:
    """A tenant's keys lie over the others: first those of its namespace, then its own."""
    providers = {
        "local": {"kind": "local"},
        "staff": {"kind": "directory", "server": "one"},
        "old": {"kind": "directory", "server": "old"},
    }
    base = {**raw, "title": "Base", "providers": providers, "registration": {"enabled": True}, "tenants": TENANTS}

    settings = settings_from(base, application, provider_settings=kinds)
    staff = settings.providers["staff"]

    assert settings.application == application
    assert settings.title == title
    assert isinstance(staff, Directory)
    assert staff.server == server
    assert list(settings.providers) == names
    assert settings.registration.enabled is (application == "main/app")
    assert settings.tenants == ("town", "town/wiki", "city/wiki")


@pytest.mark.parametrize(
    ("tenants", "application", "fault"),
    [
        (
            {"town/wiki": {}},
            "town/wikki",
            "there is no tenant town/wikki; did you mean town/wiki? There are town/main, town/wiki",
        ),
        (
            {"city": {}, "town/main": {}, "city/a": {}},
            "land/app",
            "there is no tenant land/app; there are town/main, city/a, any of city/",
        ),
        (None, "x/y", "there is no tenant x/y; there are town/main"),
    ],
    ids=["typo", "namespace", "none"],
)
def test_unknown_tenant(raw: dict[str, Any], tenants: object, application: str, fault: str) -> None:
    """A tenant that nothing names is a fault, and never the file's own application under another name."""
    with pytest.raises(SettingsError) as caught:
        settings_from({**raw, "application": "town/main", "tenants": tenants}, application)

    assert caught.value.faults == (f"application: {fault}",)


def test_unknown_tenant_of_a_file(tmp_path: Path) -> None:
    """A file that names neither an application nor tenants is that of main/app alone."""
    path = tmp_path / "auth.yml"
    path.write_text(f"base_url: https://host\ndatabase: 'sqlite://'\nsecrets: [{SECRET}]\n")

    assert load_settings(path, "main/app").application == "main/app"
    with pytest.raises(SettingsError, match="there is no tenant main/other; there are main/app"):
        load_settings(path, "main/other")


def test_application_from_a_variable(raw: dict[str, Any]) -> None:
    """An application id that stands in the environment has its tenant's keys, and may be named."""
    base = {**raw, "application": "${APP}", "tenants": {"a/b": {"title": "B"}}}

    assert settings_from(base, environ={"APP": "a/b"}).title == "B"
    assert settings_from(base, "c/d", environ={"APP": "c/d"}).application == "c/d"


def test_tenant_named_in_the_file(raw: dict[str, Any]) -> None:
    """The file's own application gets its tenant's keys as well."""
    settings = settings_from({**raw, "application": "city/wiki", "tenants": TENANTS})

    assert settings.database == Secret("sqlite:///city.db")


def test_tenants_do_not_share_variables(raw: dict[str, Any]) -> None:
    """A variable that only another tenant needs may be missing."""
    tenants = {"a/b": {"title": "${NOPE}"}}

    assert settings_from({**raw, "tenants": tenants}, environ={}).title == "onegov_auth"


@pytest.mark.parametrize(
    ("tenants", "expected"),
    [
        (["a/b"], ("tenants: must be a block of application ids or namespaces",)),
        ({"a/b": "x"}, ("tenants.a/b: must be a block of keys",)),
        ({"a/b": {"titel": "x"}}, ("tenants.a/b.titel: is unknown; did you mean title?",)),
    ],
    ids=["list", "text", "unknown"],
)
def test_tenant_faults(faults: Faults, tenants: object, expected: tuple[str, ...]) -> None:
    """A wrong tenant is a fault even when another one is started."""
    assert faults(tenants=tenants) == expected


@pytest.mark.parametrize("key", ["application", "tenants"])
def test_tenant_keys_that_make_no_sense(faults: Faults, key: str) -> None:
    """A tenant can't be another application or have tenants."""
    (fault,) = faults(tenants={"a/b": {key: "x/y"}})

    assert fault.startswith(f"tenants.a/b.{key}: is unknown")


def test_faults_of_a_tenants_block(raw: dict[str, Any]) -> None:
    """A fault is told at the place where the value was written: the tenant's block, its namespace's, or the file."""
    tenants = {
        "a": {"language": "xx", "redis": "${NOPE}"},
        "a/b": {"sessions": {"idle": "soon"}, "privileged_roles": ["boss"]},
    }

    with pytest.raises(SettingsError) as caught:
        settings_from({**raw, "title": 5, "tenants": tenants}, "a/b", environ={})

    assert [fault.partition(": ")[0] for fault in caught.value.faults] == [
        "tenants.a.redis",
        "title",
        "tenants.a.language",
        "tenants.a/b.sessions.idle",
        "tenants.a/b.privileged_roles.0",
    ]


def test_the_mapping_is_not_changed(raw: dict[str, Any]) -> None:
    """What was handed in stays as it was."""
    before = repr(raw | {"tenants": TENANTS})
    handed: dict[str, Any] = raw | {"tenants": TENANTS}

    settings_from(handed, "city/wiki")

    assert repr(handed) == before
