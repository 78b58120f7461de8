from __future__ import annotations

import pytest

from onegov_auth.addresses import MAX_ADDRESS, as_address


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("Ann@Example.org", "ann@example.org"),
        (" ann@example.org ", "ann@example.org"),
        ("a.b+c@sub.example.org", "a.b+c@sub.example.org"),
        ("o'neill@xn--bcher-kva.example", "o'neill@xn--bcher-kva.example"),
    ],
)
def test_an_address_is_in_lower_case(typed: str, address: str) -> None:
    """Surrounding space is dropped, dots and what follows a plus stay."""
    assert as_address(typed) == address
    assert as_address(address) == address


@pytest.mark.sec("UNI-04", "UNI-05", "UNI-06", "UNI-10", "HOST-06", "ASVS-1.3.11", "ASVS-1.3.12")
@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ann",
        "@example.org",
        "ann@",
        "ann@localhost",
        "a@b@example.org",
        ".ann@example.org",
        "ann.@example.org",
        "a..n@example.org",
        "ann@-example.org",
        "ann@example..org",
        "ann@192.0.2.1",
        "ann@[192.0.2.1]",
        '"ann"@example.org',
        "ann\t@example.org",
        "ann@example.org\n",
        "ann@example.org\r\nBcc: eve@example.org",
        "аnn@example.org",
        "ann@exаmple.org",
        "an\u200bn@example.org",
        "ann@example.org\u00a0",
        "ann@ｅxample.org",
        "a" * 65 + "@example.org",
        "a" * 64 + "@" + ".".join(["b" * 60] * 4),
        "a@" + "b." * 500_000 + "org",
    ],
)
def test_everything_else_is_none(typed: str) -> None:
    """No quotes, no letters that look like others, nothing that can't be seen, and not too long."""
    assert as_address(typed) is None


def test_the_longest_address() -> None:
    """RFC 5321 allows 254 characters."""
    domain = ".".join(["b" * 59, "b" * 59, "b" * 59, "org"])
    address = "a" * (MAX_ADDRESS - len(domain) - 1) + "@" + domain

    assert len(address) == MAX_ADDRESS
    assert (as_address(address) is None) == (len(address.partition("@")[0]) > 64)
