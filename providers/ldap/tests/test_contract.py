"""The shipped contract, in front of a real OpenLDAP and of a real Active Directory domain."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from onegov_auth.testing.contracts import PasswordProviderContract, Person
from onegov_auth.testing.servers import SambaAD, Slapd
from onegov_auth_ldap import LDAPProvider


class TestContract(PasswordProviderContract):
    """The promises of a password provider hold for LDAP."""

    @pytest.fixture
    def block(self, ldap_block: dict[str, Any]) -> dict[str, Any]:
        """The block that fits the throw-away directory."""
        return ldap_block

    @pytest.fixture
    def provider(self, make: Callable[..., LDAPProvider]) -> LDAPProvider:
        """The provider in front of the running directory."""
        return make()

    @pytest.fixture
    def broken_provider(self, make: Callable[..., LDAPProvider]) -> LDAPProvider:
        """The provider in front of a port where nobody listens."""
        return make(servers=["ldaps://localhost:1"])

    @pytest.fixture
    def person(self, slapd: Slapd, chloe_id: str) -> Person:
        """Chloé, whose name and password are not ASCII."""
        chloe = slapd.person("chloe")
        return Person(
            login=chloe.uid,
            password=chloe.password,
            source_id=chloe_id,
            username=chloe.mail,
            issuer="dc=example,dc=org",
            email=chloe.mail,
            realname=chloe.realname,
            groups=frozenset({"editors", "cn=editors,ou=groups,dc=example,dc=org"}),
        )

    @pytest.fixture
    def chloe_id(self, slapd: Slapd, entry_uuid: Callable[[str], str]) -> str:
        """The key of her entry, read with OpenLDAP's own client."""
        return entry_uuid(slapd.dn("chloe"))

    @pytest.fixture
    def canaries(self, slapd: Slapd) -> Iterable[str]:
        """The service account's password."""
        return [slapd.service_password]

    @pytest.fixture
    def stop_service(self, slapd: Slapd) -> Iterator[Callable[[], Any]]:
        """Stops the directory, and starts it again after the test."""
        yield slapd.stop
        slapd.start()


class TestContractActiveDirectory(PasswordProviderContract):
    """The promises of a password provider hold for Active Directory."""

    @pytest.fixture
    def block(self, ad_block: dict[str, Any]) -> dict[str, Any]:
        """The block that fits the throw-away domain."""
        return ad_block

    @pytest.fixture
    def provider(self, make_ad: Callable[..., LDAPProvider]) -> LDAPProvider:
        """The provider in front of the running domain controller."""
        return make_ad()

    @pytest.fixture
    def broken_provider(self, make_ad: Callable[..., LDAPProvider]) -> LDAPProvider:
        """The provider in front of a port where nobody listens."""
        return make_ad(servers=["ldaps://localhost:1"])

    @pytest.fixture
    def person(self, samba_ad: SambaAD) -> Person:
        """Chloé, whose name, DN and password are not ASCII."""
        chloe = samba_ad.person("chloe")
        key = uuid.UUID(bytes_le=base64.b64decode(samba_ad.read(samba_ad.dn(chloe.realname), "objectGUID")))
        return Person(
            login=chloe.uid,
            password=chloe.password,
            source_id=str(key),
            username="chloe@ad.example.org",
            issuer="dc=ad,dc=example,dc=org",
            email=chloe.mail,
            realname=chloe.realname,
            groups=frozenset({"editors", "cn=editors,ou=groups,dc=ad,dc=example,dc=org"}),
        )

    @pytest.fixture
    def canaries(self, samba_ad: SambaAD) -> Iterable[str]:
        """The service account's password."""
        return [samba_ad.service_password]

    @pytest.fixture
    def stop_service(self, samba_ad: SambaAD) -> Iterator[Callable[[], Any]]:
        """Stops the domain controller, and starts it again after the test."""
        yield samba_ad.stop
        samba_ad.start()
