"""Which addresses may be asked at all."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

from onegov_auth_oidc.tenants import TENANT

__all__ = ["KEPT", "PORTS", "discovery_urls", "host_of", "is_loopback", "issuer_fault", "url_fault"]

#: Longer addresses are refused by servers and browsers alike.
MAX_LENGTH = 2048

OPENID, OAUTH = "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"

#: A provider has some ten addresses, and each login looks at them again.
KEPT = 256

#: What needs not be said of an address.
PORTS = {"https": 443, "http": 80}

#: Where the metadata of an issuer is that all organisations share (Entra ID): those of no single one.
SHARED = "organizations"


def is_loopback(host: str) -> bool:
    """Whether *host* can only be this machine, by its name alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@lru_cache(maxsize=KEPT)
def host_of(url: str) -> str:
    """The host of an address that was checked before, in lower case and without its port."""
    return urlsplit(url).hostname or ""


def url_fault(url: object, *, plain_loopback: bool) -> str | None:
    """
    What is wrong with an address of an OpenID provider; ``None`` if nothing is.

    Args:
        url: The address, as configured or as a server told it.
        plain_loopback: Whether ``http`` is believed on this machine, as a test provider needs it.

    Source: RFC 9700 §2.6 (https only); the host is parsed and never searched, so that
    ``http://localhost@evil.example`` is not taken for this machine (OAUTH-22).
    """
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or len(url) > MAX_LENGTH:
        return "is not an address"
    return _address_fault(url, plain_loopback)


@lru_cache(maxsize=KEPT)
def _address_fault(url: str, plain_loopback: bool) -> str | None:
    if " " in url or "\\" in url:
        return "has a blank or a backslash in it"
    if "#" in url:
        return "must not have a fragment"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not an address"
    return _parts_fault(parts, host, plain_loopback)


def issuer_fault(issuer: str) -> str | None:
    """What is wrong with an issuer identifier (OpenID Connect Discovery §4: no query, no fragment)."""
    fault = url_fault(issuer, plain_loopback=True)
    if fault is None and "?" in issuer:
        return "must not have a query"
    return fault


def discovery_urls(issuer: str) -> tuple[str, ...]:
    """
    Where an issuer's metadata may be, in the order to look.

    OpenID Connect Discovery §4.1 appends to the issuer, RFC 8414 §3.1 puts its own name before the path, and
    §5 allows the first name there too; a slash at the end is dropped.
    """
    base = issuer.replace(TENANT, SHARED).removesuffix("/")
    parts = urlsplit(base)
    origin = f"{parts.scheme}://{parts.netloc}"
    places = (base + OPENID, f"{origin}{OAUTH}{parts.path}", f"{origin}{OPENID}{parts.path}")
    return tuple(dict.fromkeys(places))


def _parts_fault(parts: SplitResult, host: str | None, plain_loopback: bool) -> str | None:
    if not host:
        return "has no host"
    if "@" in parts.netloc:
        return "must not have a username in it"
    if parts.scheme == "https":
        return None
    if parts.scheme == "http" and plain_loopback and is_loopback(host):
        return None
    return "must begin with https://"
