from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import httpx
import pytest

from onegov_auth.testing.servers.certificates import Authority
from onegov_auth.testing.servers.hostile_http import Call, HostileServer, Reply, json_reply


class Echo(HostileServer):
    """Answers what it was asked."""

    def right(self, call: Call) -> Reply:
        """Method, path and form."""
        return json_reply({"method": call.method, "path": call.path, **call.form})


@pytest.fixture(name="server")
def _server() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.close()


def test_it_remembers_what_it_was_asked(server: Echo) -> None:
    """Each call is kept with its query, form and headers; the question whether it is there is not listed."""
    httpx.head(f"{server.address}/a", trust_env=False)
    httpx.get(f"{server.address}/b?x=1", trust_env=False)
    answer = httpx.post(f"{server.address}/c", data={"y": "2"}, trust_env=False)

    assert server.paths() == ["/b", "/c"]
    assert server.call("/b").query == {"x": "1"}
    assert answer.json() == {"method": "POST", "path": "/c", "y": "2"}


def test_it_answers_what_it_is_told(server: Echo) -> None:
    """Status, headers and body of one path are replaced."""
    server.replies["/a"] = Reply(302, [b"x"], {"Location": "/b"})
    answer = httpx.get(f"{server.address}/a", trust_env=False)

    assert (answer.status_code, answer.text, answer.headers["location"]) == (302, "x", "/b")


def test_an_answer_may_never_end(server: Echo) -> None:
    """A body without an end lasts until the other side has enough."""
    server.replies["/a"] = Reply(200, repeat(b"x" * 1000))
    with httpx.stream("GET", f"{server.address}/a", trust_env=False) as answer:
        pieces = answer.iter_bytes(1000)

        assert [len(next(pieces)) for _ in range(100)] == [1000] * 100


def test_an_answer_may_wait(server: Echo) -> None:
    """Nothing is answered before the event."""
    event = threading.Event()
    server.replies["/a"] = Reply(200, until=event)
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{server.address}/a", trust_env=False, timeout=0.05)
    event.set()

    assert httpx.get(f"{server.address}/a", trust_env=False).status_code == 200


def test_it_speaks_tls(tmp_path: Path) -> None:
    """With a certificate it answers over TLS, and one client that does not trust it keeps no other one out."""
    authority = Authority(tmp_path)
    issued = authority.issue("127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    server = Echo(tls=context)
    try:
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{server.address}/a", trust_env=False)
        trusting = ssl.create_default_context(cafile=str(authority.ca_file))
        answer = httpx.get(f"{server.address}/a", verify=trusting, trust_env=False)
    finally:
        server.close()

    assert answer.json()["path"] == "/a"
