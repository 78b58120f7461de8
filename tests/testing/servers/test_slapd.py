"""The throw-away OpenLDAP, seen by ldap3."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from typing import Any

import ldap3
import pytest

from onegov_auth.testing.servers import PEOPLE, ServerFailedError, ServerMissingError, Slapd
from onegov_auth.testing.servers.process import LOOPBACK


def connect(slapd: Slapd, dn: str | None = None, password: str | None = None) -> Any:
    """A connection that is not bound yet; what TLS is worth is tested with Python's own."""
    tls = ldap3.Tls(validate=ssl.CERT_NONE)
    server = ldap3.Server(slapd.url, tls=tls, connect_timeout=3, get_info=ldap3.NONE)
    return ldap3.Connection(server, dn, password, receive_timeout=3)


def shake_hands(slapd: Slapd, name: str) -> str | None:
    """The TLS version on the ldaps port, for a client that verifies strictly, as Python >= 3.13 does."""
    context = ssl.create_default_context(cafile=str(slapd.ca_file))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with (
        socket.create_connection((LOOPBACK, slapd.ports[1]), timeout=3) as plain,
        context.wrap_socket(plain, server_hostname=name) as connection,
    ):
        return connection.version()


@pytest.fixture(name="service")
def _service(slapd: Slapd) -> Iterator[Any]:
    connection = connect(slapd, slapd.service_dn, slapd.service_password)
    assert connection.bind()
    yield connection
    connection.unbind()


def found(connection: Any, base: str, condition: str, *attributes: str) -> dict[str, dict[str, list[str]]]:
    """Entries by their cn or uid."""
    connection.search(base, condition, attributes=list(attributes))
    return {entry["dn"].partition(",")[0]: entry["attributes"] for entry in connection.response}


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.uid)
def test_everybody_can_bind(slapd: Slapd, person: Any) -> None:
    """Each of the five gets in with the known password, the one beyond ASCII too."""
    connection = connect(slapd, slapd.dn(person.uid), person.password)

    assert connection.bind()
    connection.unbind()


def test_start_tls_is_offered(slapd: Slapd) -> None:
    """The plain port goes over to TLS."""
    connection = connect(slapd, slapd.service_dn, slapd.service_password)
    connection.open()

    assert connection.start_tls()
    assert connection.bind()
    connection.unbind()


def test_a_wrong_password_is_refused(slapd: Slapd) -> None:
    """Somebody else's password is no password."""
    connection = connect(slapd, slapd.dn("alice"), slapd.person("bob").password)

    assert not connection.bind()
    connection.unbind()


def test_an_empty_password_is_an_unauthenticated_bind(slapd: Slapd) -> None:
    """The server answers success, as Active Directory does (RFC 4513 §5.1.2), and the client is nobody."""
    assert slapd.run("ldapwhoami", "-x", "-H", slapd.url, "-D", slapd.dn("alice"), "-w", "").strip() == "anonymous"


def test_the_service_account_finds_people(slapd: Slapd, service: Any) -> None:
    """Names beyond ASCII included."""
    people = found(service, slapd.people_base, "(mail=chloe@example.org)", "givenName", "sn", "uid")

    assert people == {"uid=chloe": {"givenName": ["Chloé"], "sn": ["Müller-Çelik"], "uid": ["chloe"]}}


def test_people_know_their_groups(slapd: Slapd, service: Any) -> None:
    """The memberOf overlay is at work."""
    alice = found(service, slapd.people_base, "(uid=alice)", "memberOf")["uid=alice"]

    assert sorted(alice["memberOf"]) == [f"cn=admins,{slapd.groups_base}", f"cn=staff,{slapd.groups_base}"]


def test_groups_are_kept_in_both_ways(slapd: Slapd, service: Any) -> None:
    """As groupOfNames with DNs, and as posixGroup with names."""
    by_dn = found(service, slapd.groups_base, "(objectClass=groupOfNames)", "member")
    by_name = found(service, slapd.posix_groups_base, "(objectClass=posixGroup)", "memberUid")

    assert set(by_dn) == {"cn=admins", "cn=editors", "cn=staff"}
    assert by_dn["cn=editors"]["member"] == [slapd.dn("bob"), slapd.dn("chloe")]
    assert by_name["cn=editors"]["memberUid"] == ["bob", "chloe"]


def test_anonymous_sees_nothing(slapd: Slapd) -> None:
    """Without a bind there are no entries."""
    connection = connect(slapd)
    connection.bind()

    assert found(connection, slapd.base, "(objectClass=*)") == {}
    connection.unbind()


def test_the_service_account_compares_passwords_and_does_not_see_them(slapd: Slapd, service: Any) -> None:
    """The compare operation works, reading doesn't."""
    alice = slapd.person("alice")

    assert service.compare(slapd.dn("alice"), "userPassword", alice.password)
    assert not service.compare(slapd.dn("alice"), "userPassword", "wrong")
    assert found(service, slapd.people_base, "(uid=alice)", "userPassword") == {"uid=alice": {"userPassword": []}}


def test_entries_are_added_changed_and_deleted(slapd: Slapd, service: Any) -> None:
    """A sixth person, in no group, for as long as a test needs."""
    dn = slapd.dn("frank")
    slapd.add_entry(dn, {"objectClass": "inetOrgPerson", "uid": "frank", "cn": "F", "sn": ["F", "G"], "title": "Dr"})
    slapd.modify(dn, {"mail": "frank@example.org", "title": []})
    frank = found(service, slapd.people_base, "(uid=frank)", "mail", "title", "memberOf")
    slapd.delete(dn)

    assert frank == {"uid=frank": {"mail": ["frank@example.org"], "title": [], "memberOf": []}}
    assert found(service, slapd.people_base, "(uid=frank)") == {}


def test_a_refused_change_is_an_error(slapd: Slapd) -> None:
    """What the server refuses is not swallowed."""
    with pytest.raises(ServerFailedError, match="No such object"):
        slapd.delete(slapd.dn("nobody"))


def test_a_deleted_person_leaves_the_groups(own_slapd: Slapd) -> None:
    """Referential integrity is kept."""
    own_slapd.delete(own_slapd.dn("chloe"))
    connection = connect(own_slapd, own_slapd.service_dn, own_slapd.service_password)
    connection.bind()

    assert found(connection, own_slapd.groups_base, "(cn=editors)", "member")["cn=editors"]["member"] == [
        own_slapd.dn("bob")
    ]
    connection.unbind()


def test_the_policy_locks_after_three_failures(own_slapd: Slapd) -> None:
    """The password policy overlay acts on whom it was switched on for."""
    bob = own_slapd.person("bob")
    own_slapd.modify(own_slapd.dn("bob"), {"pwdPolicySubentry": own_slapd.policy_dn})
    for password in ("wrong", "wrong", "wrong", bob.password):
        connection = connect(own_slapd, own_slapd.dn("bob"), password)
        assert not connection.bind()
        connection.unbind()


def test_data_survive_a_restart(own_slapd: Slapd) -> None:
    """Address, certificate and entries stay."""
    url, authority = own_slapd.ldaps_url, own_slapd.ca_file.read_bytes()
    own_slapd.modify(own_slapd.dn("alice"), {"userPassword": "changed"})
    own_slapd.restart()
    connection = connect(own_slapd, own_slapd.dn("alice"), "changed")

    assert (url, authority) == (own_slapd.ldaps_url, own_slapd.ca_file.read_bytes())
    assert connection.bind()
    connection.unbind()


def test_a_stopped_server_refuses_connections(own_slapd: Slapd) -> None:
    """At once, without a time-out."""
    own_slapd.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((LOOPBACK, own_slapd.port), timeout=3)


def test_two_servers_run_side_by_side(slapd: Slapd, own_slapd: Slapd) -> None:
    """They have other ports, other authorities, and other passwords for the service."""
    assert not {*slapd.ports} & {*own_slapd.ports}
    assert slapd.service_password != own_slapd.service_password
    assert slapd.ca_file.read_bytes() != own_slapd.ca_file.read_bytes()


@pytest.mark.parametrize("name", ["localhost", LOOPBACK])
def test_the_certificate_verifies(slapd: Slapd, name: str) -> None:
    """By the name and by the address of loopback."""
    assert shake_hands(slapd, name) == "TLSv1.3"


def test_another_name_can_be_certified() -> None:
    """A client that verifies refuses a certificate for another host."""
    with Slapd(names=["other.example.org"]) as slapd, pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(slapd, "localhost")


def test_searches_can_be_limited() -> None:
    """The server returns no more entries than it was told to."""
    with Slapd(size_limit=2) as slapd:
        connection = connect(slapd, slapd.service_dn, slapd.service_password)
        connection.bind()
        connection.search(slapd.people_base, "(objectClass=inetOrgPerson)")

        assert connection.result["description"] == "sizeLimitExceeded"
        assert len(connection.response) == 2
        connection.unbind()


def test_the_addresses_are_known_before_the_start() -> None:
    """Settings can be written before the server runs."""
    slapd = Slapd()

    assert slapd.ldaps_url.rpartition(":")[2] != slapd.url.rpartition(":")[2]


def test_a_missing_server_names_its_package() -> None:
    """Who has no slapd is told what to install, and nothing is left behind."""

    class Missing(Slapd):
        """Not installed."""

        program = "slapd-of-nobody"

    missing = Missing()
    with pytest.raises(ServerMissingError, match="install the package slapd"):
        missing.start()

    assert missing._directory is None


def test_a_missing_schema_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """An incomplete installation is said to be one."""
    monkeypatch.setattr("onegov_auth.testing.servers.slapd._SCHEMA_FOLDERS", ("/nonexistent",))
    with pytest.raises(ServerMissingError, match=r"core\.schema was not found: install the package slapd"):
        Slapd().start()
