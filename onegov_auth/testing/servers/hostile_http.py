"""An HTTP server that answers what it is told to, and remembers every call."""

from __future__ import annotations

import json
import ssl
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qsl, urlsplit

__all__ = ["Call", "HostileServer", "Reply", "json_reply"]


@dataclass(frozen=True, slots=True)
class Call:
    """A request that arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    form: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    """
    An answer in place of the right one.

    Attributes:
        status: The HTTP status.
        body: What follows, piece by piece; may never end.
        headers: More headers.
        delay: Seconds before each piece, and before the first byte.
        until: Nothing is answered before this event, if there is one: a server that hangs.
    """

    status: int = 200
    body: Iterable[bytes] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    until: threading.Event | None = None


def json_reply(content: Mapping[str, object], status: int = 200) -> Reply:
    """*content* as JSON."""
    return Reply(status, [json.dumps(content).encode()], {"Content-Type": "application/json"})


class HostileServer(ABC):
    """
    A server on loopback; it listens from the beginning.

    Args:
        tls: Speak TLS by this.

    Attributes:
        calls: What arrived, in order; cleared by the test when it likes.
        replies: Path to an answer in place of the right one.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.calls: list[Call] = []
        self.replies: dict[str, Reply] = {}
        self._scheme = "http" if tls is None else "https"
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"owner": self}))
        self._server.daemon_threads = True
        if tls is not None:
            # The handshake is made by the thread that serves the connection: one that fails must not end the server.
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @abstractmethod
    def right(self, call: Call) -> Reply:
        """The right answer to *call*."""

    @property
    def address(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop listening; the address is refused from now on."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def paths(self) -> list[str]:
        """The paths that were asked for, in order, without the question whether it is there at all (``HEAD``)."""
        return [call.path for call in self.calls if call.method != "HEAD"]

    def call(self, path: str) -> Call:
        """The last request for *path*."""
        return next(call for call in reversed(self.calls) if call.path == path)

    def answer(self, call: Call) -> Reply:
        """The answer to *call*, which is remembered."""
        self.calls.append(call)
        return self.replies[call.path] if call.path in self.replies else self.right(call)


class _Handler(BaseHTTPRequestHandler):
    """Hands each request to the server; closes the connection after each, so that none outlives ``close``."""

    owner: ClassVar[HostileServer]

    def do_GET(self) -> None:
        self._serve({})

    def do_HEAD(self) -> None:
        self._serve({})

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        self._serve(dict(parse_qsl(text, keep_blank_values=True)))

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            # The relying party had enough, which is what some tests wait for, or does not believe our certificate.
            self.close_connection = True

    def _serve(self, form: Mapping[str, str]) -> None:
        url = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._send(self.owner.answer(Call(self.command, url.path, dict(parse_qsl(url.query)), form, headers)))

    def _send(self, reply: Reply) -> None:
        time.sleep(reply.delay)
        if reply.until is not None:
            reply.until.wait()
        if "Date" in reply.headers:
            # Else there would be two, of which the first counts.
            self.send_response_only(reply.status)
        else:
            self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        for piece in reply.body if self.command != "HEAD" else ():
            self.wfile.write(piece)
            self.wfile.flush()
            time.sleep(reply.delay)

    def log_message(self, *_: object) -> None:
        """Say nothing: the test looks at ``calls``."""
