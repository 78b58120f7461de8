"""The doctor on the way to a server: names, ports and certificates that do not hold."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from onegov_auth.clock import utcnow
from onegov_auth.providers import Check, CheckState
from onegov_auth.testing.servers import Slapd
from onegov_auth.testing.servers.certificates import Authority
from onegov_auth.testing.servers.hostile_ldap import HostileLDAP
from onegov_auth_ldap import LDAPSettings
from onegov_auth_ldap.reach import Way


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """An authority that the provider trusts."""
    return Authority(tmp_path)


def way(url: str, **tls: Any) -> dict[str, Check]:
    """The steps to *url*, by their first word."""
    settings = LDAPSettings.model_validate(
        {
            "kind": "ldap",
            "servers": [url],
            "tls": tls,
            "timeouts": {"connect": 1, "operation": 1, "login": 3},
            "bind": {"dn": "cn=service,dc=example,dc=org", "password": "service-canary"},
            "people": {"base": "dc=example,dc=org"},
            "roles": {},
        }
    )
    return {step.name.split()[0]: step for step in Way(url, settings, utcnow).walk()}


def serve(authority: Authority, *names: str, **issued: Any) -> HostileLDAP:
    """A TLS server with such a certificate."""
    certificate = authority.issue(*names, **issued)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    return HostileLDAP(lambda ask: [ask.answer()], tls=context)


def test_a_way_that_leads_there(slapd: Slapd) -> None:
    """Addresses, port, names, issuer and end of the certificate are told."""
    found = way(slapd.ldaps_url, ca_file=str(slapd.ca_file))

    assert [step.state for step in found.values()] == [CheckState.OK] * 3
    assert "127.0.0.1" in found["dns"].detail
    assert "for localhost, 127.0.0.1; issued by CN=onegov_auth test ca; good until" in found["tls"].detail


def test_start_tls_is_looked_at_as_well(slapd: Slapd) -> None:
    """A certificate that comes by StartTLS is described too."""
    assert "issued by" in way(slapd.url, start_tls=True, ca_file=str(slapd.ca_file))["tls"].detail


def test_a_name_without_address_ends_the_way() -> None:
    """A host that nobody knows is told, and the port is not tried."""
    found = way("ldaps://nobody.invalid")

    assert list(found) == ["dns"]
    assert found["dns"].state is CheckState.FAILED
    assert "resolver" in found["dns"].hint


def test_a_closed_port_ends_the_way() -> None:
    """A port where nobody listens is told, and TLS is not tried."""
    found = way("ldaps://localhost:1")

    assert (list(found), found["tcp"].state) == (["dns", "tcp"], CheckState.FAILED)


@pytest.mark.sec("LDAP-24", "LDAP-25")
@pytest.mark.parametrize(
    ("names", "issued", "said", "cure"),
    [
        (("other.example.org",), {}, "for other.example.org", "names in the certificate"),
        (("localhost",), {"expires": datetime(2026, 1, 1, tzinfo=UTC)}, "good until 2026-01-01", "renew"),
    ],
)
def test_a_certificate_that_does_not_hold_is_described(
    authority: Authority, names: tuple[str, ...], issued: dict[str, Any], said: str, cure: str
) -> None:
    """What is in the refused certificate is told, with what to change, and no password is sent."""
    with serve(authority, *names, **issued) as server:
        step = way(server.url, ca_file=str(authority.ca_file))["tls"]

        assert step.state is CheckState.FAILED
        assert said in step.detail
        assert cure in step.hint
        assert server.asked == []


def test_an_unknown_authority_is_named(authority: Authority, tmp_path: Path) -> None:
    """The authority whose certificate has to be trusted is told by its name."""
    with serve(Authority(tmp_path, "other"), "localhost") as server:
        step = way(server.url, ca_file=str(authority.ca_file))["tls"]

    assert "issued by CN=onegov_auth test other" in step.detail
    assert "tls.ca_file" in step.hint


def test_a_certificate_without_the_authoritys_key_is_told(authority: Authority) -> None:
    """What Python 3.13 refuses is told on every version, with the extension that is missing."""
    with serve(authority, "localhost", names_authority=False) as server:
        step = way(server.url, ca_file=str(authority.ca_file))["tls"]

    assert step.state in {CheckState.WARNING, CheckState.FAILED}
    assert "Missing Authority Key Identifier" in step.detail
    assert "authorityKeyIdentifier" in step.hint


def test_a_certificate_that_ends_soon_is_a_warning(authority: Authority) -> None:
    """Less than three weeks before the end of the certificate, somebody is reminded."""
    with serve(authority, "localhost", expires=utcnow() + timedelta(days=20)) as server:
        step = way(server.url, ca_file=str(authority.ca_file))["tls"]

    assert (step.state, "renew" in step.hint) == (CheckState.WARNING, True)


@pytest.mark.parametrize(
    ("tls", "said"), [({"verify": False}, "nothing of it is checked"), ({"ca_file": None}, "self-signed")]
)
def test_what_is_not_checked_is_told(slapd: Slapd, tls: dict[str, Any], said: str) -> None:
    """Verification that is off is a warning, and an authority nobody knows a failure."""
    assert said in way(slapd.ldaps_url, **tls)["tls"].detail


@pytest.mark.sec("LDAP-09")
def test_clear_text_is_a_warning(slapd: Slapd) -> None:
    """Whoever allowed clear text is reminded of what that means."""
    step = way(slapd.url, allow_plain=True)["tls"]

    assert (step.state, step.detail) == (CheckState.WARNING, "passwords travel in clear text")


def test_a_server_that_speaks_no_tls_is_told() -> None:
    """A port that is open and answers no handshake is a failed step, within the time."""
    with HostileLDAP(lambda _ask: [b"nonsense"]) as server:
        step = way(server.url.replace("ldap://", "ldaps://"))["tls"]

    assert step.state is CheckState.FAILED
    assert "can't be read" in step.detail or "timeout" in step.detail
