"""What an address is counted by."""

from __future__ import annotations

import ipaddress

__all__ = ["network"]


def network(address: str) -> str:
    """The network an address is counted by: itself, or the /64 of IPv6, which one household owns."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        # Nobody has such an address; what PostgreSQL can't store is looked for by administrators only.
        return address[:64].replace("\x00", "")
    if parsed.version == 4:
        return str(parsed)
    mapped = parsed.ipv4_mapped
    return str(mapped) if mapped is not None else str(ipaddress.ip_network((parsed, 64), strict=False))
