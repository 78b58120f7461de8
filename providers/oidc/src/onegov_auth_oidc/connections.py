"""
The connections to one issuer, and how a question goes out over them.

By httpcore alone: what an HTTP client does beyond that for browsers' sake (redirects, cookies, authentication, a log
line with the address) is never wanted here, and takes longer than the connection itself.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import httpcore

from onegov_auth_oidc.network import CONNECT_SECONDS, READ_SECONDS, GuardedBackend, Resolve, resolve
from onegov_auth_oidc.urls import KEPT, PORTS, host_of

__all__ = ["Client", "Route", "make_client"]

# Node.js closes an idle connection after 5 seconds; a request sent in that very moment would be lost.
KEEPALIVE_SECONDS = 3.0

#: What every question says. A compressed answer could be a thousand times larger than what the limit saw of it.
_HEADERS = {b"Accept": b"application/json", b"Accept-Encoding": b"identity", b"User-Agent": b"onegov-auth-oidc"}

#: What has a meaning in a path or query (RFC 3986 §2.2), and the mark of what is encoded already.
_RESERVED = ":/?#[]@!$&'()*+,;=%"


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


class Client:
    """
    Asks one issuer over a pool of connections; redirects are answers, and nothing is kept from one to the next.

    Args:
        pool: The connections.
        proxied: Judges addresses before a proxy is asked for them; ``None`` if there is no proxy.
    """

    def __init__(self, pool: httpcore.ConnectionPool, proxied: GuardedBackend | None) -> None:
        self._pool = pool
        self._proxied = proxied
        self._timeouts = {
            "connect": CONNECT_SECONDS,
            "read": READ_SECONDS,
            "write": READ_SECONDS,
            "pool": READ_SECONDS,
        }
        self._closed = False

    def ask(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> httpcore.Response:
        """
        Ask for *url*, an address that was checked before; see httpcore for the errors.

        The answer's ``stream`` is read and closed by whoever called.

        Raises:
            ForbiddenAddressError: If the address is further inside than the issuer.
            RuntimeError: If the client was closed.
        """
        if self._closed:
            raise RuntimeError("the client is closed")
        if self._proxied is not None:
            self._proxied.refuse_inner(host_of(url))
        target, host = _target(url)
        lines = {b"Host": host, **_HEADERS}
        lines.update((name.encode("ascii"), value.encode("ascii")) for name, value in headers.items())
        if content is not None:
            lines[b"Content-Length"] = b"%d" % len(content)
        extensions = {"timeout": self._timeouts}
        return self._pool.handle_request(
            httpcore.Request(method, target, headers=list(lines.items()), content=content, extensions=extensions)
        )

    def close(self) -> None:
        """Close the connections; nothing is asked any more."""
        self._closed = True
        self._pool.close()


@lru_cache(maxsize=KEPT)
def _target(url: str) -> tuple[httpcore.URL, bytes]:
    """
    What to ask for, and the Host header; parsed once, because a provider's few addresses are asked again and again.

    By the parser that judged the address: what two parsers read differently is a way around a check. httpcore's own
    loses what is behind a ";".
    """
    parts = urlsplit(url)
    host = host_of(url)
    port = None if parts.port == PORTS.get(parts.scheme) else parts.port
    path = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=_RESERVED)
    named = f"[{host}]" if ":" in host else host
    shown = named if port is None else f"{named}:{port}"
    return httpcore.URL(scheme=parts.scheme, host=host, port=port, target=path), shown.encode("ascii")


def make_client(route: Route, *, tls: ssl.SSLContext | None = None, resolve: Resolve = resolve) -> Client:
    """
    A client for one issuer.

    It follows no redirect (a token request must not go elsewhere, RFC 9700 §4.12), believes no proxy of the
    environment, and keeps no cookie, because all people share it.

    Args:
        route: The way to the issuer.
        tls: What to trust; ``route.ca_file`` or the system's certificates by default.
        resolve: Finds the addresses of a host.
    """
    context = tls if tls is not None else ssl.create_default_context(cafile=route.ca_file)
    guard = GuardedBackend(host_of(route.issuer), resolve, route.allow)
    return Client(_pool(route.proxy, context, guard, resolve), guard if route.proxy else None)


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
