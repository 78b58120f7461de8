from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path
from threading import Thread
from typing import ClassVar

import httpcore
import pytest

from onegov_auth.testing.servers.certificates import Authority
from onegov_auth.testing.servers.hostile_oidc import HostileOidcProvider, Reply
from onegov_auth_oidc import OIDCProvider
from onegov_auth_oidc.connections import Client, Route, _target, make_client
from onegov_auth_oidc.errors import OIDCUnreachableError
from onegov_auth_oidc.http import Http
from onegov_auth_oidc.network import ForbiddenAddressError, deadline

Start = Callable[[Authority, str], int]


def body(client: Client, url: str) -> bytes:
    with closing(client.ask("GET", url, {}, None)) as answer:
        return answer.read()


def test_the_client_believes_nothing_of_its_surroundings(
    op: HostileOidcProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No proxy of the environment, no redirect, no cookie from the request before."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    op.replies["/a"] = Reply(302, [], {"Location": f"{op.issuer}/b", "Set-Cookie": "who=alice; Path=/"})
    with closing(make_client(Route(op.issuer))) as client:
        with closing(client.ask("GET", f"{op.issuer}/a", {}, None)) as first:
            assert first.status == 302
        body(client, f"{op.issuer}/c")

    assert op.paths() == ["/a", "/c"]
    assert "cookie" not in op.call("/c").headers


def test_what_is_said_with_a_question(op: HostileOidcProvider) -> None:
    """No compressed answer is wanted; the length is that of the body, and headers of the caller take precedence."""
    with closing(make_client(Route(op.issuer))) as client:
        client.ask("POST", f"{op.issuer}/a", {"Accept": "text/plain"}, b"x=1").close()
        client.ask("POST", f"{op.issuer}/b", {}, b"").close()

    asked = op.call("/a").headers
    assert (asked["accept-encoding"], asked["accept"], asked["content-length"]) == ("identity", "text/plain", "3")
    assert asked["host"] == op.issuer.removeprefix("http://")
    assert op.call("/a").form == {"x": "1"}
    assert (op.call("/b").headers["accept"], op.call("/b").headers["content-length"]) == ("application/json", "0")


def test_a_client_that_is_closed_asks_nobody(op: HostileOidcProvider) -> None:
    """Who still has it is refused, and opens no connection that nobody closes any more."""
    client = make_client(Route(op.issuer))
    client.close()

    with pytest.raises(RuntimeError, match="closed"):
        client.ask("GET", op.issuer, {}, None)

    assert op.calls == []


class Keeping(BaseHTTPRequestHandler):
    """Keeps connections open, and counts them."""

    protocol_version = "HTTP/1.1"
    opened: ClassVar[list[object]]

    def setup(self) -> None:
        """Count one more."""
        super().setup()
        self.opened.append(self.client_address)

    def do_GET(self) -> None:
        """Say yes."""
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """The test looks at ``opened``."""


@contextmanager
def keeping() -> Iterator[tuple[str, list[object]]]:
    opened: list[object] = []
    handler = type("Handler", (Keeping,), {"opened": opened})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", opened
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(("idle", "connections"), [(2.0, 1), (4.0, 2)])
def test_a_connection_is_kept_for_a_while(monkeypatch: pytest.MonkeyPatch, idle: float, connections: int) -> None:
    """The next question goes over the same one, but not in the moment when a server may close it."""
    now = [time.monotonic()]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with keeping() as (issuer, opened), closing(make_client(Route(issuer))) as client:
        body(client, issuer)
        now[0] += idle
        body(client, issuer)

    assert len(opened) == connections


@pytest.mark.sec("OIDCX-35")
def test_a_certificate_is_checked(tls_server: Start, tmp_path: Path) -> None:
    """A server is asked if its certificate is vouched for, and is for the name it was asked by."""
    authority = Authority(tmp_path)
    trusting = ssl.create_default_context(cafile=str(authority.ca_file))
    port = tls_server(authority, "localhost")
    with closing(make_client(Route("https://localhost"), tls=trusting)) as client:
        assert body(client, f"https://localhost:{port}") == b"ok"
    with closing(make_client(Route("https://127.0.0.1"), tls=trusting)) as client, pytest.raises(httpcore.ConnectError):
        body(client, f"https://127.0.0.1:{port}")
    with closing(make_client(Route("https://localhost"))) as client, pytest.raises(httpcore.ConnectError):
        body(client, f"https://localhost:{port}")


@pytest.mark.sec("OIDCX-35")
def test_a_deadline_holds_over_tls(tls_server: Start, tmp_path: Path) -> None:
    """What is encrypted is waited for no longer than anything else."""
    ours = Authority(tmp_path)
    port = tls_server(ours, "localhost")
    with (
        closing(make_client(Route("https://localhost", ca_file=ours.ca_file))) as client,
        closing(client.ask("GET", f"https://localhost:{port}", {}, None)) as answer,
        deadline(0),
        pytest.raises(httpcore.ReadTimeout),
    ):
        answer.read()


@pytest.mark.sec("OAUTH-26")
@pytest.mark.parametrize(
    ("allow", "expected"),
    [("127.0.0.0/8", nullcontext()), ("10.0.0.0/8", pytest.raises(ForbiddenAddressError))],
    ids=["allowed", "another"],
)
def test_the_route_says_which_inner_networks_are_allowed(
    op: HostileOidcProvider, allow: str, expected: AbstractContextManager[object]
) -> None:
    """An issuer outside of them may lead into those, and into no others."""
    route = Route("https://issuer", allow=(ip_network(allow),))
    found = {"issuer": ["93.184.216.34"], "other": ["127.0.0.1"]}
    with closing(make_client(route, resolve=lambda host, _: found[host])) as client, expected:
        body(client, op.issuer.replace("127.0.0.1", "other") + "/jwks")


@pytest.mark.sec("OIDCX-35")
def test_the_doctor_is_told_of_a_certificate(tls_server: Start, tmp_path: Path) -> None:
    """A certificate nobody vouches for is said to be the reason."""
    port = tls_server(Authority(tmp_path), "localhost")
    http = Http(make_client(Route("https://localhost")))
    with closing(http), pytest.raises(OIDCUnreachableError, match="tls: localhost: CERTIFICATE_VERIFY_FAILED"):
        http.get(f"https://localhost:{port}")


@pytest.mark.sec("OIDCX-35")
def test_only_the_own_authority_is_believed(tls_server: Start, tmp_path: Path) -> None:
    """The file takes the place of the system's authorities."""
    ours, theirs = (Authority.at(tmp_path / name) for name in ("ours", "theirs"))
    port = tls_server(ours, "localhost")
    with closing(make_client(Route("https://localhost", ca_file=ours.ca_file))) as client:
        assert body(client, f"https://localhost:{port}") == b"ok"
    client = make_client(Route("https://localhost", ca_file=theirs.ca_file))
    with closing(client), pytest.raises(httpcore.ConnectError):
        body(client, f"https://localhost:{port}")


def test_the_settings_reach_the_connections(
    make: Callable[..., OIDCProvider], tls_server: Start, tmp_path: Path
) -> None:
    """The key in the block is what the provider is asked with."""
    ours = Authority(tmp_path)
    issuer = f"https://localhost:{tls_server(ours, 'localhost')}"
    provider = make(issuer=issuer, network={"ca_file": str(ours.ca_file)})

    assert provider._server.http.get(issuer).body == b"ok"


@pytest.mark.parametrize(
    ("url", "expected", "host"),
    [
        ("https://ID.example.com", "https://id.example.com/", "id.example.com"),
        ("https://id.example.com?x=1", "https://id.example.com/?x=1", "id.example.com"),
        ("https://id.example.com:443/a", "https://id.example.com/a", "id.example.com"),
        ("https://id.example.com:80/a", "https://id.example.com:80/a", "id.example.com:80"),
        ("http://localhost:8080//a", "http://localhost:8080//a", "localhost:8080"),
        ("https://[::1]:8443/a", "https://::1:8443/a", "[::1]:8443"),
        ("https://id.example.com/a;b?c;d=e%20f", "https://id.example.com/a;b?c;d=e%20f", "id.example.com"),
        ('https://id.example.com/{a}"<b>', "https://id.example.com/%7Ba%7D%22%3Cb%3E", "id.example.com"),
    ],
)
def test_an_address_is_asked_for_as_it_is(url: str, expected: str, host: str) -> None:
    """Nothing of it is lost, and only what must not be in an address (RFC 3986 §2) is written otherwise."""
    target, header = _target(url)

    assert bytes(target) == expected.encode()
    assert header == host.encode()
