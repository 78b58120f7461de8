"""The hostile LDAP server does as it is told, and writes down what it is asked."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from onegov_auth.testing.servers.certificates import Authority
from onegov_auth.testing.servers.hostile_ldap import Ask, HostileLDAP, Reply, done, entry, message, reference, tlv

#: A simple bind of "cn=x" with "secret" as message 7, octet by octet (RFC 4511 §4.2).
BIND = bytes.fromhex("3016020107 6011 020103 0404636e3d78 8006736563726574")
UNBIND = bytes.fromhex("3005020108 4200")


def talk(server: HostileLDAP, *requests: bytes) -> bytes:
    """Send *requests* and read until the other side is silent or gone."""
    received = b""
    with socket.create_connection(("127.0.0.1", server.port), 5) as client:
        for request in requests:
            client.sendall(request)
        client.settimeout(0.3)
        try:
            while more := client.recv(4096):
                received += more
        except (TimeoutError, ConnectionResetError):
            pass
    return received


def test_elements_are_ber() -> None:
    """Short and long lengths are definite, as X.690 §8.1.3 writes them."""
    assert tlv(0x04, b"ab") == b"\x04\x02ab"
    assert tlv(0x04, b"x" * 200)[:3] == b"\x04\x81\xc8"
    assert tlv(0x04, b"x" * 70000)[:5] == b"\x04\x83\x01\x11\x70"


def test_a_request_is_written_down_and_answered() -> None:
    """A bind is told with its parts, and answered under its own number."""
    with HostileLDAP(lambda ask: [ask.answer(49, "no")]) as server:
        answer = talk(server, BIND)

        assert [(ask.id, ask.kind, ask.parts) for ask in server.asked] == [(7, "bind", (b"\x03", b"cn=x", b"secret"))]
        assert answer == message(7, done(0x61, 49, "no"))
        assert server.url == f"ldap://localhost:{server.port}"


def test_replies_are_sent_in_order() -> None:
    """Octets, pauses and an end follow each other as the script says."""

    def script(ask: Ask) -> Sequence[Reply]:
        return [b"a", 0.05, b"b", None, b"c"]

    with HostileLDAP(script) as server:
        assert talk(server, BIND) == b"ab"


def test_a_goodbye_ends_the_connection() -> None:
    """After an unbind nothing is answered."""
    with HostileLDAP(lambda ask: [ask.answer()]) as server:
        assert talk(server, UNBIND, BIND) == b""
        assert server.kinds == ["unbind"]


@pytest.mark.parametrize("noise", [b"\x16\x03\x01", b"\x30", b"\x30\x82\x01", b"\x30\x00", b"\x30\x03\x02\x01\x01"])
def test_noise_ends_the_connection(noise: bytes) -> None:
    """What is no request is no error of the server either."""
    with HostileLDAP(lambda ask: [ask.answer()]) as server:
        assert talk(server, noise) == b""
        assert server.asked == []


def test_it_ends_at_once() -> None:
    """A client that stays, and a long pause, don't hold the end of a test."""
    start = time.monotonic()
    with HostileLDAP(lambda ask: [60.0]) as server, socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(BIND)
        time.sleep(0.1)

    assert time.monotonic() - start < 5


def test_entries_and_references_are_messages() -> None:
    """Search results hold names, values and addresses."""
    assert entry("cn=x", {"cn": [b"x"]}) == bytes.fromhex("6413 0404636e3d78 300b 3009 0402636e 3103 040178")
    assert reference("ldap://x").endswith(b"ldap://x")
    assert entry(b"\xff", {})[2:5] == b"\x04\x01\xff"


def test_tls_from_the_beginning_or_later(tmp_path: Path) -> None:
    """It speaks ldaps, or starts TLS in the middle; a client that does not trust it leaves without harm."""
    authority = Authority(tmp_path)
    issued = authority.issue("localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    trusting = ssl.create_default_context(cafile=str(authority.ca_file))
    with HostileLDAP(lambda ask: [ask.answer()], tls=context) as server:
        assert server.url.startswith("ldaps://")
        with socket.create_connection(("127.0.0.1", server.port), 5) as raw, pytest.raises(ssl.SSLError):
            ssl.create_default_context().wrap_socket(raw, server_hostname="localhost")
        with (
            socket.create_connection(("127.0.0.1", server.port), 5) as raw,
            trusting.wrap_socket(raw, server_hostname="localhost") as client,
        ):
            client.sendall(BIND)
            assert client.recv(100) == message(7, done(0x61))

    with (
        HostileLDAP(lambda ask: [ask.answer(), context]) as server,
        socket.create_connection(("127.0.0.1", server.port), 5) as raw,
    ):
        raw.sendall(BIND)
        assert raw.recv(100) == message(7, done(0x61))
        with trusting.wrap_socket(raw, server_hostname="localhost") as client:
            assert client.version() in {"TLSv1.2", "TLSv1.3"}


def test_a_referral_names_another_server() -> None:
    """A result may carry where to go (RFC 4511 §4.1.10)."""
    assert done(0x65, 10, referral="ldap://x").endswith(b"\xa3\x0a\x04\x08ldap://x")
