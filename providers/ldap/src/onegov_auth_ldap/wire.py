"""
Sockets with an end: every read knows how long and how much it may still take.

ldap3 limits one ``recv``; a server that sends an octet now and then would hold a login forever.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time

from onegov_auth_ldap.addresses import Finder, addresses
from onegov_auth_ldap.errors import DirectoryError
from onegov_auth_ldap.settings import TLSSettings

__all__ = ["MAX_ANSWER", "Deadline", "Wire", "connect", "secure", "tls_context"]

#: Octets of one answer; a page of 500 groups has some hundred thousand.
MAX_ANSWER = 16 * 1024 * 1024


#: Octets read at once.
CHUNK = 256 * 1024


class Deadline:
    """
    The end of a whole login.

    Args:
        seconds: From now on.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self, at_most: float) -> float:
        """
        Seconds that are left, at most *at_most*.

        Raises:
            DirectoryError: ``timeout``, if none are.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise DirectoryError("timeout", "the time for a login is over", elsewhere=False)
        return min(left, at_most)


class Wire:
    """
    A connected socket in the shape ldap3 uses, which keeps to :meth:`allow`.

    Attributes:
        trouble: The reason of the last failure, if it was ours: ``timeout`` or ``too_large``.
    """

    def __init__(self, raw: socket.socket) -> None:
        self._raw = raw
        self._end = 0.0
        self._room = 0
        self.trouble: str | None = None

    @property
    def raw(self) -> socket.socket:
        """The socket itself, to put TLS around it."""
        return self._raw

    def allow(self, seconds: float, octets: int = MAX_ANSWER) -> None:
        """The next operation may take so long and so much."""
        self._end = time.monotonic() + seconds
        self._room = octets
        self.trouble = None

    def recv(self, size: int) -> bytes:
        """As of a socket, in larger parts; ``TimeoutError`` at the end, ``OSError`` when it is too much."""
        try:
            self._raw.settimeout(self._left())
            # ldap3 asks for 4 KiB and joins all it has at each: a large answer would cost the square of its size.
            data = self._raw.recv(max(size, CHUNK))
        except TimeoutError:
            self.trouble = "timeout"
            raise
        self._room -= len(data)
        if self._room < 0:
            self.trouble = "too_large"
            raise OSError("the answer is too large")
        return data

    def sendall(self, data: bytes) -> None:
        """As of a socket; ``TimeoutError`` at the end."""
        try:
            self._raw.settimeout(self._left())
            self._raw.sendall(data)
        except TimeoutError:
            self.trouble = "timeout"
            raise

    def shutdown(self, how: int) -> None:
        """As of a socket."""
        self._raw.shutdown(how)

    def close(self) -> None:
        """As of a socket; any number of times."""
        with contextlib.suppress(OSError):
            self._raw.close()

    def quiet(self) -> bool:
        """Whether the other side is silent, as it is between two operations; an end or a notice is not."""
        try:
            self._raw.settimeout(0)
            # A look at the socket alone would take TLS 1.3's session tickets, which follow a handshake, for a notice.
            self._raw.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            return False
        return False

    def _left(self) -> float:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time for an operation is over")
        return left


def connect(host: str, port: int, deadline: Deadline, seconds: float, find: Finder = addresses) -> Wire:
    """
    A connection to the first address of *host* that takes one.

    Args:
        host: A name or an address.
        port: A port.
        deadline: The end of everything.
        seconds: For the look-up of the name, and for each address.
        find: Finds the addresses.

    Raises:
        DirectoryError: ``connect`` or ``timeout``.
    """
    trouble: Exception | None = None
    for address in find(host, port, deadline.left(seconds)):
        try:
            raw = _dial(address, port, deadline.left(seconds))
        except OSError as error:
            trouble = error
            continue
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Wire(raw)
    reason = "timeout" if isinstance(trouble, TimeoutError) else "connect"
    raise DirectoryError(reason, f"{host}:{port} does not answer") from trouble


def _dial(address: str, port: int, seconds: float) -> socket.socket:
    raw = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        raw.settimeout(seconds)
        raw.connect((address, port))
    except OSError:
        raw.close()
        raise
    return raw


def secure(wire: Wire, context: ssl.SSLContext, host: str, seconds: float) -> Wire:
    """
    TLS around a connection, with the certificate checked against *host* before anything is sent (RFC 4513 §3.1.3).

    Raises:
        DirectoryError: ``tls`` or ``timeout``; the connection is closed then.
    """
    wire.raw.settimeout(seconds)
    try:
        # Python forgets to close what it wraps of a socket that lost its connection.
        wire.raw.getpeername()
        secured = context.wrap_socket(wire.raw, server_hostname=host.rstrip("."))
    except ssl.SSLCertVerificationError as error:
        raise DirectoryError("tls", f"{host}: {error.verify_message}") from error
    except TimeoutError as error:
        raise DirectoryError("timeout", f"{host}: no answer to the TLS handshake") from error
    except (OSError, ValueError) as error:
        raise DirectoryError("tls", f"{host}: the TLS handshake failed") from error
    finally:
        # Harmless after success: the socket was handed over, and this one is empty.
        wire.close()
    if secured.version() is None:
        # Of a socket that lost its connection Python wraps the shell, without a handshake and without an error.
        secured.close()
        raise DirectoryError("connection", f"{host}: the connection was lost before TLS")
    return Wire(secured)


def tls_context(tls: TLSSettings) -> ssl.SSLContext:
    """
    What is trusted, as configured: the certificate and its name are checked by OpenSSL, not by ldap3's own matcher.

    Raises:
        OSError: If a file can't be read or holds nothing of use.
    """
    context = ssl.create_default_context(cafile=tls.ca_file)
    if tls.client_cert:
        context.load_cert_chain(tls.client_cert, tls.client_key)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
