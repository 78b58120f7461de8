"""Names to addresses, with an end."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from onegov_auth.testing.clock import FakeClock
from onegov_auth_ldap.addresses import KEPT, AddressBook, addresses
from onegov_auth_ldap.errors import DirectoryError


def test_a_name_has_addresses() -> None:
    """The system knows this one."""
    assert set(addresses("localhost", 389, 5)) <= {"127.0.0.1", "::1"}


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_an_address_is_not_looked_up(host: str) -> None:
    """An address needs no resolver."""

    def never(*_: object, **__: object) -> list[Any]:
        raise AssertionError("was asked")

    assert addresses(host, 389, 5, never) == [host]


def test_each_address_is_tried_once() -> None:
    """What a resolver tells twice counts once, in its order."""
    found = [(0, 0, 0, "", (address, 389)) for address in ("192.0.2.2", "192.0.2.1", "192.0.2.2")]

    assert addresses("ldap.example.org", 389, 5, lambda *_, **__: found) == ["192.0.2.2", "192.0.2.1"]


@pytest.mark.sec("LDAP-30")
def test_a_resolver_that_hangs_is_left_in_time() -> None:
    """A login does not wait for a name server that does not answer."""
    over = threading.Event()

    def hang(*_: object, **__: object) -> list[Any]:
        over.wait(10)
        return []

    start = time.monotonic()
    with pytest.raises(DirectoryError) as error:
        addresses("ldap.example.org", 389, 0.05, hang)
    took = time.monotonic() - start
    over.set()

    assert error.value.reason == "timeout"
    assert took < 5


@pytest.mark.parametrize("host", ["no-such-host.invalid", "bad host", "a" * 70])
def test_a_name_without_addresses_is_trouble(host: str) -> None:
    """A name that is unknown, or none at all, is told as such."""
    with pytest.raises(DirectoryError, match="has no address"):
        addresses(host, 389, 5)


def test_addresses_are_remembered_for_a_while(clock: FakeClock) -> None:
    """A server's addresses are asked for once in half a minute, and those of each server by themselves."""
    asked: list[str] = []

    def find(host: str, _port: int, _seconds: float) -> list[str]:
        asked.append(host)
        return [f"192.0.2.{len(asked)}"]

    book = AddressBook(clock, find)

    assert [book.find(host, 636, 5) for host in ("one", "one", "two")] == [["192.0.2.1"], ["192.0.2.1"], ["192.0.2.2"]]
    clock.advance(KEPT)
    assert book.find("one", 636, 5) == ["192.0.2.3"]
    assert asked == ["one", "two", "one"]


def test_a_failed_look_up_is_not_remembered(clock: FakeClock) -> None:
    """A name server that did not answer is asked again by the next login."""
    answers: list[list[str] | None] = [None, ["192.0.2.1"]]

    def find(host: str, _port: int, _seconds: float) -> list[str]:
        answer = answers.pop(0)
        if answer is None:
            raise DirectoryError("timeout", host)
        return answer

    book = AddressBook(clock, find)
    with pytest.raises(DirectoryError):
        book.find("one", 636, 5)

    assert book.find("one", 636, 5) == ["192.0.2.1"]
