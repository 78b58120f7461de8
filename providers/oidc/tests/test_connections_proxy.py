"""The way over a proxy."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import httpcore
import pytest

from onegov_auth.providers import VerifiedIdentity
from onegov_auth.testing.servers.certificates import Authority
from onegov_auth.testing.servers.hostile_oidc import HostileOidcProvider
from onegov_auth_oidc import OIDCProvider
from onegov_auth_oidc.connections import Route, make_client
from onegov_auth_oidc.errors import OIDCUnreachableError
from onegov_auth_oidc.http import Http


class Proxy(BaseHTTPRequestHandler):
    """Passes requests on, and lets connections through to wherever its ``leads`` says."""

    seen: ClassVar[list[tuple[str, str | None]]]
    leads: ClassVar[tuple[str, int]]

    def do_GET(self) -> None:
        """Pass it on."""
        self._pass_on()

    def do_POST(self) -> None:
        """Pass it on."""
        self._pass_on()

    def do_HEAD(self) -> None:
        """Pass it on."""
        self._pass_on()

    def do_CONNECT(self) -> None:
        """Let bytes through both ways until one side has enough."""
        self.seen.append((self.path, self.headers.get("Proxy-Authorization")))
        with socket.create_connection(self.leads) as inner:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=_pump, args=(inner, self.connection))
            back.start()
            _pump(self.connection, inner)
            back.join()
        self.close_connection = True

    def _pass_on(self) -> None:
        self.seen.append((self.path, self.headers.get("Proxy-Authorization")))
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        host, port = self.leads
        lines = [f"{self.command} /{self.path.split('/', 3)[3]} HTTP/1.0"]
        lines += [f"{name}: {value}" for name, value in self.headers.items() if not name.startswith("Proxy-")]
        with socket.create_connection((host, port)) as inner:
            inner.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            _pump(inner, self.connection)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """The test looks at ``seen``."""


def _pump(source: socket.socket, target: socket.socket) -> None:
    # Whoever does not believe a certificate hangs up, which is no error of the proxy.
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@contextmanager
def proxy_to(port: int) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """A proxy whose every way leads to this machine's *port*: its address, and what it was asked for."""
    handler = type("Handler", (Proxy,), {"seen": [], "leads": ("127.0.0.1", port)})
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as own:
        yield f"http://127.0.0.1:{own}", handler.seen  # type: ignore[attr-defined]  # it is made above


@contextmanager
def serving(server: HTTPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_login_over_a_proxy(
    op: HostileOidcProvider, make: Callable[..., OIDCProvider], log_in: Callable[..., Any]
) -> None:
    """Everything goes over the proxy, with the name and password of its address."""
    port = int(op.issuer.rpartition(":")[2])
    with proxy_to(port) as (address, seen):
        named = address.replace("http://", "http://jane:p%40ss@")
        identity = log_in(make(network={"proxy": named}, userinfo="always"))

    assert isinstance(identity, VerifiedIdentity), identity
    assert [path.removeprefix(op.issuer) for path, _ in seen] == [
        "/.well-known/openid-configuration",
        "/token",
        "/jwks",
        "/userinfo",
    ]
    assert {authorization for _, authorization in seen} == {"Basic amFuZTpwQHNz"}


@pytest.mark.sec("OIDCX-35")
def test_a_proxy_sees_no_content(tls_server: Callable[[Authority, str], int], tmp_path: Path) -> None:
    """TLS goes through to the provider, whose certificate has to be right."""
    authority = Authority(tmp_path)
    with proxy_to(tls_server(authority, "id.example.com")) as (address, seen):
        trusting = Route("https://id.example.com", proxy=address, ca_file=authority.ca_file)
        with (
            closing(make_client(trusting)) as client,
            closing(client.ask("GET", "https://id.example.com/x", {}, None)) as answer,
        ):
            assert answer.read() == b"ok"
        client = make_client(Route("https://id.example.com", proxy=address))
        with closing(client), pytest.raises(httpcore.ConnectError):
            client.ask("GET", "https://id.example.com/x", {}, None)

    assert {path for path, _ in seen} == {"id.example.com:443"}


@pytest.mark.sec("OAUTH-26")
@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "0177.0.0.1", "127.1", "2130706433", "0xa9fea9fe"],
)
def test_a_proxy_is_not_asked_for_inner_addresses(host: str) -> None:
    """What is written as an address inside is refused before the proxy is asked; where names lead it decides."""
    with proxy_to(1) as (address, seen):
        http = Http(make_client(Route("https://id.example.com", proxy=address)))
        with closing(http), pytest.raises(OIDCUnreachableError, match="address"):
            http.get(f"https://{host}/keys")

    assert seen == []


def test_a_proxy_that_wants_to_know_who_asks_is_told_of() -> None:
    """A refusal of the proxy itself is as good as no way."""

    class Refusing(BaseHTTPRequestHandler):
        """Lets nobody through."""

        def do_CONNECT(self) -> None:
            """Refuse."""
            self.send_error(407)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Refusing)) as port:
        http = Http(make_client(Route("https://id.example.com", proxy=f"http://127.0.0.1:{port}")))
        with closing(http), pytest.raises(OIDCUnreachableError, match="unreachable"):
            http.get("https://id.example.com/keys")


def test_a_proxy_that_is_off_is_said_to_be(op: HostileOidcProvider) -> None:
    """Without the proxy the provider is not reached another way."""
    with proxy_to(1) as (address, _):
        pass
    http = Http(make_client(Route(op.issuer, proxy=address)), plain_loopback=True)
    with closing(http), pytest.raises(OIDCUnreachableError, match="unreachable"):
        http.get(op.issuer)

    assert op.calls == []


def test_the_password_of_the_proxy_is_not_shown() -> None:
    """It stands in no message and no log."""
    assert "s3cret" not in repr(Route("https://id.example.com", proxy="http://jane:s3cret@proxy:3128"))
