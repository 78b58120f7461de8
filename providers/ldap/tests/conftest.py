"""Fixtures of the LDAP adapter's tests: blocks of configuration, and providers made of them."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from onegov_auth.providers import Resources, Services
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.servers import SambaAD, Slapd
from onegov_auth.testing.servers.hostile_ldap import HostileLDAP
from onegov_auth.testing.servers.process import ServerFailedError
from onegov_auth_ldap import LDAPProvider, LDAPSettings


def merged(block: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A block with other values, section by section."""
    result = dict(block)
    for key, value in changes.items():
        old = result.get(key)
        result[key] = merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return result


@pytest.fixture
def ldap_block(slapd: Slapd) -> dict[str, Any]:
    """The block that fits the throw-away directory."""
    return {
        "kind": "ldap",
        "servers": [slapd.ldaps_url],
        "tls": {"ca_file": str(slapd.ca_file)},
        "bind": {"dn": slapd.service_dn, "password": slapd.service_password},
        "people": {"base": slapd.people_base},
        "groups": {"base": slapd.groups_base},
    }


@pytest.fixture
def services(clock: FakeClock) -> Iterator[Services]:
    """What a provider is handed; everything kept is closed in the end."""
    services = Services(resources=Resources(), clock=clock)
    yield services
    services.resources.clear()


@pytest.fixture
def make(ldap_block: dict[str, Any], services: Services) -> Callable[..., LDAPProvider]:
    """A provider in front of the throw-away directory, with keys of its block changed."""

    def make(name: str = "staff", **changes: Any) -> LDAPProvider:
        settings = LDAPSettings.model_validate(merged(ldap_block, changes))
        return LDAPProvider.create(name, settings, services)

    return make


@pytest.fixture
def ad_block(samba_ad: SambaAD) -> dict[str, Any]:
    """The block that fits the throw-away Active Directory domain."""
    return {
        "kind": "ldap",
        "servers": [samba_ad.ldaps_url],
        "tls": {"ca_file": str(samba_ad.ca_file)},
        "bind": {"dn": samba_ad.service_dn, "password": samba_ad.service_password},
        "people": {"base": samba_ad.people_base, "filter": "(objectClass=user)"},
        "groups": {"base": samba_ad.groups_base},
        "attributes": {"username": "userPrincipalName", "login": ["sAMAccountName", "mail"]},
        "roles": {"admin": ["admins"], "editor": ["editors"], "member": ["staff"]},
    }


@pytest.fixture
def make_ad(ad_block: dict[str, Any], services: Services) -> Callable[..., LDAPProvider]:
    """A provider in front of the throw-away domain, with keys of its block changed."""

    def make_ad(name: str = "staff", **changes: Any) -> LDAPProvider:
        return LDAPProvider.create(name, LDAPSettings.model_validate(merged(ad_block, changes)), services)

    return make_ad


@pytest.fixture
def facing(services: Services) -> Callable[..., LDAPProvider]:
    """A provider in front of a hostile server, by clear text unless changed."""

    def facing(server: HostileLDAP, **changes: Any) -> LDAPProvider:
        block = {
            "kind": "ldap",
            "servers": [server.url],
            "tls": {"allow_plain": True},
            "timeouts": {"connect": 1, "operation": 1, "login": 2},
            "bind": {"dn": "cn=service,dc=example,dc=org", "password": "service-canary"},
            "people": {"base": "ou=people,dc=example,dc=org"},
            "groups": {"base": "ou=groups,dc=example,dc=org"},
        }
        return LDAPProvider.create("staff", LDAPSettings.model_validate(merged(block, changes)), services)

    return facing


@pytest.fixture
def entry_uuid(slapd: Slapd) -> Callable[[str], str]:
    """The key of an entry, read with OpenLDAP's own client."""

    def read(dn: str) -> str:
        client = shutil.which("ldapsearch")
        assert client is not None
        who = ["-D", slapd.admin_dn, "-w", slapd.admin_password]
        what = ["-b", dn, "-s", "base", "entryUUID"]
        command = [client, "-x", "-LLL", "-H", slapd.url, *who, *what]
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
        return next(line.split(": ")[1] for line in answer.stdout.splitlines() if line.startswith("entryUUID: "))

    return read


@pytest.fixture
def added(slapd: Slapd) -> Callable[[str, dict[str, Any]], AbstractContextManager[None]]:
    """Adds an entry to the directory for the time of a block."""

    @contextmanager
    def added(dn: str, attributes: dict[str, Any]) -> Iterator[None]:
        slapd.add_entry(dn, attributes)
        try:
            yield
        finally:
            with contextlib.suppress(ServerFailedError):
                slapd.delete(dn)

    return added
