from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpcore
import pytest

from onegov_auth.testing.servers.certificates import Authority, Certificate
from onegov_auth.testing.servers.hostile_oidc import HostileOidcProvider, Reply
from onegov_auth_oidc.errors import OIDCUnreachableError
from onegov_auth_oidc.http import Http
from onegov_auth_oidc.network import (
    ForbiddenAddressError,
    GuardedBackend,
    Route,
    Zone,
    deadline,
    make_client,
    resolve,
    zone_of,
)


@pytest.mark.sec("OAUTH-26")
@pytest.mark.parametrize(
    ("address", "zone"),
    [
        ("93.184.216.34", Zone.PUBLIC),
        ("2606:2800:220:1::1", Zone.PUBLIC),
        ("10.0.0.1", Zone.PRIVATE),
        ("192.168.1.1", Zone.PRIVATE),
        ("100.64.0.1", Zone.PRIVATE),
        ("fd00::1", Zone.PRIVATE),
        ("127.0.0.1", Zone.LOOPBACK),
        ("::1", Zone.LOOPBACK),
        ("::ffff:127.0.0.1", Zone.LOOPBACK),
        ("::ffff:169.254.169.254", Zone.FORBIDDEN),
        ("64:ff9b::a9fe:a9fe", Zone.FORBIDDEN),
        ("2002:a9fe:a9fe::1", Zone.FORBIDDEN),
        ("64:ff9b::0a00:1", Zone.PRIVATE),
        ("169.254.169.254", Zone.FORBIDDEN),
        ("fe80::1%eth0", Zone.FORBIDDEN),
        ("0.0.0.0", Zone.FORBIDDEN),
        ("224.0.0.1", Zone.FORBIDDEN),
    ],
)
def test_zones(address: str, zone: Zone) -> None:
    """An address is as far inside as it is, also in another notation."""
    assert zone_of(address) is zone


@pytest.fixture(name="port")
def _port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def names(**known: list[str]) -> Callable[[str, int], list[str]]:
    def lookup(host: str, _: int) -> list[str]:
        if host not in known:
            raise OSError("unknown")
        return known[host]

    return lookup


@pytest.mark.sec("OAUTH-26", "ASVS-1.3.6")
@pytest.mark.parametrize("issuer", [["93.184.216.34"], ["10.0.0.1"]], ids=["public", "private"])
def test_an_issuer_cannot_lead_to_this_machine(port: int, issuer: list[str]) -> None:
    """A name that leads to this machine is not asked for an issuer that is elsewhere."""
    backend = GuardedBackend("issuer", names(issuer=issuer, other=["127.0.0.1"]))

    with pytest.raises(ForbiddenAddressError):
        backend.connect_tcp("other", port)


@pytest.mark.sec("OAUTH-26")
def test_nobody_leads_to_a_cloud_machines_credentials(port: int) -> None:
    """A link-local address is not asked, not even for the issuer itself."""
    backend = GuardedBackend("issuer", names(issuer=["169.254.169.254"]))

    with pytest.raises(ForbiddenAddressError):
        backend.connect_tcp("issuer", port)


def test_an_issuer_on_this_machine_may_name_others_there(port: int) -> None:
    """A test provider and its endpoints are both on this machine, and the next address is tried."""
    backend = GuardedBackend("issuer", names(issuer=["127.0.0.1"], other=["::1", "127.0.0.1"]))
    backend.connect_tcp("other", port, 1.0).close()


@pytest.mark.parametrize("host", ["issuer", "other"])
def test_an_unknown_name_is_a_connect_error(port: int, host: str) -> None:
    """A name that is not known can't be connected to."""
    backend = GuardedBackend("issuer", names())

    with pytest.raises(httpcore.ConnectError):
        backend.connect_tcp(host, port)


def test_nobody_listening_is_a_connect_error() -> None:
    """An address that refuses is an error, and not a forbidden one."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        backend = GuardedBackend("localhost", names(localhost=["127.0.0.1"]))

        with pytest.raises(httpcore.ConnectError) as caught:
            backend.connect_tcp("localhost", taken.getsockname()[1], 1.0)

    assert not isinstance(caught.value, ForbiddenAddressError)


def test_names_are_resolved_by_the_system() -> None:
    """Each address of a name is told once."""
    assert resolve("127.0.0.1", 80) == ["127.0.0.1"]


def test_a_deadline_inside_of_another_is_no_longer(op: HostileOidcProvider) -> None:
    """One question can't take more time than all of them have together, and what comes after has its own again."""
    with make_client(Route(op.issuer)) as client:
        with deadline(0), deadline(10), pytest.raises(httpcore.ReadTimeout):
            client.get(f"{op.issuer}/jwks")
        with deadline(10):
            assert client.get(f"{op.issuer}/jwks").status_code == 200


def test_a_deadline_that_is_over_reads_nothing(op: HostileOidcProvider) -> None:
    """When the time for the whole exchange is over, not even a connection is made."""
    with make_client(Route(op.issuer)) as client, deadline(0), pytest.raises(httpcore.ReadTimeout):
        client.get(f"{op.issuer}/jwks")

    assert op.calls == []


def test_the_client_believes_nothing_of_its_surroundings(
    op: HostileOidcProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No proxy of the environment, no redirect, no cookie from the request before."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    op.replies["/a"] = Reply(302, [], {"Location": f"{op.issuer}/b", "Set-Cookie": "who=alice; Path=/"})
    with make_client(Route(op.issuer)) as client:
        first = client.get(f"{op.issuer}/a")
        client.get(f"{op.issuer}/c")

    assert first.status_code == 302
    assert op.paths() == ["/a", "/c"]
    assert "cookie" not in op.call("/c").headers
    assert op.call("/c").headers["accept-encoding"] == "identity"


class _Ok(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        pass


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that does not believe the certificate hangs up, which is no error of the test."""


@contextmanager
def tls_server(certificate: Certificate) -> Iterator[int]:
    server = _Quiet(("127.0.0.1", 0), _Ok)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.sec("OIDCX-35")
def test_a_certificate_is_checked(tmp_path: Path) -> None:
    """A server is asked if its certificate is vouched for, and is for the name it was asked by."""
    authority = Authority(tmp_path)
    trusting = ssl.create_default_context(cafile=str(authority.ca_file))
    with tls_server(authority.issue("localhost")) as port:
        with make_client(Route("https://localhost"), tls=trusting) as client:
            assert client.get(f"https://localhost:{port}").text == "ok"
        with make_client(Route("https://127.0.0.1"), tls=trusting) as client, pytest.raises(httpcore.ConnectError):
            client.get(f"https://127.0.0.1:{port}")
        with make_client(Route("https://localhost")) as client, pytest.raises(httpcore.ConnectError):
            client.get(f"https://localhost:{port}")


@pytest.mark.sec("OIDCX-35")
def test_the_doctor_is_told_of_a_certificate(tmp_path: Path) -> None:
    """A certificate nobody vouches for is said to be the reason."""
    with tls_server(Authority(tmp_path).issue("localhost")) as port:
        http = Http(make_client(Route("https://localhost")))
        with closing(http), pytest.raises(OIDCUnreachableError, match="tls: localhost: CERTIFICATE_VERIFY_FAILED"):
            http.get(f"https://localhost:{port}")


def test_a_question_goes_out_when_its_answer_is_waited_for() -> None:
    """What is written one by one is sent in one piece; nothing of it is there before somebody reads."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        stream = GuardedBackend("localhost").connect_tcp("127.0.0.1", server.getsockname()[1])
        other, _ = server.accept()
        with other:
            stream.write(b"head ")
            stream.write(b"body")
            other.settimeout(0.2)
            with pytest.raises(TimeoutError):
                other.recv(1)
            other.settimeout(5)
            other.sendall(b"answer")
            assert stream.read(100) == b"answer"
            assert other.recv(100) == b"head body"
        stream.close()
