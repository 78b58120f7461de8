"""The throw-away Active Directory domain, seen by ldap3."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ldap3
import pytest

from onegov_auth.testing.servers import PEOPLE, SambaAD, ServerFailedError, ServerMissingError
from onegov_auth.testing.servers import samba as module
from onegov_auth.testing.servers.domain import CROWD, SECRET


def connect(samba: SambaAD, name: str, password: str) -> Any:
    """A connection over TLS that is not bound yet; what TLS is worth is tested with Python's own."""
    tls = ldap3.Tls(validate=ssl.CERT_NONE)
    server = ldap3.Server(samba.ldaps_url, use_ssl=True, tls=tls, connect_timeout=5, get_info=ldap3.NONE)
    return ldap3.Connection(server, name, password, receive_timeout=10)


@pytest.fixture(name="service")
def _service(samba_ad: SambaAD) -> Iterator[Any]:
    connection = connect(samba_ad, samba_ad.service_dn, samba_ad.service_password)
    assert connection.bind()
    yield connection
    connection.unbind()


def found(connection: Any, base: str, condition: str, *attributes: str) -> dict[str, Any]:
    """Entries by the first part of their name."""
    connection.search(base, condition, attributes=list(attributes))
    entries = [one for one in connection.response if one["type"] == "searchResEntry"]
    return {entry["dn"].partition(",")[0]: entry["attributes"] for entry in entries}


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.uid)
def test_everybody_can_bind(samba_ad: SambaAD, person: Any) -> None:
    """Each of the five gets in with the known password, by entry and by principal name."""
    for name in (samba_ad.dn(person.realname), f"{person.uid}@{samba_ad.domain}"):
        connection = connect(samba_ad, name, person.password)

        assert connection.bind()
        connection.unbind()


@pytest.mark.parametrize(
    ("name", "data"), [("disabled", "533"), ("ended", "701"), ("stale", "532"), ("fresh", "773"), ("lone", None)]
)
def test_accounts_are_in_their_state(samba_ad: SambaAD, name: str, data: str | None) -> None:
    """The domain controller refuses each account for its own reason."""
    connection = connect(samba_ad, f"{name}@{samba_ad.domain}", SECRET)
    bound = connection.bind()
    message = connection.result["message"]
    connection.unbind()

    assert bound is (data is None)
    assert data is None or f"data {data}," in message


def test_three_guesses_lock(samba_ad: SambaAD) -> None:
    """After three wrong passwords the right one is refused, until the account is unlocked."""

    def bind(password: str) -> tuple[bool, str]:
        connection = connect(samba_ad, f"guessed@{samba_ad.domain}", password)
        outcome = connection.bind(), connection.result["message"]
        connection.unbind()
        return outcome

    for _ in range(3):
        bind("wrong")

    assert "data 775," in bind(SECRET)[1]
    samba_ad.unlock(samba_ad.dn("Gina Guessed"))
    assert bind(SECRET)[0]


def test_groups_are_nested_and_large(samba_ad: SambaAD, service: Any) -> None:
    """The rule in chain sees four levels, and the crowd is complete."""
    rule = f"(member:1.2.840.113556.1.4.1941:={samba_ad.dn('Dina Deep')})"
    crowd = found(service, samba_ad.groups_base, "(cn=crowd)", "member")

    assert found(service, samba_ad.groups_base, rule) == {f"CN=nested-{depth}": {} for depth in (1, 2, 3, 4)}
    assert len(crowd["CN=crowd"]["member"]) == CROWD


def test_a_primary_group_is_no_member_of(samba_ad: SambaAD, service: Any) -> None:
    """As in any domain, the primary group is told by its number only."""
    dario = found(service, samba_ad.people_base, "(sAMAccountName=dario)", "memberOf", "primaryGroupID")

    assert dario == {
        "CN=Dario De Luca": {
            "memberOf": [f"CN=staff,{samba_ad.groups_base}", f"CN=Domain Users,CN=Users,{samba_ad.base}"],
            "primaryGroupID": [samba_ad.rid(f"CN=primary,{samba_ad.groups_base}")],
        }
    }


def test_entries_can_be_changed(samba_ad: SambaAD, service: Any) -> None:
    """Entries are added, moved, read and deleted as an administrator does it."""
    samba_ad.add_entry(f"CN=x,{samba_ad.people_base}", {"objectClass": "contact", "mail": "x@example.org"})
    samba_ad.move(f"CN=x,{samba_ad.people_base}", "CN=y", f"OU=leavers,{samba_ad.base}")

    assert samba_ad.read(f"CN=y,OU=leavers,{samba_ad.base}", "mail") == "x@example.org"
    samba_ad.delete(f"CN=y,OU=leavers,{samba_ad.base}")
    assert found(service, samba_ad.base, "(cn=y)") == {}


def test_clear_text_is_refused(samba_ad: SambaAD) -> None:
    """Without TLS the domain controller takes no password."""
    connection = ldap3.Connection(samba_ad.url, samba_ad.service_dn, samba_ad.service_password, receive_timeout=10)

    assert not connection.bind()
    assert connection.result["description"] == "strongerAuthRequired"
    connection.unbind()


def test_the_certificate_verifies(samba_ad: SambaAD) -> None:
    """By the address, for a client that verifies strictly, as Python >= 3.13 does."""
    context = ssl.create_default_context(cafile=str(samba_ad.ca_file))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with (
        socket.create_connection((samba_ad.host, 636), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname=samba_ad.host) as connection,
    ):
        assert connection.version() == "TLSv1.3"


def test_each_has_an_address_of_its_own() -> None:
    """Ports are fixed, so two domains listen on two addresses of loopback."""
    one, two = SambaAD(), SambaAD()

    assert one.ldaps_url.endswith(":636")
    assert two.url.endswith(":389")
    assert one.host != two.host


def test_an_address_in_use_is_left(samba_ad: SambaAD) -> None:
    """Where a port is taken, the address is not free."""
    assert not module._is_free(samba_ad.host, 636)
    assert module._is_free(samba_ad.host, 0)


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else's rights, or a package that isn't there, are said as such."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ServerMissingError, match=r"samba-ad-dc.*not root"):
        SambaAD().start()
    monkeypatch.undo()
    monkeypatch.setattr(module, "_SETUP", Path("/no/such/folder"))
    with pytest.raises(ServerMissingError, match="samba-ad-provision"):
        SambaAD().start()


def test_it_is_only_ready_when_it_answers() -> None:
    """Before it was started nobody can bind."""
    samba = SambaAD()
    with pytest.raises(ServerFailedError):
        samba.change("")

    assert not samba.is_ready()
    samba.close()
