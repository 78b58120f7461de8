"""What blocks of the settings say of each other."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from onegov_auth.settings.hosts import is_loopback
from onegov_auth.settings.model import Settings
from onegov_auth.settings.providers import ProviderSettings

__all__ = ["CHECKS", "SECRET_LENGTH", "cross_faults"]

#: 256 bits of a key (RFC 2104 §3) need 32 characters even if each brings 8 bits, which typed ones don't.
SECRET_LENGTH = 32

#: The list of common passwords has none that are shorter.
SHORTEST_COMMON = 10

MAKE_SECRET = 'python -c "import secrets; print(secrets.token_urlsafe(48))"'

_EXTRAS = {"psycopg": "onegov-auth[postgresql]", "psycopg2": "psycopg2", "asyncpg": "asyncpg"}

_PROVIDER_NAME = re.compile(r"[a-z][a-z0-9_-]*")

_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
_NO_DOMAIN = "must be a domain such as example.org, in small letters"


def cross_faults(settings: Settings, raw: Mapping[str, Any], broken: Iterable[str]) -> Iterator[str]:
    """
    The faults that only show when blocks are looked at together.

    Args:
        settings: The settings; what has faults of its own is replaced by its default.
        raw: The mapping they were made of, to tell what was written from what is a default.
        broken: The key paths with faults of their own; checks that need one of them are left out.
    """
    lost = [f"{path}." for path in broken]
    for needs, check in CHECKS:
        if not any(path.startswith(f"{need}.") or f"{need}.".startswith(path) for path in lost for need in needs):
            yield from check(settings, raw)


def _base_url(settings: Settings, _: Mapping[str, Any]) -> Iterator[str]:
    try:
        url = urlsplit(settings.base_url)
        host, _port = url.hostname, url.port
    except ValueError:
        yield "base_url: is not an address"
        return
    if url.scheme not in {"http", "https"} or not host:
        yield "base_url: must be an absolute address such as https://app.example.org"
        return
    if url.path or url.query or url.fragment or "@" in url.netloc or re.search(r"[\s\\]", settings.base_url):
        yield "base_url: must be scheme and host only: no path, no query, no user name or password"
    if url.scheme == "http" and not is_loopback(host):
        yield "base_url: must begin with https:// (http is for localhost only)"


def _cookies(settings: Settings, _: Mapping[str, Any]) -> Iterator[str]:
    if not settings.cookies.secure and not is_loopback(urlsplit(settings.base_url).hostname or ""):
        yield "cookies.secure: may be false on localhost only; on a network, anybody could read the session cookie"


def _secrets(settings: Settings, _: Mapping[str, Any]) -> Iterator[str]:
    values = [secret.reveal() for secret in settings.secrets]
    for index, value in enumerate(values):
        if len(value) < SECRET_LENGTH:
            yield (f"secrets.{index}: must have at least {SECRET_LENGTH} characters; make one with: {MAKE_SECRET}")
        elif len(set(value)) < _DISTINCT:
            yield f"secrets.{index}: is too simple to be a secret; make one with: {MAKE_SECRET}"
    if any(count > 1 for value, count in Counter(values).items() if value):
        yield "secrets: the same secret is there twice"


#: Fewer different characters than this are a placeholder such as "xxxx…" or "changemechangeme…".
_DISTINCT = 10


def _database(settings: Settings, _: Mapping[str, Any]) -> Iterator[str]:
    # SQLAlchemy's own texts repeat the URL, and with it the password.
    try:
        url = make_url(settings.database.reveal())
        dialect = url.get_dialect()
    except NoSuchModuleError:
        yield "database: names a kind of database that SQLAlchemy does not know; use postgresql:// or sqlite://"
        return
    except (ArgumentError, ValueError):
        yield "database: is not a database URL such as postgresql://user:password@host/name or sqlite:///auth.db"
        return
    if dialect.name not in {"postgresql", "sqlite"}:
        yield "database: only SQLite and PostgreSQL are supported"
        return
    try:
        dialect.import_dbapi()
    except ImportError:
        driver = dialect.driver
        yield f"database: the driver {driver} is not installed; pip install '{_EXTRAS.get(driver, driver)}'"
    if settings.schema_name and dialect.name != "postgresql":
        yield "schema: works with PostgreSQL only"


def _redis(settings: Settings, _: Mapping[str, Any]) -> Iterator[str]:
    if settings.redis is None:
        return
    if not settings.redis.reveal().startswith(("redis://", "rediss://", "unix://")):
        yield "redis: must be an address such as redis://host/0"
    if find_spec("redis") is None:
        yield "redis: the client library is not installed; pip install 'onegov-auth[redis]'"


def _idle(settings: Settings, _: Mapping[str, Any]) -> Iterator[str]:
    if settings.sessions.idle > settings.sessions.lifetime:
        yield "sessions.idle: must not be longer than sessions.lifetime"


def _remember(settings: Settings, _: Mapping[str, Any]) -> Iterator[str]:
    if settings.sessions.remember < settings.sessions.lifetime:
        yield "sessions.remember: must not be shorter than sessions.lifetime"


def _passwords(settings: Settings, _: Mapping[str, Any]) -> Iterator[str]:
    if settings.passwords.min_length > settings.passwords.max_length:
        yield "passwords.min_length: must not be more than passwords.max_length"
    if settings.passwords.forbid.common and settings.passwords.min_length < SHORTEST_COMMON:
        yield f"passwords.min_length: must be at least {SHORTEST_COMMON}, unless passwords.forbid.common is false"
    if settings.passwords.strength is not None and find_spec("zxcvbn") is None:
        yield "passwords.strength: the library is not installed; pip install 'onegov-auth[strength]'"


def _password_login(settings: Settings, _: Mapping[str, Any]) -> Iterator[str]:
    if settings.passwords.login == "all":
        return
    others = [block for block in settings.providers.values() if block.kind != "local"]
    if settings.passwords.login == "none" and not others:
        yield "passwords.login: nobody could log in without local passwords: configure a provider beside local"
    if settings.passwords.login == "break-glass" and not settings.privileged_roles:
        yield "passwords.login: break-glass is for the roles in privileged_roles, and there are none"
    if settings.registration.enabled and not settings.password_login(settings.registration.role):
        yield "registration.enabled: nobody who registers could log in, because of passwords.login"
    for name, block in settings.providers.items():
        if settings.passwords.login == "none" and block.link == "prove":
            yield f"providers.{name}.link: prove asks for a local password, which passwords.login lets nobody use"


def _role_names(settings: Settings, raw: Mapping[str, Any]) -> Iterator[str]:
    if not settings.roles:
        yield "roles: must name at least one role"
    # The default lists name roles that an application with roles of its own need not have.
    lists = {key: getattr(settings, key) for key in ("privileged_roles", "change_username_roles") if key in raw}
    for key, names in lists.items():
        for index, name in enumerate(names):
            yield from _role(settings, f"{key}.{index}", name)


def _factor_roles(settings: Settings, _: Mapping[str, Any]) -> Iterator[str]:
    for index, name in enumerate(settings.second_factors.required_for):
        yield from _role(settings, f"second_factors.required_for.{index}", name)


def _factors(settings: Settings, _: Mapping[str, Any]) -> Iterator[str]:
    theirs = any(getattr(block, "trust_amr", ()) for block in settings.providers.values())
    ours = settings.second_factors.blocks.keys() - {"recovery_codes"}
    if settings.second_factors.required_for and not ours and not theirs:
        yield (
            "second_factors.required_for: nobody could log in who must have a second factor: configure one, such as"
            " totp, beside it"
        )


def _registration(settings: Settings, raw: Mapping[str, Any]) -> Iterator[str]:
    block = raw.get("registration")
    if settings.registration.enabled or (isinstance(block, Mapping) and "role" in block):
        yield from _role(settings, "registration.role", settings.registration.role)


def _provider_roles(settings: Settings, _: Mapping[str, Any]) -> Iterator[str]:
    for name, block in settings.providers.items():
        if "roles" in block.model_fields_set:
            for role in block.roles:
                yield from _role(settings, f"providers.{name}.roles.{role}", role)
        if block.default_role is not None:
            yield from _role(settings, f"providers.{name}.default_role", block.default_role)


def _role(settings: Settings, path: str, name: str) -> Iterator[str]:
    if name not in settings.roles:
        yield f'{path}: there is no role "{name}" (roles: {", ".join(settings.roles)})'


def _provider_names(settings: Settings, raw: Mapping[str, Any]) -> Iterator[str]:
    names = raw.get("providers", settings.providers)
    if not names:
        yield "providers: must name at least one provider"
    for name in map(str, names):
        if not _PROVIDER_NAME.fullmatch(name):
            yield f"providers.{name}: the name must be small letters, digits, - and _, and begin with a letter"
        elif name == "auto":
            yield "providers.auto: the name is taken by the address of the automatic login"


def _provider_links(settings: Settings, _: Mapping[str, Any]) -> Iterator[str]:
    for name, block in settings.providers.items():
        yield from _links(name, block)
    for key in ("primary", "auto_login"):
        holders = [name for name, block in settings.providers.items() if getattr(block, key, False)]
        if len(holders) > 1:
            yield f"providers.{holders[1]}.{key}: only one provider can be that, and {holders[0]} is already"
    yield from _domains(settings)


def _domains(settings: Settings) -> Iterator[str]:
    """What is typed behind the @ leads to one provider, and is compared in small letters."""
    owners: dict[str, str] = {}
    for name, block in settings.providers.items():
        domains: Iterable[str] = getattr(block, "domains", ())
        for index, domain in enumerate(domains):
            if not _DOMAIN.fullmatch(domain):
                yield f"providers.{name}.domains.{index}: {_NO_DOMAIN}"
            elif owners.setdefault(domain, name) != name:
                yield f"providers.{name}.domains.{index}: {domain} leads to {owners[domain]} already"


def _links(name: str, block: ProviderSettings) -> Iterator[str]:
    if block.link == "verified_email" and not block.link_domains:
        yield (
            f"providers.{name}.link_domains: must name the e-mail domains this provider is authoritative for,"
            " because link is verified_email"
        )
    for index, domain in enumerate(block.link_domains):
        if not _DOMAIN.fullmatch(domain):
            yield f"providers.{name}.link_domains.{index}: {_NO_DOMAIN}"


_Check = Callable[[Settings, Mapping[str, Any]], Iterator[str]]

#: Each check with the key paths it needs.
CHECKS: tuple[tuple[frozenset[str], _Check], ...] = (
    (frozenset({"base_url"}), _base_url),
    (frozenset({"base_url", "cookies.secure"}), _cookies),
    (frozenset({"secrets"}), _secrets),
    (frozenset({"database", "schema"}), _database),
    (frozenset({"redis"}), _redis),
    (frozenset({"sessions.idle", "sessions.lifetime"}), _idle),
    (frozenset({"sessions.remember", "sessions.lifetime"}), _remember),
    (frozenset({"passwords"}), _passwords),
    (frozenset({"passwords.login", "privileged_roles", "registration", "providers"}), _password_login),
    (frozenset({"roles", "privileged_roles", "change_username_roles"}), _role_names),
    (frozenset({"roles", "second_factors.required_for"}), _factor_roles),
    (frozenset({"second_factors", "providers"}), _factors),
    (frozenset({"roles", "registration.enabled", "registration.role"}), _registration),
    (frozenset({"roles", "providers"}), _provider_roles),
    (frozenset({"providers"}), _provider_names),
    (frozenset({"providers"}), _provider_links),
)
