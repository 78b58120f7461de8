"""TLS and StartTLS: what happens before the first word, and when the certificate does not hold."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from onegov_auth.testing.servers import Slapd
from onegov_auth.testing.servers.certificates import Authority
from onegov_auth.testing.servers.hostile_ldap import Ask, HostileLDAP, Reply, done, message
from onegov_auth_ldap import LDAPSettings
from onegov_auth_ldap.errors import DirectoryError
from onegov_auth_ldap.session import Session
from onegov_auth_ldap.settings import TLSSettings
from onegov_auth_ldap.wire import Deadline, connect, secure, tls_context


def session_for(url: str, **tls: Any) -> Session:
    """A session with *url* that is not open yet."""
    settings = LDAPSettings.model_validate(
        {
            "kind": "ldap",
            "servers": [url],
            "tls": tls,
            "timeouts": {"connect": 1, "operation": 1},
            "bind": {"dn": "cn=service,dc=example,dc=org", "password": "service-canary"},
            "people": {"base": "dc=example,dc=org"},
            "roles": {},
        }
    )
    return Session(url, settings, tls_context(settings.tls), datetime.now(UTC))


def bind(session: Session) -> int:
    """The code of a bind."""
    return session.bind("uid=x,dc=example,dc=org", b"password", Deadline(5)).code


def server_context(authority: Authority, *names: str, expires: datetime | None = None) -> ssl.SSLContext:
    """A TLS context of a server of these names."""
    issued = authority.issue(*names, expires=expires)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    return context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """An authority that the provider trusts."""
    return Authority(tmp_path)


@pytest.mark.sec("LDAP-24", "LDAP-25")
@pytest.mark.parametrize("case", ["other name", "expired", "other authority", "name in CN only"])
def test_a_wrong_certificate_gets_nothing(authority: Authority, tmp_path: Path, case: str) -> None:
    """With a certificate that does not hold, no connection is made and nothing is sent."""
    context = {
        "other name": lambda: server_context(authority, "other.example.org"),
        "expired": lambda: server_context(authority, "localhost", expires=datetime(2026, 1, 1, tzinfo=UTC)),
        "other authority": lambda: server_context(Authority(tmp_path, "other"), "localhost"),
        "name in CN only": lambda: server_context(authority, "localhost.example.org", "x.localhost"),
    }[case]()
    with HostileLDAP(lambda ask: [ask.answer()], tls=context) as server:
        session = session_for(server.url, ca_file=str(authority.ca_file))
        with pytest.raises(DirectoryError) as error:
            session.open(Deadline(5))
        session.close()

        assert error.value.reason == "tls"
        assert server.asked == []


@pytest.mark.sec("LDAP-25")
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_right_certificate_holds(authority: Authority, host: str) -> None:
    """The name and an address in the certificate are accepted."""
    context = server_context(authority, "localhost", "127.0.0.1")
    with HostileLDAP(lambda ask: [ask.answer()], tls=context) as server:
        session = session_for(f"ldaps://{host}:{server.port}", ca_file=str(authority.ca_file))
        session.open(Deadline(5))

        assert bind(session) == 0
        session.close()


@pytest.mark.sec("LDAP-26")
@pytest.mark.parametrize(
    ("replies", "reason"),
    [
        (lambda ask: [ask.answer(52)], "start_tls"),
        (lambda ask: [ask.answer(2)], "start_tls"),
        (lambda ask: [None], "connection"),
        (lambda ask: [ask.answer(), b"this is no TLS at all"], "tls"),
        (lambda ask: [ask.answer(), None], "tls"),
        (lambda ask: [ask.answer(tag=0x61)], "protocol"),
        (lambda ask: [ask.answer() + message(ask.id + 1, done(0x61))], "connection"),
    ],
    ids=["unavailable", "protocol error", "closed", "no TLS", "closed after", "other answer", "injected"],
)
def test_without_tls_nothing_more_is_said(replies: Callable[[Ask], Sequence[Reply]], reason: str) -> None:
    """A StartTLS that is stripped, refused or forged ends the connection: no password follows."""
    with HostileLDAP(replies) as server:
        session = session_for(server.url, start_tls=True)
        with pytest.raises(DirectoryError) as error:
            session.open(Deadline(3))
        session.close()

        # A refusal is known as one. How a connection ends that is cut or garbled depends on who is faster.
        assert error.value.reason in {reason} | ({"tls", "timeout"} if reason != "start_tls" else set())
        assert set(server.kinds) <= {"extended", "unbind"}


@pytest.mark.sec("LDAP-26", "LDAP-27")
def test_start_tls_is_the_first_word(authority: Authority) -> None:
    """Before TLS nothing but StartTLS is asked, the root entry included; then the bind follows inside."""
    context = server_context(authority, "localhost")

    def script(ask: Ask) -> Sequence[Reply]:
        return [ask.answer(), context] if ask.kind == "extended" else [ask.answer()]

    with HostileLDAP(script) as server:
        session = session_for(server.url, start_tls=True, ca_file=str(authority.ca_file))
        session.open(Deadline(5))
        bind(session)
        session.close()

        assert server.kinds[:2] == ["extended", "bind"]


@pytest.mark.sec("LDAP-26")
def test_start_tls_checks_the_certificate(authority: Authority, tmp_path: Path) -> None:
    """After StartTLS a certificate of another name or authority ends the connection."""
    context = server_context(Authority(tmp_path, "other"), "localhost")
    with HostileLDAP(lambda ask: [ask.answer(), context]) as server:
        session = session_for(server.url, start_tls=True, ca_file=str(authority.ca_file))
        with pytest.raises(DirectoryError) as error:
            session.open(Deadline(5))
        session.close()

        assert error.value.reason == "tls"
        assert server.kinds == ["extended"]


def test_start_tls_works_with_a_real_server(slapd: Slapd) -> None:
    """OpenLDAP takes StartTLS and a bind inside of it."""
    session = session_for(slapd.url, start_tls=True, ca_file=str(slapd.ca_file))
    session.open(Deadline(5))
    answer = session.bind(slapd.service_dn, slapd.service_password.encode(), Deadline(5))
    session.close()

    assert answer.code == 0


@pytest.mark.sec("ASVS-12.3.1")
@pytest.mark.parametrize("shown", [True, False])
def test_a_server_may_ask_for_our_certificate(authority: Authority, shown: bool) -> None:
    """Where the server demands one, the configured certificate is what it gets; without one nothing works."""
    context = server_context(authority, "localhost")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.ca_file)
    ours = authority.issue("client.example.org")
    mine = {"client_cert": str(ours.certificate), "client_key": str(ours.key)} if shown else {}
    with HostileLDAP(lambda ask: [ask.answer()], tls=context) as server:
        session = session_for(server.url, ca_file=str(authority.ca_file), **mine)
        try:
            session.open(Deadline(5))
            code = bind(session)
        except DirectoryError:
            code = -1
        session.close()

        assert (code == 0) is shown
        assert ("bind" in server.kinds) is shown


@pytest.mark.sec("LDAP-25")
@pytest.mark.parametrize(
    ("names", "host", "right"),
    [
        (["*.example.org"], "ldap.example.org", True),
        (["ldap.example.org"], "LDAP.example.org.", True),
        (["*.example.org"], "example.org", False),
        (["*.example.org"], "a.b.example.org", False),
        (["l*.example.org"], "ldap.example.org", False),
        (["*.org"], "ldap.example.org", False),
        (["ldap.example.org.evil.example.net"], "ldap.example.org", False),
    ],
)
def test_names_match_as_a_whole(authority: Authority, names: list[str], host: str, right: bool) -> None:
    """A wildcard is one whole first part; the name that is asked for is told to the server (RFC 6066 §3)."""
    told: list[str | None] = []
    context = server_context(authority, *names)
    context.sni_callback = lambda _, name, __: told.append(name)
    trusted = tls_context(TLSSettings(ca_file=str(authority.ca_file)))
    with HostileLDAP(lambda ask: [ask.answer()], tls=context) as server:
        wire = connect("127.0.0.1", server.port, Deadline(5), 5)
        try:
            secure(wire, trusted, host, 5).close()
            reason = None
        except DirectoryError as error:
            reason = error.reason

    assert reason == (None if right else "tls")
    assert [(name or "").lower() for name in told] == [host.lower().rstrip(".")]
