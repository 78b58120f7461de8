from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from onegov_auth.cli.failures import Failure
from onegov_auth.cli.serving import SIGNALS, listen, serve_forever, stopping


@pytest.fixture(name="_handlers", autouse=True)
def _handlers() -> Iterator[None]:
    """The signals do afterwards what they did before."""
    before = {each: signal.getsignal(each) for each in SIGNALS}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_first_signal_interrupts(number: signal.Signals) -> None:
    """The first signal interrupts what is inside, and a second one doesn't disturb the cleaning up."""
    cleaned = []

    with pytest.raises(KeyboardInterrupt), stopping():
        try:
            os.kill(os.getpid(), number)
            time.sleep(5)
        finally:
            for each in SIGNALS:
                os.kill(os.getpid(), each)
            time.sleep(0.05)
            cleaned.append(True)

    assert cleaned == [True]


def test_handlers_come_back() -> None:
    """Without a signal, everything is as before afterwards."""
    before = [signal.getsignal(each) for each in SIGNALS]

    with stopping():
        assert [signal.getsignal(each) for each in SIGNALS] != before

    assert [signal.getsignal(each) for each in SIGNALS] == before


def test_listen_on_any_port() -> None:
    """Port 0 is any free one."""
    with listen("127.0.0.1", 0) as listening:
        assert listening.getsockname()[1] > 0


def test_listen_on_the_next_port() -> None:
    """If a port is taken, a later one is found."""
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with listen("127.0.0.1", port, tries=50) as listening:
            assert port < listening.getsockname()[1] < port + 50


def test_taken_port() -> None:
    """A port that is taken is a clear sentence."""
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(Failure, match=rf"^Nothing can listen on 127\.0\.0\.1:{port}: Address already in use\.$"):
            listen("127.0.0.1", port)


def test_no_port_beyond_the_last() -> None:
    """There are no ports after 65535."""
    with pytest.raises(Failure, match="Nothing can listen on"), listen("127.0.0.1", 65535):
        listen("127.0.0.1", 65535, tries=3)


def test_foreign_host() -> None:
    """A host that is nobody's is a clear sentence."""
    with pytest.raises(Failure, match="is no address to listen on"):
        listen("no such host", 0)


def test_requests_are_answered_until_a_signal_comes() -> None:
    """The server answers, doesn't say what it is, and closes its port when a signal comes."""
    listening = listen("127.0.0.1", 0)
    address = listening.getsockname()
    answers: list[httpx.Response] = []

    def application(_environ: object, start_response: object) -> list[bytes]:
        start_response("200 OK", [("Content-Length", "2")])  # type: ignore[operator] # WSGI's callable
        return [b"ok"]

    def visit() -> None:
        with httpx.Client(trust_env=False) as browser:
            answers.append(browser.get(f"http://{address[0]}:{address[1]}/"))
        os.kill(os.getpid(), signal.SIGTERM)

    visitor = threading.Thread(target=visit)
    with stopping():
        serve_forever(application, listening, visitor.start, threads=1)
    visitor.join()

    assert (answers[0].text, answers[0].headers.get("server")) == ("ok", None)
    with socket.socket() as other:
        assert other.connect_ex(address) != 0


def test_connections_are_closed_in_the_end() -> None:
    """A browser that keeps its connection open sees it closed when the server ends."""
    listening = listen("127.0.0.1", 0)
    visitor = socket.create_connection(listening.getsockname(), timeout=5)
    held: list[object] = []

    def application(environ: dict[str, object], start_response: object) -> list[bytes]:
        # Holds the connection's channel as a garbage cycle would.
        held.append(environ["waitress.client_disconnected"])
        start_response("200 OK", [("Content-Length", "2")])  # type: ignore[operator] # WSGI's callable
        return [b"ok"]

    def visit() -> None:
        visitor.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while not answer.endswith(b"ok"):
            answer.extend(visitor.recv(4096))
        os.kill(os.getpid(), signal.SIGTERM)

    answer = bytearray()
    visiting = threading.Thread(target=visit)
    with visitor:
        with stopping():
            serve_forever(application, listening, visiting.start, threads=1)
        visiting.join()

        assert held
        assert visitor.recv(1) == b""


def test_interrupted_when_just_ready() -> None:
    """A signal that comes the moment the server is ready is as good an end as any later."""
    listening = listen("127.0.0.1", 0)
    address = listening.getsockname()

    with stopping():
        serve_forever(lambda _environ, _start: [], listening, lambda: os.kill(os.getpid(), signal.SIGTERM))

    with socket.socket() as other:
        assert other.connect_ex(address) != 0
