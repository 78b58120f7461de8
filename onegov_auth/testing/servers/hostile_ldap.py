"""A small LDAP server that does what no honest one does: late, half, foreign and contradictory answers."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeAlias

__all__ = ["Ask", "HostileLDAP", "Reply", "control", "done", "entry", "message", "reference", "tlv"]

#: The operations' tags (RFC 4511 §4): requests, and the answers to them.
BIND, SEARCH, COMPARE, EXTENDED, UNBIND = 0x60, 0x63, 0x6E, 0x77, 0x42
_ANSWERS = {BIND: 0x61, SEARCH: 0x65, COMPARE: 0x6F, EXTENDED: 0x78}
_NAMES = {BIND: "bind", SEARCH: "search", COMPARE: "compare", EXTENDED: "extended", UNBIND: "unbind"}


@dataclass(frozen=True, slots=True)
class Ask:
    """
    A request.

    Attributes:
        id: Its message id.
        kind: ``bind``, ``search``, ``compare``, ``extended`` or ``unbind``.
        tag: The operation's tag.
        parts: The values in it.
    """

    id: int
    kind: str
    tag: int
    parts: tuple[bytes, ...]

    def answer(self, code: int = 0, text: str = "", *, referral: str | None = None, tag: int | None = None) -> bytes:
        """A plain answer to it, of the right kind unless *tag* says another."""
        return message(self.id, done(tag or _ANSWERS[self.tag], code, text, referral=referral))


#: What to send: octets, a pause in seconds, ``None`` to close, or an SSL context to start TLS with.
Reply: TypeAlias = bytes | float | ssl.SSLContext | None


def tlv(tag: int, *parts: bytes) -> bytes:
    """An element in BER, of definite length."""
    body = b"".join(parts)
    size = len(body)
    if size < 0x80:
        return bytes([tag, size]) + body
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + body


def message(number: int, operation: bytes, *controls: bytes) -> bytes:
    """An LDAP message (RFC 4511 §4.1.1)."""
    attached = [tlv(0xA0, *controls)] if controls else []
    return tlv(0x30, tlv(0x02, number.to_bytes(4, "big")), operation, *attached)


def control(oid: str, value: bytes | None = None) -> bytes:
    """A control to put into a message (RFC 4511 §4.1.11)."""
    return tlv(0x30, tlv(0x04, oid.encode()), *([] if value is None else [tlv(0x04, value)]))


def done(tag: int, code: int = 0, text: str = "", *, referral: str | None = None) -> bytes:
    """An LDAP result (RFC 4511 §4.1.9)."""
    parts = [tlv(0x0A, bytes([code])), tlv(0x04), tlv(0x04, text.encode())]
    if referral is not None:
        parts.append(tlv(0xA3, tlv(0x04, referral.encode())))
    return tlv(tag, *parts)


def entry(dn: str | bytes, attributes: Mapping[str, Sequence[bytes]]) -> bytes:
    """A search result entry (RFC 4511 §4.5.2)."""
    pairs = [
        tlv(0x30, tlv(0x04, name.encode()), tlv(0x31, *(tlv(0x04, value) for value in values)))
        for name, values in attributes.items()
    ]
    return tlv(0x64, tlv(0x04, dn if isinstance(dn, bytes) else dn.encode()), tlv(0x30, *pairs))


def reference(url: str) -> bytes:
    """A search result reference to another server (RFC 4511 §4.5.3)."""
    return tlv(0x73, tlv(0x04, url.encode()))


class HostileLDAP:
    """
    Listens on loopback, writes down what it is asked, and answers as told; a context manager.

    Args:
        script: Takes a request, gives what to send.
        tls: Speak TLS from the beginning (``ldaps://``) with this certificate.

    Attributes:
        asked: Every request, of all connections.
        connections: How many connections there were.
    """

    def __init__(self, script: Callable[[Ask], Sequence[Reply]], *, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[Ask] = []
        self.connections = 0
        self._script = script
        self._tls = tls
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._peers: list[socket.socket] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(0.05)
        self.port: int = self._socket.getsockname()[1]

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'ldaps' if self._tls else 'ldap'}://localhost:{self.port}"

    @property
    def kinds(self) -> list[str]:
        """What it was asked, in order."""
        return [ask.kind for ask in self.asked]

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for peer in self._peers:
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        self._socket.close()

    def _spawn(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(TimeoutError):
                peer, _ = self._socket.accept()
                self.connections += 1
                self._spawn(self._serve, peer)

    def _serve(self, peer: socket.socket) -> None:
        # The other side leaves whenever it likes, refuses our certificates and speaks TLS where none is expected.
        with contextlib.suppress(OSError, ValueError, IndexError), contextlib.ExitStack() as stack:
            stack.callback(lambda: peer.close())  # noqa: PLW0108 - the socket is another one when TLS began
            peer.settimeout(10)
            if self._tls is not None:
                peer = self._tls.wrap_socket(peer, server_side=True)
            self._peers.append(peer)
            while not self._over.is_set():
                ask = _read(peer)
                if ask is None:
                    return
                self.asked.append(ask)
                if ask.kind == "unbind":
                    return
                for reply in self._script(ask):
                    if reply is None:
                        return
                    if isinstance(reply, bytes):
                        peer.sendall(reply)
                    elif isinstance(reply, ssl.SSLContext):
                        peer = reply.wrap_socket(peer, server_side=True)
                        self._peers.append(peer)
                    else:
                        self._over.wait(reply)


def _read(peer: socket.socket) -> Ask | None:
    head = _exactly(peer, 2)
    if len(head) < 2:
        return None
    size = head[1]
    if size & 0x80:
        size = int.from_bytes(_exactly(peer, size & 0x7F), "big")
    (_, number), (tag, operation) = _elements(_exactly(peer, size))[:2]
    parts = () if tag == UNBIND else tuple(value for _, value in _elements(operation))
    return Ask(int.from_bytes(number, "big"), _NAMES.get(tag, "other"), tag, parts)


def _exactly(peer: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = peer.recv(size - len(data))
        if not more:
            break
        data += more
    return data


def _elements(data: bytes) -> list[tuple[int, bytes]]:
    found = []
    while data:
        size, start = data[1], 2
        if size & 0x80:
            start += size & 0x7F
            size = int.from_bytes(data[2:start], "big")
        found.append((data[0], data[start : start + size]))
        data = data[start + size :]
    return found
