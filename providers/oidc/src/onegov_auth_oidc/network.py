"""
How bytes travel: one deadline for a whole exchange, and no way from a public issuer into the intranet.

httpcore has a time limit for each single read and none for all of them together, so that a server
that sends one byte every few seconds could hold a worker for hours. And an issuer's metadata names
further addresses, which it may choose as it likes. Both are decided where a connection is made.
"""

from __future__ import annotations

import ipaddress
import math
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from enum import IntEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Any

import httpcore

__all__ = ["ForbiddenAddressError", "GuardedBackend", "Resolve", "Zone", "deadline", "resolve", "zone_of"]

CONNECT_SECONDS = 3.0
READ_SECONDS = 5.0

#: When the exchange of this thread has to be over, in seconds of :func:`time.monotonic`.
_ends: ContextVar[float] = ContextVar("onegov_auth_oidc_ends", default=math.inf)

Resolve = Callable[[str, int], list[str]]


class ForbiddenAddressError(httpcore.ConnectError):
    """Raised when a name leads to an address that must not be asked."""


#: RFC 6052 §2.1: the last 32 bits are an IPv4 address.
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class Zone(IntEnum):
    """How far inside a network an address is."""

    PUBLIC = 0
    PRIVATE = 1
    LOOPBACK = 2
    FORBIDDEN = 3


def zone_of(address: str) -> Zone:
    """
    The zone of an IP *address*.

    Link-local addresses are forbidden to everybody: cloud machines hand out their credentials there.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        ip = _inner(ip) or ip
    if ip.is_link_local or ip.is_unspecified or ip.is_multicast:
        return Zone.FORBIDDEN
    if ip.is_loopback:
        return Zone.LOOPBACK
    return Zone.PUBLIC if ip.is_global else Zone.PRIVATE


def _inner(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that a gateway makes of this one: mapped, 6to4 (RFC 3056) or NAT64 (RFC 6052)."""
    if ip in NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour


def _dotted(host: str) -> str:
    """The address that *host* is for who connects, like ``127.1``, ``0177.0.0.1`` or ``2130706433``; others as is."""
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return host


def resolve(host: str, port: int) -> list[str]:
    """The addresses of *host*, as the system finds them; :class:`OSError` if there are none."""
    return list(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


def deadline(seconds: float) -> AbstractContextManager[None]:
    """All that is read and written within has *seconds* together, and never more than what it is part of."""
    return _Deadline(seconds)


class _Deadline(AbstractContextManager[None]):
    """A class, because a generator takes several times as long."""

    __slots__ = ("_before", "_seconds")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        self._before = _ends.set(min(_ends.get(), time.monotonic() + self._seconds))

    def __exit__(self, *_: object) -> None:
        _ends.reset(self._before)


def _left(timeout: float | None) -> float:
    left = min(_ends.get() - time.monotonic(), READ_SECONDS if timeout is None else timeout)
    if left <= 0:
        raise httpcore.ReadTimeout("the time for the whole exchange is over")
    return left


class _GuardedStream(httpcore.NetworkStream):
    """
    A connection whose every wait ends with the exchange it belongs to.

    A question goes out when its answer is waited for: its head and body, which are written one by one, in one piece,
    for which the other side is woken once.
    """

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream
        self._written: list[bytes] = []

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._written:
            written, self._written = b"".join(self._written), []
            self._stream.write(written, _left(timeout))
        return self._stream.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - httpcore's signature
        self._written.append(buffer)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _GuardedStream(self._stream.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class GuardedBackend(httpcore.NetworkBackend):
    """
    Connects to the issuer's host, and to others only if they are not further inside than the issuer.

    A public issuer can't make us ask a server of the intranet, and one in the intranet can't make us
    ask this machine (OAUTH-26, ASVS 1.3.6). The address that was judged is the one connected to, so
    that a name that changes in between (DNS rebinding) gains nothing.

    Args:
        issuer_host: The configured issuer's host, which is trusted to be where it is.
        resolve: Finds the addresses of a host.
        allow: Inner networks that are allowed all the same.
    """

    def __init__(
        self,
        issuer_host: str,
        resolve: Resolve = resolve,
        allow: tuple[IPv4Network | IPv6Network, ...] = (),
    ) -> None:
        self._issuer_host = issuer_host
        self._resolve = resolve
        self._allow = allow
        self._outermost = Zone.LOOPBACK
        self._plain = httpcore.SyncBackend()

    def connect_tcp(  # httpcore's signature
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers; see httpcore for arguments and errors."""
        failed: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in self._allowed(host, port):
            try:
                stream = self._plain.connect_tcp(address, port, _left(timeout), local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
            else:
                return _GuardedStream(stream)
        raise failed if failed is not None else ForbiddenAddressError("the address is not allowed")

    def _allowed(self, host: str, port: int) -> list[str]:
        try:
            addresses = self._resolve(host, port)
            deepest = self._deepest(host, port, addresses)
        except OSError as error:
            raise httpcore.ConnectError("the name can't be resolved") from error
        return [address for address in addresses if zone_of(address) <= deepest or self._is_allowed(address)]

    def refuse_inner(self, host: str) -> None:
        """
        Refuse an address inside the network that is written as such, before a proxy is asked for it.

        Where a name leads the proxy alone decides; its own rules are the guard then.

        Raises:
            ForbiddenAddressError: If it is one.
        """
        address = _dotted(host)
        try:
            zone = zone_of(address)
        except ValueError:
            return
        if host != self._issuer_host and zone is not Zone.PUBLIC and not self._is_allowed(address):
            raise ForbiddenAddressError("the address is not allowed")

    def _is_allowed(self, address: str) -> bool:
        # Written down by the operator, yet never the addresses where machines keep their own credentials.
        if zone_of(address) is Zone.FORBIDDEN:
            return False
        ip = ipaddress.ip_address(address.partition("%")[0])
        return any(ip in network for network in self._allow)

    def _deepest(self, host: str, port: int, addresses: list[str]) -> Zone:
        """
        How far inside *host* may be.

        The issuer answers for its own name: it could claim to be inside for a moment, or beside its real address.
        So its outermost address counts, of all that were ever seen.
        """
        own = addresses if host == self._issuer_host else self._resolve(self._issuer_host, port)
        self._outermost = min([self._outermost, *map(zone_of, own)])
        # Further than that nobody may lead us, not even the issuer's own name.
        return Zone.LOOPBACK if host == self._issuer_host else self._outermost
