"""What an address is counted by."""

from __future__ import annotations

import pytest

from onegov_auth.attempts import network


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("unknown", "unknown"),
        ("x" * 100, "x" * 64),
        ("192.0.2.1\x00", "192.0.2.1"),
    ],
)
@pytest.mark.sec("RATE-01")
def test_an_address_is_counted_by_its_network(address: str, expected: str) -> None:
    """IPv6 is counted by /64, which one household has; the IPv4 inside of IPv6 by itself."""
    assert expected == network(address)
