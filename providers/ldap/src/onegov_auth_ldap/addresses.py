"""Names to addresses, with an end: the system's resolver has time limits of its own, and they add up to a minute."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from onegov_auth.providers import Clock
from onegov_auth_ldap.errors import DirectoryError

__all__ = ["KEPT", "AddressBook", "Finder", "addresses"]

#: How long addresses are remembered: a server that moves is followed soon, and not every login asks a name server.
KEPT = timedelta(seconds=30)

Resolver: TypeAlias = Callable[..., list[Any]]


#: Finds the addresses of a host and port within so many seconds.
Finder: TypeAlias = Callable[[str, int, float], list[str]]


class AddressBook:
    """
    Remembers addresses for :data:`KEPT`; a host without one is asked for anew.

    Args:
        clock: The time.
        find: Asks the resolver.
    """

    def __init__(self, clock: Clock, find: Finder | None = None) -> None:
        self._clock = clock
        self._find: Finder = find or addresses
        self._known: dict[tuple[str, int], tuple[datetime, list[str]]] = {}

    def find(self, host: str, port: int, seconds: float) -> list[str]:
        """As :func:`addresses`."""
        known = self._known.get((host, port))
        if known is not None and self._clock() - known[0] < KEPT:
            return known[1]
        found = self._find(host, port, seconds)
        self._known[host, port] = (self._clock(), found)
        return found


def addresses(host: str, port: int, seconds: float, resolve: Resolver = socket.getaddrinfo) -> list[str]:
    """
    The addresses of *host*, in the resolver's order.

    Args:
        host: A name or an address.
        port: A port.
        seconds: How long may be waited; the resolver itself can't be stopped, and ends in a thread of its own.
        resolve: As :func:`socket.getaddrinfo`.

    Raises:
        DirectoryError: ``connect`` if there are none, ``timeout``.
    """
    if _is_address(host):
        return [host]
    found: list[list[Any] | Exception] = []

    def look_up() -> None:
        try:
            found.append(resolve(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.append(error)

    thread = threading.Thread(target=look_up, name="onegov-auth-ldap-addresses", daemon=True)
    thread.start()
    thread.join(seconds)
    if not found:
        raise DirectoryError("timeout", f"{host}: no answer to the look-up of its address")
    if isinstance(found[0], Exception):
        raise DirectoryError("connect", f"{host} has no address") from found[0]
    return list(dict.fromkeys(str(address[0]) for *_, address in found[0]))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
