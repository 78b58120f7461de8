"""The throw-away certificate authority, against Python's own TLS."""

from __future__ import annotations

import socket
import ssl
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest

from onegov_auth.clock import utcnow
from onegov_auth.testing.servers.certificates import Authority, Certificate


def shake_hands(issued: Certificate, ca_file: Path, name: str) -> str | None:
    """The TLS version a strictly verifying client and a server with this certificate agree upon."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(issued.certificate, issued.key)
    client = ssl.create_default_context(cafile=str(ca_file))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with theirs:
            try:
                server.wrap_socket(theirs, server_side=True).close()
            except OSError:
                theirs.close()

    thread = Thread(target=serve)
    thread.start()
    try:
        with ours, client.wrap_socket(ours, server_hostname=name) as connection:
            return connection.version()
    finally:
        ours.close()
        thread.join()


@pytest.fixture(name="authority")
def _authority(tmp_path: Path) -> Authority:
    return Authority.at(tmp_path / "tls")


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_a_strict_client_accepts_names_and_addresses(authority: Authority, name: str) -> None:
    """Python 3.13's strict verification accepts the chain for every name in it."""
    issued = authority.issue("localhost", "127.0.0.1")

    assert shake_hands(issued, authority.ca_file, name) == "TLSv1.3"


def test_another_name_is_refused(authority: Authority) -> None:
    """A certificate is good for its names only."""
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake_hands(authority.issue("localhost"), authority.ca_file, "other.example.org")


def test_another_authority_is_refused(authority: Authority, tmp_path: Path) -> None:
    """A certificate is good for those who trust its authority only."""
    stranger = Authority(tmp_path, "stranger")
    with pytest.raises(ssl.SSLCertVerificationError, match="verify failed"):
        shake_hands(authority.issue("localhost"), stranger.ca_file, "localhost")


def test_an_expired_certificate_is_refused(authority: Authority) -> None:
    """A certificate can be issued that has ended."""
    issued = authority.issue("localhost", expires=utcnow() - timedelta(days=1))
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        shake_hands(issued, authority.ca_file, "localhost")


def test_keys_are_private(authority: Authority) -> None:
    """A key file is readable by its owner only."""
    assert authority.issue("*.example.org").key.stat().st_mode & 0o077 == 0
