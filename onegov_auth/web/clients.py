"""Who asks: the network address behind the proxies we trust, and the name of the request."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

__all__ = ["Network", "client_address", "is_trusted", "request_id"]

Network: TypeAlias = IPv4Network | IPv6Network
Address: TypeAlias = IPv4Address | IPv6Address

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
_WITH_PORT = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|(\d+\.\d+\.\d+\.\d+))(?::\d{1,5})?", re.ASCII)


def client_address(environ: Mapping[str, object], trusted: Sequence[Network]) -> str:
    """
    The address of the person's machine.

    ``X-Forwarded-For`` is believed only as far as trusted proxies wrote it, read from the right; what comes before
    the first stranger is that stranger's own invention (HOST-05, ASVS 15.3.4).

    Args:
        environ: The WSGI environment.
        trusted: The networks of our own proxies.

    Returns:
        The address; ``"unknown"`` where the server knows none, as on a Unix socket.
    """
    address = _parse(str(environ.get("REMOTE_ADDR") or ""))
    if address is None:
        return "unknown"
    for hop in reversed(str(environ.get("HTTP_X_FORWARDED_FOR") or "").split(",")):
        if not _is_in(address, trusted):
            break
        before = _parse(hop.strip())
        if before is None:
            # Somebody wrote nonsense: the last address that is certain counts, so that nobody escapes throttling.
            break
        address = before
    return str(address)


def is_trusted(environ: Mapping[str, object], trusted: Sequence[Network]) -> bool:
    """Whether the request came by one of our own proxies."""
    address = _parse(str(environ.get("REMOTE_ADDR") or ""))
    return address is not None and _is_in(address, trusted)


def request_id(environ: Mapping[str, object], trusted: Sequence[Network]) -> str:
    """The name a trusted proxy gave this request (``X-Request-Id``), or a new one."""
    given = environ.get("HTTP_X_REQUEST_ID")
    if isinstance(given, str) and _REQUEST_ID.fullmatch(given) and is_trusted(environ, trusted):
        return given
    return uuid.uuid4().hex


def _parse(text: str) -> Address | None:
    match = _WITH_PORT.fullmatch(text)
    if "%" in text:
        # A zone is this machine's own word (RFC 4007 §11): one address could be spelt in any number of ways.
        return None
    try:
        address = ip_address((match[1] or match[2]) if match else text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return address if mapped is None else mapped


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)
