from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import pytest

from onegov_auth.web.clients import client_address, is_trusted, request_id

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def address(remote: str, forwarded: str = "", trusted: Any = PROXIES) -> str:
    """The address behind these headers."""
    return client_address({"REMOTE_ADDR": remote, "HTTP_X_FORWARDED_FOR": forwarded}, trusted)


@pytest.mark.sec("HOST-05", "ASVS-15.3.4", "ASVS-4.1.3")
@pytest.mark.parametrize(
    ("remote", "forwarded", "expected"),
    [
        ("203.0.113.5", "", "203.0.113.5"),
        ("203.0.113.5", "1.1.1.1", "203.0.113.5"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "10.9.9.9", "10.9.9.9"),
        ("10.0.0.1", "evil", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7, evil, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "198.51.100.7:1234", "198.51.100.7"),
        ("10.0.0.1", "[2001:db8::1]:443", "2001:db8::1"),
        ("fd00::1", "2001:db8::1", "2001:db8::1"),
        ("::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7, 10.0.0.4, 10.0.0.3, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "10.0.0.9, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("fd00::1", "2001:db8:9::9, 2001:db8::1, fd00::3, [fd00::2]:8080", "2001:db8::1"),
        ("10.0.0.1", "2001:db8::1, ::ffff:10.0.0.2, 10.0.0.3:81", "2001:db8::1"),
        ("10.0.0.1", "198.51.100.7,", "10.0.0.1"),
        ("10.0.0.1", ",,,", "10.0.0.1"),
        ("10.0.0.1", "fe80::1%eth0", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7, unknown, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "for=198.51.100.7", "10.0.0.1"),
        ("10.0.0.1", "0127.0.0.1", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7\x00", "10.0.0.1"),
        ("", "198.51.100.7", "unknown"),
        ("nonsense", "198.51.100.7", "unknown"),
    ],
)
def test_forwarded_addresses_are_believed_from_the_right(remote: str, forwarded: str, expected: str) -> None:
    """Only what trusted proxies wrote counts; the first stranger is the client."""
    assert address(remote, forwarded) == expected


@pytest.mark.sec("HOST-05")
def test_without_trusted_proxies_the_header_is_nothing() -> None:
    """By default nobody's X-Forwarded-For is believed."""
    assert address("10.0.0.1", "198.51.100.7", trusted=()) == "10.0.0.1"


def test_trust_is_by_network() -> None:
    """A request is trusted by where it comes from."""
    assert is_trusted({"REMOTE_ADDR": "10.1.2.3"}, PROXIES)
    assert not is_trusted({"REMOTE_ADDR": "11.1.2.3"}, PROXIES)
    assert not is_trusted({}, PROXIES)


@pytest.mark.parametrize(
    ("remote", "given", "kept"),
    [
        ("10.0.0.1", "abcd-1234", True),
        ("203.0.113.5", "abcd-1234", False),
        ("10.0.0.1", "short", False),
        ("10.0.0.1", "with\nline", False),
        ("10.0.0.1", "x" * 65, False),
        ("10.0.0.1", None, False),
    ],
)
def test_request_id_is_a_trusted_proxys_or_new(remote: str, given: str | None, kept: bool) -> None:
    """A stranger can't choose what stands in our log."""
    found = request_id({"REMOTE_ADDR": remote, "HTTP_X_REQUEST_ID": given}, PROXIES)

    assert (found == given) is kept
    assert kept or len(found) == 32


def test_client_has_what_auth_wants_to_know(ask: Callable[..., Any], app: Any) -> None:
    """The client of a request carries address, browser, language, session and the request's number."""
    cookie = f"{app.cookies.browser}={'b' * 43}; {app.cookies.session}=token"
    client = ask(
        lambda request: {name: getattr(request.client, name) for name in request.client.__slots__},
        headers={"Cookie": cookie, "User-Agent": "A Browser"},
        extra_environ={"REMOTE_ADDR": "203.0.113.5"},
    )

    assert client.pop("request_id")
    assert client == {
        "address": "203.0.113.5",
        "user_agent": "A Browser",
        "browser": "b" * 43,
        "language": "en",
        "session_token": "token",
        "device": "",
        "trusted": None,
    }
