"""What blocks of the settings say of each other."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from onegov_auth.errors import SettingsError
from onegov_auth.settings import ProviderSettings, settings_from


class Front(ProviderSettings):
    """A kind that can be in front."""

    primary: bool = False
    auto_login: bool = False
    domains: tuple[str, ...] = ()


Faults = Callable[..., tuple[str, ...]]

LONG = "Zk8-pQ2_vN5xW1cR7tY4uB9mL3sD6fG0hJ"


@pytest.mark.parametrize(
    "url",
    [
        "https://app.example.org",
        "https://app.example.org/",
        "https://app.example.org:8443",
        "http://localhost:8080",
        "http://127.0.0.1",
        "http://[::1]:8080",
        "http://app.localhost",
    ],
)
def test_base_url(faults: Faults, url: str) -> None:
    """The address is https, or http on this machine."""
    assert faults(base_url=url) == ()


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("app.example.org", "base_url: must be an absolute address such as https://app.example.org"),
        ("ftp://app.example.org", "base_url: must be an absolute address such as https://app.example.org"),
        ("https://", "base_url: must be an absolute address such as https://app.example.org"),
        ("https://[::1", "base_url: is not an address"),
        ("https://host:99999", "base_url: is not an address"),
        ("https://host/path", "base_url: must be scheme and host only: no path, no query, no user name or password"),
        ("https://host?a=b", "base_url: must be scheme and host only: no path, no query, no user name or password"),
        ("https://a:b@host", "base_url: must be scheme and host only: no path, no query, no user name or password"),
        ("https://ho st", "base_url: must be scheme and host only: no path, no query, no user name or password"),
        ("http://app.example.org", "base_url: must begin with https:// (http is for localhost only)"),
    ],
)
def test_base_url_refused(faults: Faults, url: str, fault: str) -> None:
    """Any other address is a fault."""
    assert faults(base_url=url) == (fault,)


@pytest.mark.sec("COOKIE-02")
def test_insecure_cookies(faults: Faults) -> None:
    """Cookies without TLS are for this machine only, whatever the address says."""
    fault = "cookies.secure: may be false on localhost only; on a network, anybody could read the session cookie"
    off = {"secure": False}

    assert faults(cookies=off, base_url="http://localhost:8080") == ()
    assert faults(cookies=off, base_url="https://app.example.org") == (fault,)
    assert fault in faults(cookies=off, base_url="http://10.0.0.1")


@pytest.mark.sec("ASVS-11.5.1")
@pytest.mark.parametrize("secret", ["", "short", "x" * 31], ids=["empty", "short", "31"])
def test_short_secret(faults: Faults, secret: str) -> None:
    """A secret has at least 32 characters, and the fault names a command that makes one."""
    (fault,) = faults(secrets=[LONG, secret])

    assert fault.startswith("secrets.1: must have at least 32 characters; make one with: python -c")


@pytest.mark.parametrize("secret", ["x" * 64, "changeme" * 8], ids=["one letter", "placeholder"])
def test_simple_secret(faults: Faults, secret: str) -> None:
    """A placeholder that was made long is no secret."""
    (fault,) = faults(secrets=[secret])

    assert fault.startswith("secrets.0: is too simple to be a secret")


def test_same_secret_twice(faults: Faults) -> None:
    """A rotation that changes nothing is a fault."""
    assert faults(secrets=[LONG, LONG]) == ("secrets: the same secret is there twice",)


def test_no_secret(faults: Faults) -> None:
    """Without a secret nothing can be signed."""
    assert faults(secrets=[]) == ("secrets: must have at least 1 entries",)


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///auth.db", "postgresql://a:b@host/db", "postgresql+psycopg:///x"]
)
def test_database(faults: Faults, url: str) -> None:
    """SQLite and PostgreSQL are known, and their drivers are installed here."""
    assert faults(database=url) == ()


@pytest.mark.sec("LOG-02")
@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("not a url CANARY", "is not a database URL"),
        ("postgresql://a:CANARY@host:port/db", "is not a database URL"),
        ("mysql://a:CANARY@host/db", "only SQLite and PostgreSQL are supported"),
        ("nothing://a:CANARY@host/db", "names a kind of database that SQLAlchemy does not know"),
        ("postgresql+psycopg2://a:CANARY@host/db", "the driver psycopg2 is not installed; pip install 'psycopg2'"),
        ("postgresql+asyncpg://a:CANARY@host/db", "the driver asyncpg is not installed; pip install 'asyncpg'"),
    ],
    ids=["text", "port", "other", "kind", "driver", "async"],
)
def test_database_refused(faults: Faults, url: str, fault: str) -> None:
    """A database that can't work is a fault that says what to do and not the password."""
    (found,) = faults(database=url)

    assert found.startswith(f"database: {fault}")
    assert "CANARY" not in found


def test_schema_of_sqlite(faults: Faults) -> None:
    """Only PostgreSQL has schemas."""
    assert faults(schema="tenant") == ("schema: works with PostgreSQL only",)
    assert faults(schema="tenant", database="postgresql://host/db") == ()


@pytest.mark.parametrize(
    ("url", "expected"),
    [("redis://host/0", ()), ("http://host", ("redis: must be an address such as redis://host/0",))],
)
def test_redis(faults: Faults, url: str, expected: tuple[str, ...]) -> None:
    """Redis has an address of its own kind."""
    assert faults(redis=url) == expected


def test_redis_without_its_library(faults: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the client library, the fault names what to install."""
    monkeypatch.setitem(sys.modules, "redis", None)

    (fault,) = faults(redis="redis://host/0")

    assert fault.endswith("pip install 'onegov-auth[redis]'")


def test_sessions(faults: Faults) -> None:
    """An idle session can't outlive its lifetime, nor a remembered one end before an ordinary one."""
    assert faults(sessions={"idle": "13h", "remember": "1h"}) == (
        "sessions.idle: must not be longer than sessions.lifetime",
        "sessions.remember: must not be shorter than sessions.lifetime",
    )


def test_password_lengths(faults: Faults) -> None:
    """The shortest password is not longer than the longest."""
    fault = "passwords.min_length: must not be more than passwords.max_length"

    assert faults(passwords={"min_length": 300}) == (fault,)


def test_short_passwords_are_on_no_list(faults: Faults) -> None:
    """Passwords that are too short for the list of common ones are allowed only where nobody asks for that list."""
    fault = "passwords.min_length: must be at least 10, unless passwords.forbid.common is false"

    assert faults(passwords={"min_length": 9}) == (fault,)
    assert faults(passwords={"min_length": 10}) == ()
    assert faults(passwords={"min_length": 8, "forbid": {"common": False}}) == ()


def test_strength_needs_its_library(faults: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    """An estimate is asked for only where the library is installed, and the fault names what to install."""
    assert faults(passwords={"strength": 3}) == ()
    monkeypatch.setattr("onegov_auth.settings.checks.find_spec", lambda _name: None)

    assert faults(passwords={"strength": 3}) == (
        "passwords.strength: the library is not installed; pip install 'onegov-auth[strength]'",
    )


ROLES: dict[str, Any] = {"boss": ["Public", "Secret"], "guest": ["Public"]}


def test_own_roles(faults: Faults) -> None:
    """Own roles stand alone: no default speaks of one that is gone."""
    assert faults(roles=ROLES) == ()


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        ("privileged_roles.0", {"privileged_roles": ["admin"]}),
        ("change_username_roles.1", {"change_username_roles": ["boss", "admin"]}),
        ("second_factors.required_for.0", {"second_factors": {"required_for": ["admin"], "totp": {}}}),
        ("registration.role", {"registration": {"role": "admin"}}),
        ("providers.local.roles.admin", {"providers": {"local": {"kind": "any", "roles": {"admin": ["x"]}}}}),
        ("providers.local.default_role", {"providers": {"local": {"kind": "any", "default_role": "admin"}}}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_unknown_role(faults: Faults, path: str, changes: dict[str, Any]) -> None:
    """A role that does not exist is a fault wherever it is named."""
    assert faults(roles=ROLES, **changes) == (f'{path}: there is no role "admin" (roles: boss, guest)',)


def test_registration_with_default_role(faults: Faults) -> None:
    """Registration with its default role needs that role."""
    fault = 'registration.role: there is no role "member" (roles: boss, guest)'

    assert faults(roles=ROLES, registration={"enabled": True}) == (fault,)


@pytest.mark.parametrize("roles", [{}, None])
def test_no_roles(faults: Faults, roles: object) -> None:
    """There is at least one role."""
    assert len(faults(roles=roles)) == 1


def test_no_providers(faults: Faults) -> None:
    """Without a provider nobody gets in."""
    assert faults(providers={}) == ("providers: must name at least one provider",)


@pytest.mark.parametrize("name", ["Staff", "1staff", "st aff", "st/aff", "ä", ""])
def test_provider_name(faults: Faults, name: str) -> None:
    """The name of a provider can stand in an address."""
    fault = f"providers.{name}: the name must be small letters, digits, - and _, and begin with a letter"

    assert faults(providers={name: {"kind": "local"}}) == (fault,)


def test_provider_auto(faults: Faults) -> None:
    """The name auto has an address already."""
    fault = "providers.auto: the name is taken by the address of the automatic login"

    assert faults(providers={"auto": {"kind": "local"}}) == (fault,)


@pytest.mark.parametrize("key", ["primary", "auto_login"])
def test_only_one(raw: dict[str, Any], key: str) -> None:
    """Only one provider can be the primary one, or log in by itself."""
    block = {"kind": "front", key: True}

    with pytest.raises(SettingsError) as caught:
        settings_from({**raw, "providers": {"a": block, "b": block}}, provider_settings=lambda _: Front)

    assert caught.value.faults == (f"providers.b.{key}: only one provider can be that, and a is already",)


@pytest.mark.parametrize("domain", ["Example.org", "@example.org", "example.org/", "", "*.example.org", "exämple.org"])
def test_domains_are_domains(raw: dict[str, Any], domain: str) -> None:
    """What is compared with what stands behind an @ has to be able to be the same."""
    block = {"kind": "front", "domains": ["example.org", domain]}
    with pytest.raises(SettingsError) as caught:
        settings_from({**raw, "providers": {"a": block}}, provider_settings=lambda _: Front)
    assert caught.value.faults == ("providers.a.domains.1: must be a domain such as example.org, in small letters",)


def test_a_domain_leads_to_one_provider(raw: dict[str, Any]) -> None:
    """Nobody has to guess which of two a person is sent to."""
    blocks = {name: {"kind": "front", "domains": [f"{name}.org", "example.org"]} for name in ("a", "b")}
    with pytest.raises(SettingsError) as caught:
        settings_from({**raw, "providers": blocks}, provider_settings=lambda _: Front)
    assert caught.value.faults == ("providers.b.domains.1: example.org leads to a already",)


@pytest.mark.sec("LINK-08")
def test_link_by_mail_needs_domains(faults: Faults) -> None:
    """Linking by e-mail names the domains the provider answers for."""
    (fault,) = faults(providers={"local": {"kind": "any", "link": "verified_email"}})

    assert fault.startswith("providers.local.link_domains: must name the e-mail domains")


@pytest.mark.parametrize("domain", ["Example.org", "@example.org", "*", "", "example.org/x", "-a"])
def test_link_domain(faults: Faults, domain: str) -> None:
    """A domain is one, in small letters."""
    block = {"kind": "any", "link": "verified_email", "link_domains": ["example.org", domain]}

    (fault,) = faults(providers={"local": block})

    assert fault.startswith("providers.local.link_domains.1: must be a domain")


def test_all_at_once(faults: Faults) -> None:
    """Faults of blocks and faults between blocks come together."""
    found = faults(base_url="http://host", titel="x", sessions={"idel": "1h"}, privileged_roles=["nobody"], schema="x")

    assert [fault.partition(":")[0] for fault in found] == [
        "sessions.idel", "titel", "base_url", "schema", "privileged_roles.0",
    ]  # fmt: skip


def test_what_a_broken_block_says_is_left_out(faults: Faults) -> None:
    """Nothing is said of roles that depend on a block which can't be read."""
    assert faults(roles={"boss": ["Everything"]}, privileged_roles=["boss"]) == (
        "roles.boss.0: must be one of 'Public', 'Personal', 'Private' or 'Secret'",
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"passwords": {"login": "none"}},
            "passwords.login: nobody could log in without local passwords: configure a provider beside local",
        ),
        (
            {"passwords": {"login": "break-glass"}, "privileged_roles": []},
            "passwords.login: break-glass is for the roles in privileged_roles, and there are none",
        ),
        (
            {"passwords": {"login": "break-glass"}, "registration": {"enabled": True}},
            "registration.enabled: nobody who registers could log in, because of passwords.login",
        ),
        (
            {"passwords": {"login": "none"}, "providers": {"x": {"kind": "any", "link": "prove"}}},
            "providers.x.link: prove asks for a local password, which passwords.login lets nobody use",
        ),
        ({"passwords": {"login": "none"}, "providers": {"x": {"kind": "any"}}}, None),
        ({"passwords": {"login": "break-glass"}}, None),
    ],
    ids=str,
)
def test_password_login(faults: Faults, changes: dict[str, Any], expected: str | None) -> None:
    """Who may log in with a local password is a fault where nobody could log in, or register for nothing."""
    assert faults(**changes) == (() if expected is None else (expected,))
