from __future__ import annotations

import pytest

from onegov_auth.settings.hosts import is_loopback


@pytest.mark.sec("COOKIE-02")
@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("a.localhost", True), ("127.8.8.8", True), ("::1", True), ("localhost.example.org", False),
     ("10.0.0.1", False), ("127.0.0.1.example.org", False), ("", False)],
)  # fmt: skip
def test_is_loopback(host: str, expected: bool) -> None:
    """This machine is localhost and the loopback addresses, and no name that only looks like it."""
    assert is_loopback(host) is expected
