"""
How bytes travel: one deadline for a whole exchange, and no way from a public issuer into the intranet.

httpx has a time limit for each single read and none for all of them together, so that a server
that sends one byte every few seconds could hold a worker for hours. And an issuer's metadata names
further addresses, which it may choose as it likes. Both are decided where a connection is made.
"""

from __future__ import annotations

import ipaddress
import math
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import httpcore
import httpx

from onegov_auth_oidc.urls import KEPT, host_of

__all__ = [
    "Client",
    "ForbiddenAddressError",
    "GuardedBackend",
    "Route",
    "Zone",
    "deadline",
    "make_client",
    "resolve",
    "zone_of",
]

CONNECT_SECONDS = 3.0
READ_SECONDS = 5.0
# Node.js closes an idle connection after 5 seconds; a request sent in that very moment would be lost.
KEEPALIVE_SECONDS = 3.0

#: What every question says. A compressed answer could be a thousand times larger than what the limit saw of it.
_HEADERS = {b"Accept": b"application/json", b"Accept-Encoding": b"identity", b"User-Agent": b"onegov-auth-oidc"}

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
            deepest = self._deepest(host, port)
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
        try:
            zone = zone_of(host)
        except ValueError:
            return
        if host != self._issuer_host and zone is not Zone.PUBLIC and not self._is_allowed(host):
            raise ForbiddenAddressError("the address is not allowed")

    def _is_allowed(self, address: str) -> bool:
        # Written down by the operator, yet never the addresses where machines keep their own credentials.
        if zone_of(address) is Zone.FORBIDDEN:
            return False
        ip = ipaddress.ip_address(address.partition("%")[0])
        return any(ip in network for network in self._allow)

    def _deepest(self, host: str, port: int) -> Zone:
        # Further than that nobody may lead us, not even the issuer's own name.
        most = Zone.LOOPBACK
        if host == self._issuer_host:
            return most
        return min(most, max(map(zone_of, self._resolve(self._issuer_host, port))))


@dataclass(frozen=True, slots=True)
class Route:
    """
    The way to an issuer.

    Attributes:
        issuer: The configured issuer.
        proxy: An HTTP proxy on the way, with its name and password in the address; it then decides where names lead.
        ca_file: The certificate authorities to believe instead of the system's.
        allow: Inner networks that an issuer outside of them may name addresses in.
    """

    issuer: str
    proxy: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    allow: tuple[IPv4Network | IPv6Network, ...] = ()


#: An address is parsed once: the few of a provider are asked again and again.
_parsed = lru_cache(maxsize=KEPT)(httpx.URL)


@dataclass(frozen=True)
class _Stream(httpx.SyncByteStream):
    """The body of an answer, handed on."""

    inner: Any

    def __iter__(self) -> Iterator[bytes]:
        yield from self.inner

    def close(self) -> None:
        self.inner.close()


class _Transport(httpx.BaseTransport):
    """httpx over a pool that connects by a backend of our own, which httpx's transport can't."""

    def __init__(self, pool: httpcore.ConnectionPool, proxied: GuardedBackend | None) -> None:
        self._pool = pool
        self._proxied = proxied

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self.ask(request.method, request.url, request.headers.raw, request.read(), request.extensions)
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_Stream(answer.stream), extensions=answer.extensions
        )

    def ask(
        self,
        method: str,
        url: httpx.URL,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes | None,
        extensions: MutableMapping[str, Any],
    ) -> httpcore.Response:
        """Ask for *url*; the answer's body is read by whoever called, and it is closed by them."""
        if self._proxied is not None:
            self._proxied.refuse_inner(url.host)
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        return self._pool.handle_request(
            httpcore.Request(method=method, url=target, headers=headers, content=body, extensions=extensions)
        )

    def close(self) -> None:
        self._pool.close()


class Client(httpx.Client):
    """
    An httpx client whose questions go straight to its transport.

    What httpx does in between for browsers' sake (redirects, cookies, authentication, merging, a log line with the
    address) is never wanted here, and takes longer than the connection itself.
    """

    def __init__(self, transport: _Transport, **more: Any) -> None:
        super().__init__(transport=transport, follow_redirects=False, trust_env=False, **more)
        self._straight = transport
        self._timeouts = self.timeout.as_dict()

    def send(self, request: httpx.Request, *, stream: bool = False, **_: Any) -> httpx.Response:
        """Send *request*; see httpx for the errors."""
        if self.is_closed:
            raise RuntimeError("the client is closed")
        response = self._straight.handle_request(request)
        response.request = request
        if not stream:
            try:
                response.read()
            finally:
                response.close()
        return response

    def ask(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> httpcore.Response:
        """
        Ask, without a request or response of httpx's; see httpcore for the errors.

        The answer's ``stream`` is read and closed by whoever called.
        """
        if self.is_closed:
            raise RuntimeError("the client is closed")
        parsed = _parsed(url)
        lines = {b"Host": parsed.netloc, **_HEADERS}
        lines.update((name.encode("ascii"), value.encode("ascii")) for name, value in headers.items())
        if content is not None:
            lines[b"Content-Length"] = b"%d" % len(content)
        extensions = {"timeout": self._timeouts}
        return self._straight.ask(method, parsed, list(lines.items()), content, extensions)


def make_client(route: Route, *, tls: ssl.SSLContext | None = None, resolve: Resolve = resolve) -> Client:
    """
    A client for one issuer.

    It follows no redirect (a token request must not go elsewhere, RFC 9700 §4.12), believes no proxy or
    certificate variable of the environment, and keeps no cookie, because all people share it.

    Args:
        route: The way to the issuer.
        tls: What to trust; ``route.ca_file`` or the system's certificates by default.
        resolve: Finds the addresses of a host.
    """
    context = tls if tls is not None else ssl.create_default_context(cafile=route.ca_file)
    guard = GuardedBackend(host_of(route.issuer), resolve, route.allow)
    return Client(
        _Transport(_pool(route.proxy, context, guard, resolve), guard if route.proxy else None),
        timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        headers=list(_HEADERS.items()),
    )


def _pool(
    proxy: str | None, context: ssl.SSLContext, guard: GuardedBackend, resolve: Resolve
) -> httpcore.ConnectionPool:
    # All connections of a proxied pool go to the proxy, which is where the operator says it is.
    backend = guard if proxy is None else GuardedBackend(host_of(proxy), resolve)
    return httpcore.ConnectionPool(
        ssl_context=context,
        proxy=None if proxy is None else _proxy(proxy),
        max_connections=100,
        max_keepalive_connections=20,
        keepalive_expiry=KEEPALIVE_SECONDS,
        network_backend=backend,
    )


def _proxy(address: str) -> httpcore.Proxy:
    parts = urlsplit(address)
    auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return httpcore.Proxy(urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], "", "", "")), auth=auth)
