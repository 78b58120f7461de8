"""Which product answers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from onegov_auth.testing.servers import SambaAD, Slapd
from onegov_auth_ldap import LDAPProvider
from onegov_auth_ldap.entry import Entry
from onegov_auth_ldap.flavour import ROOT, flavour_of, is_active_directory
from onegov_auth_ldap.session import Query


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("supportedCapabilities", (b"1.2.840.113556.1.4.800", b"1.2.840.113556.1.4.1670"), "active-directory"),
        ("supportedCapabilities", (b"1.2.840.113556.1.4.1851",), "active-directory"),
        ("objectClass", (b"top", b"OpenLDAProotDSE"), "openldap"),
        ("vendorName", (b"389 Project",), "389ds"),
        ("vendorName", (b"Novell, Inc.",), "unknown"),
    ],
)
def test_the_root_entry_says_which(name: str, values: tuple[bytes, ...], expected: str) -> None:
    """Each product by what only its root entry has."""
    assert flavour_of([Entry("", {name.lower(): values})]) == expected


def test_without_a_root_entry_it_is_unknown() -> None:
    """A server that tells nobody is no product in particular."""
    assert flavour_of([]) == "unknown"


@pytest.mark.parametrize(
    ("flavour", "seen"), [("active-directory", True), ("unknown", True), ("openldap", False), ("389ds", False)]
)
def test_an_entry_shows_it_where_the_root_entry_does_not(flavour: str, seen: bool) -> None:
    """An objectGUID counts where nothing else is known."""
    assert is_active_directory(flavour, Entry("cn=x", {"objectguid": (b"x" * 16,)})) is seen  # type: ignore[arg-type]  # from a table
    assert is_active_directory(flavour, Entry("cn=x")) is (flavour == "active-directory")  # type: ignore[arg-type]  # from a table


def test_openldap_is_known_and_asked_once(slapd: Slapd, make: Callable[..., LDAPProvider]) -> None:
    """The real root entry is read at the first need, and never again."""
    connections = make()._connections()
    asked: list[Query] = []

    def search(query: Query) -> list[Entry]:
        asked.append(query)
        deadline = connections.deadline()
        return connections.ask(lambda session: session.search(query, deadline), deadline)

    assert [connections.flavour(search) for _ in range(2)] == ["openldap", "openldap"]
    assert asked == [ROOT]


def test_a_configured_flavour_is_not_asked_for(make: Callable[..., LDAPProvider]) -> None:
    """What the administrator says needs no server."""
    assert make(flavour="389ds")._connections().flavour(lambda _: []) == "389ds"


def test_active_directory_is_known(samba_ad: SambaAD, make_ad: Callable[..., LDAPProvider]) -> None:
    """Samba says what Windows says."""
    connections = make_ad()._connections()
    deadline = connections.deadline()
    found = connections.ask(lambda session: session.search(ROOT, deadline), deadline)

    assert flavour_of(found) == "active-directory"
