"""From a file or a mapping to settings, or to every fault at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any, ClassVar

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


def test_smallest(raw: dict[str, Any]) -> None:
    """Three keys are enough, and the rest has the documented defaults."""
    settings = settings_from(raw)

    assert settings.application == "main/app"
    assert settings.namespace == "main"
    assert settings.cookie_name == "__Host-main-app-auth"
    assert list(settings.providers) == ["local"]
    assert isinstance(settings.providers["local"], LocalSettings)
    assert settings.attempts.per_address is not None
    assert (settings.pending, settings.tenants, settings.source) == ((), (), None)


def test_everything_is_an_attribute(raw: dict[str, Any]) -> None:
    """Attributes are named and nested like the keys."""
    settings = settings_from(
        {
            **raw,
            "base_url": "https://host/",
            "schema": "tenant-one",
            "database": "postgresql://host/db",
            "trusted_proxies": ["10.0.0.0/8", "::1"],
            "sessions": {"idle": "10m"},
            "attempts": {"login": {"limit": 3}, "per_address": False},
            "roles": {"boss": ["Secret"], "guest": ["Public"]},
        }
    )

    assert settings.base_url == "https://host"
    assert settings.schema_name == "tenant-one"
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1"))
    assert settings.sessions.idle == timedelta(minutes=10)
    assert settings.attempts.login.limit == 3
    assert settings.attempts.login.lockout == timedelta(hours=1)
    assert settings.attempts.per_address is None
    assert list(settings.roles.items()) == [("boss", ("Secret",)), ("guest", ("Public",))]


def test_from_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is read with the variables of the process."""
    monkeypatch.setenv("AUTH_TEST_SECRET", SECRET)
    path = tmp_path / "auth.yml"
    path.write_text("base_url: https://host\ndatabase: 'sqlite://'\nsecrets: ['${AUTH_TEST_SECRET}']\n")

    settings = load_settings(path)

    assert settings.secrets == (Secret(SECRET),)
    assert settings.source == str(path)


@pytest.mark.parametrize(
    ("content", "fault"),
    [(None, "(top level): can't be read: No such file or directory"), (b"\xff", "(top level): is not UTF-8 text")],
)
def test_unreadable_file(tmp_path: Path, content: bytes | None, fault: str) -> None:
    """A file that can't be read is a fault."""
    path = tmp_path / "auth.yml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(SettingsError, match=r"auth\.yml") as caught:
        load_settings(path)

    assert caught.value.faults == (fault,)


def test_empty_file(tmp_path: Path) -> None:
    """An empty file lacks what is required."""
    path = tmp_path / "auth.yml"
    path.write_text("")

    with pytest.raises(SettingsError) as caught:
        load_settings(path)

    assert caught.value.faults == (
        "base_url: is required",
        "database: is required",
        "secrets: is required",
    )


def test_secret_file_is_read_again(raw: dict[str, Any], tmp_path: Path) -> None:
    """A secret from a file changes with it."""
    path = tmp_path / "secret"
    path.write_text(SECRET)
    settings = settings_from({**raw, "secrets": [f"${{file:{path}}}"]})

    path.write_text(SECRET * 2 + "\n")

    assert settings.secrets[0].reveal() == SECRET * 2


def test_missing_variable(raw: dict[str, Any]) -> None:
    """A missing variable is one fault, and nothing else is said of its key."""
    changed = {**raw, "secrets": ["${NOPE}"], "sessions": {"idle": "${NOPE}"}, "titel": "x"}

    with pytest.raises(SettingsError) as caught:
        settings_from(changed, environ={})

    assert caught.value.faults == (
        "secrets.0: the environment variable NOPE is not set",
        "sessions.idle: the environment variable NOPE is not set",
        "titel: is unknown; did you mean title?",
    )


def test_variables_elsewhere(raw: dict[str, Any]) -> None:
    """Numbers, switches, durations and parts of texts come from the environment, too."""
    settings = settings_from(
        {
            **raw,
            "title": "The ${NAME} of $${NAME}",
            "sessions": {"max_per_user": "${COUNT}", "idle": "${IDLE}"},
            "registration": {"enabled": "${ON}"},
        },
        environ={"NAME": "App", "COUNT": "3", "IDLE": "600", "ON": "true"},
    )

    assert settings.title == "The App of ${NAME}"
    assert settings.sessions.max_per_user == 3
    assert settings.sessions.idle == timedelta(minutes=10)
    assert settings.registration.enabled is True


@pytest.mark.sec("LOG-02")
def test_no_secret_is_shown(raw: dict[str, Any]) -> None:
    """No fault shows a secret or a variable, whatever is wrong and wherever it stands."""
    canary = "CANARY-" + SECRET
    changes: dict[str, Any] = {
        "base_url": canary,
        "database": f"nothing://user:{canary}@host/db",
        "secrets": [canary[:20], {"a": canary}, "${SECRET}" * 2, "${SECRET}" * 2],
        "title": [canary],
        "language": canary,
        "redis": canary,
        "trusted_proxies": [canary, "${SECRET}"],
        "sessions": {"idle": canary, "max_per_user": "${SECRET}"},
        "cookies": {"secure": "${SECRET}", "name": canary + " "},
        "roles": {"admin": [canary]},
        "mail": {"url": canary, "sender": canary},
        "second_factors": {"yubikey": {"client_id": "", "secret_key": [canary], "urls": [canary]}},
        "providers": {"staff": {"kind": "directory", "server": [canary], "password": 5, "link": canary}},
        "tenants": {"a/b": canary},
    }

    with pytest.raises(SettingsError) as caught:
        settings_from({**raw, **changes}, environ={"SECRET": canary}, provider_settings=kinds)

    assert len(caught.value.faults) >= 18
    assert "CANARY" not in str(caught.value)


@pytest.mark.sec("LOG-02")
def test_good_settings_show_no_secret(raw: dict[str, Any]) -> None:
    """Neither printing nor dumping settings shows a secret."""
    settings = settings_from(
        {**raw, "database": "sqlite:///CANARY", "redis": "redis://:CANARY@host", "secrets": [SECRET + "CANARY"]}
    )

    assert "CANARY" not in f"{settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()}"


@pytest.mark.parametrize(
    ("block", "fault"),
    [
        (None, "providers.x: must be a block of keys"),
        ({}, "providers.x.kind: is required"),
        ({"kind": 5}, "providers.x.kind: must be text (put it in quotes)"),
        ({"kind": "kerberos"}, 'providers.x.kind: unknown kind "kerberos"; pip install onegov-auth-kerberos'),
        ({"kind": "directory"}, "providers.x.server: is required"),
        ({"kind": "directory", "server": "a", "sever": "b"}, "providers.x.sever: is unknown; did you mean server?"),
        ({"kind": "directory", "server": "a", "provision": "no"}, "providers.x.provision: must be true or false"),
    ],
    ids=["null", "empty", "number", "kind", "missing", "unknown", "switch"],
)
def test_provider_faults(raw: dict[str, Any], block: object, fault: str) -> None:
    """A provider's block is checked by its kind, and the fault says where it is."""
    with pytest.raises(SettingsError) as caught:
        settings_from({**raw, "providers": {"x": block}}, provider_settings=kinds)

    assert caught.value.faults == (fault,)


def test_providers_that_are_no_block(faults: Faults) -> None:
    """A list of providers is a fault."""
    assert faults(providers=["local"]) == ("providers: must be a block of keys",)


def test_installed_kinds(faults: Faults) -> None:
    """Without being told, the installed kinds are known."""
    (fault,) = faults(providers={"x": {"kind": "saml"}})

    assert fault.startswith('providers.x.kind: unknown kind "saml" (installed: ')


def test_default_roles_of_a_kind(raw: dict[str, Any]) -> None:
    """A kind's default mapping names only roles that exist; a written one stays as it is."""
    roles = {"member": ["Public"], "guest": ["Public"]}
    blocks = {
        "one": {"kind": "directory", "server": "a"},
        "two": {"kind": "directory", "server": "a", "roles": {"guest": ["g"]}},
    }

    settings = settings_from({**raw, "roles": roles, "providers": blocks}, provider_settings=kinds)

    assert settings.providers["one"].roles == {"member": ("*",)}
    assert settings.providers["two"].roles == {"guest": ("g",)}
    assert list(settings.providers) == ["one", "two"]


def test_everything_at_once(faults: Faults) -> None:
    """What is whole is checked against the rest, whatever is wrong beside it in the same block."""
    found = faults(
        sessions={"idle": "soon", "lifetime": "20d", "remember": "1d"},
        second_factors={"required_for": ["boss"], "totp": {"drift": "x"}},
        providers={
            "one": {"kind": "any", "roles": {"boss": ["*"]}, "colour": "red"},
            "two": {"kind": "any", "default_role": "chef", "link": "verified_email", "link_domains": 5},
        },
        mail={"url": 5},
        sms={},
    )

    paths = [fault.partition(": ")[0] for fault in found]
    assert len(paths) == len(set(paths))
    assert {
        "sessions.idle",
        "sessions.remember",
        "second_factors.required_for.0",
        "providers.one.colour",
        "providers.one.roles.boss",
        "providers.two.default_role",
        "providers.two.link_domains",
        "mail.url",
    } <= set(paths)


@pytest.mark.parametrize(
    "changes",
    [
        {"sessions": {"lifetime": "long", "remember": "1h", "idle": "13h"}},
        {"roles": {"boss": ["Nothing"]}, "privileged_roles": ["boss"]},
        {"sms": {}, "title": "x"},
        {"providers": {"one": {"kind": "any", "roles": 5, "default_role": "admin"}}},
        {"providers": {"one": {"kind": "any", "link": "verified_email", "link_domains": 5}}},
    ],
    ids=["lifetime", "roles", "missing", "provider", "links"],
)
def test_nothing_follows_from_a_fault(faults: Faults, changes: dict[str, Any]) -> None:
    """What can't be read is told once, and no default in its place is compared with anything."""
    assert len(faults(**changes)) == 1


def test_no_tenants(raw: dict[str, Any]) -> None:
    """An empty block of tenants has none."""
    assert settings_from({**raw, "tenants": None}).tenants == ()


def test_pending_of_what_was_written(raw: dict[str, Any]) -> None:
    """Only what was switched on in the file is pending, tenants included."""

    class Early(ProviderSettings):
        """A kind with a key whose feature comes later."""

        later: ClassVar = {"sync": ("the sync", False)}
        sync: bool = True

    raw = {
        **raw,
        "providers": {"one": {"kind": "early"}},
        "tenants": {"a/b": {"providers": {"two": {"kind": "early", "sync": True}}}},
    }

    assert [item.key for item in settings_from(raw, "a/b", provider_settings=lambda _: Early).pending] == [
        "providers.two.sync"
    ]
    assert settings_from(raw, provider_settings=lambda _: Early).pending == ()
