"""Sockets with an end, and TLS that is checked."""

from __future__ import annotations

import socket
import ssl
import struct
import time
from collections.abc import Iterator
from typing import Any

import pytest

from onegov_auth.testing.servers.certificates import Authority
from onegov_auth_ldap.errors import DirectoryError
from onegov_auth_ldap.settings import TLSSettings
from onegov_auth_ldap.wire import Deadline, Wire, connect, secure, tls_context


@pytest.fixture
def pair() -> Iterator[tuple[Wire, socket.socket]]:
    """Two ends of one connection."""
    ours, theirs = socket.socketpair()
    with theirs:
        wire = Wire(ours)
        yield wire, theirs
        wire.close()


@pytest.mark.sec("LDAP-30")
def test_a_silent_server_ends_in_time(pair: tuple[Wire, socket.socket]) -> None:
    """A read takes no longer than was allowed."""
    wire, _ = pair
    wire.allow(0.05)
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        wire.recv(10)

    assert wire.trouble == "timeout"
    assert time.monotonic() - start < 1


@pytest.mark.sec("LDAP-30")
def test_a_dripping_server_ends_in_time(pair: tuple[Wire, socket.socket]) -> None:
    """An octet now and then does not prolong an operation."""
    wire, theirs = pair
    wire.allow(0.1)
    with pytest.raises(TimeoutError):
        while True:
            theirs.send(b"x")
            time.sleep(0.02)
            wire.recv(1)

    assert wire.trouble == "timeout"


@pytest.mark.sec("LDAP-30")
def test_a_server_that_does_not_read_ends_in_time(pair: tuple[Wire, socket.socket]) -> None:
    """Sending takes no longer than was allowed."""
    wire, _ = pair
    wire.allow(0.05)
    with pytest.raises(TimeoutError):
        wire.sendall(b"x" * 50_000_000)

    assert wire.trouble == "timeout"


@pytest.mark.sec("LDAP-36")
def test_a_flood_ends(pair: tuple[Wire, socket.socket]) -> None:
    """An answer is no larger than was allowed."""
    wire, theirs = pair
    wire.allow(5, octets=10)
    theirs.send(b"x" * 11)
    with pytest.raises(OSError, match="too large"):
        wire.recv(100)

    assert wire.trouble == "too_large"


def test_every_operation_has_its_own_limits(pair: tuple[Wire, socket.socket]) -> None:
    """What one operation used up does not count for the next."""
    wire, theirs = pair
    for _ in range(3):
        wire.allow(5, octets=10)
        theirs.send(b"x" * 10)
        assert wire.recv(100) == b"x" * 10


@pytest.mark.sec("LDAP-31")
def test_quiet_means_nothing_came(pair: tuple[Wire, socket.socket]) -> None:
    """A connection on which something came unasked, or that ended, is not quiet."""
    wire, theirs = pair
    assert wire.quiet()
    theirs.send(b"x")
    assert not wire.quiet()
    wire.close()
    assert not wire.quiet()


def test_an_end_is_not_quiet(pair: tuple[Wire, socket.socket]) -> None:
    """A connection that the other side closed is not quiet."""
    wire, theirs = pair
    theirs.shutdown(socket.SHUT_WR)

    assert not wire.quiet()


def test_the_deadline_shortens_everything() -> None:
    """What is left of a login is the limit of each part, and nothing left is an error."""
    assert Deadline(60).left(5) == 5
    assert Deadline(1).left(5) <= 1
    with pytest.raises(DirectoryError, match="timeout"):
        Deadline(0).left(5)


@pytest.mark.parametrize("host", ["localhost", "no-such-host.invalid", "bad host", "a" * 70])
def test_no_connection_is_an_error_of_ours(host: str) -> None:
    """A port where nobody listens and a host that is none are told as such."""
    with pytest.raises(DirectoryError) as error:
        connect(host, 1, Deadline(5), 1)

    assert error.value.reason == "connect"


def test_an_address_that_swallows_is_a_timeout() -> None:
    """Where connecting takes too long, the reason is the time."""
    # A backlog that is full drops further connections, as a firewall does.
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for client in (first, second):
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        time.sleep(0.05)
        with pytest.raises(DirectoryError) as error:
            connect("127.0.0.1", full.getsockname()[1], Deadline(5), 0.1)

    assert error.value.reason == "timeout"


def test_a_handshake_has_an_end(pair: tuple[Wire, socket.socket]) -> None:
    """A server that does not answer to TLS is left in time."""
    wire, _ = pair
    with pytest.raises(DirectoryError) as error:
        secure(wire, tls_context(TLSSettings()), "localhost", 0.05)

    assert error.value.reason == "timeout"


def test_a_broken_handshake_is_an_error_of_ours(pair: tuple[Wire, socket.socket]) -> None:
    """A server that answers something else to TLS is left."""
    wire, theirs = pair
    theirs.send(b"no TLS here at all, sorry")
    with pytest.raises(DirectoryError) as error:
        secure(wire, tls_context(TLSSettings()), "localhost", 5)

    assert error.value.reason == "tls"


@pytest.mark.sec("LDAP-24")
def test_a_connection_that_was_lost_is_not_secured() -> None:
    """Where the other side reset the connection there is no handshake, and nothing that passes for TLS."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        wire = connect("127.0.0.1", server.getsockname()[1], Deadline(5), 1)
        theirs, _ = server.accept()
        # A linger of nothing makes closing a reset.
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        theirs.close()
        with pytest.raises(DirectoryError) as error:
            secure(wire, tls_context(TLSSettings()), "localhost", 5)

    assert error.value.reason in {"connection", "tls"}


@pytest.mark.sec("LDAP-24")
def test_a_shell_without_a_handshake_is_not_secured(pair: tuple[Wire, socket.socket]) -> None:
    """What was wrapped and never agreed on anything is not taken for TLS."""

    class Lazy(ssl.SSLContext):
        """Wraps, and shakes no hands."""

        def wrap_socket(self, sock: socket.socket, **keys: Any) -> ssl.SSLSocket:  # type: ignore[override]  # as called here
            return super().wrap_socket(sock, do_handshake_on_connect=False, **keys)

    wire, _ = pair
    with pytest.raises(DirectoryError, match="lost before TLS"):
        secure(wire, Lazy(ssl.PROTOCOL_TLS_CLIENT), "localhost", 1)


@pytest.mark.sec("LDAP-24", "LDAP-25")
def test_certificates_and_names_are_checked(tmp_path: object) -> None:
    """The context demands a certificate and checks the host name, unless verification is off."""
    checked, unchecked = tls_context(TLSSettings()), tls_context(TLSSettings(verify=False))

    assert (checked.verify_mode, checked.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert (unchecked.verify_mode, unchecked.check_hostname) == (ssl.CERT_NONE, False)


@pytest.mark.sec("LDAP-24")
def test_only_the_configured_authority_is_trusted(tmp_path_factory: pytest.TempPathFactory) -> None:
    """With a ca_file the system's authorities don't count."""
    authority = Authority(tmp_path_factory.mktemp("ca"))
    trusted = tls_context(TLSSettings(ca_file=str(authority.ca_file))).get_ca_certs()

    assert len(trusted) == 1
