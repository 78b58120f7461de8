"""The contract for text messages accepts a good sender, and notices each broken one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Self

import pytest

from onegov_auth.mail import NotSentError, SMSSender
from onegov_auth.mail.sms import check_number
from onegov_auth.testing.contracts import SMSSenderContract

log = logging.getLogger(__name__)


class Toy(SMSSender):
    """Keeps what it is given; has the fault that it is told to have."""

    def __init__(self, fault: str = "", *, runs: bool = True) -> None:
        self.fault = fault
        self.runs = runs
        self.sent: list[tuple[str, str]] = []

    @classmethod
    def from_url(cls, url: str, sender: str) -> Self:  # pragma: no cover - made by hand here
        """A toy."""
        return cls()

    def __repr__(self) -> str:
        return f"Toy({'CANARY' if self.fault == 'shows secret' else ''})"

    def send(self, number: str, text: str) -> None:
        """Keep it, or do something wrong."""
        number = number if self.fault == "any number" else check_number(number)
        if self.fault == "logs":
            log.info("sending %s", text)
        if not self.runs and self.fault != "says nothing":
            raise NotSentError(text if self.fault == "repeats" else "down")
        self.sent += [(number, text[:160] if self.fault == "cuts" else text)] * (2 if self.fault == "twice" else 1)


@pytest.fixture(name="noticed")
def _noticed(keep: Callable[..., None], tests_of: Callable[[object], list[str]]) -> Callable[[str], set[str]]:
    """Which tests of the suite fail for a sender with that fault."""

    def noticed(fault: str) -> set[str]:
        failed = set()
        for test in tests_of(SMSSenderContract()):
            sender = Toy(fault)
            fixtures: dict[str, Any] = {
                "sender": sender,
                "broken_sender": Toy(fault, runs=False),
                "arrived": lambda sender=sender: sender.sent,
                "canaries": ("CANARY",),
            }
            try:
                keep(SMSSenderContract(), test, **fixtures)
            except (AssertionError, pytest.fail.Exception):
                failed.add(test)
        return failed

    return noticed


def test_a_good_sender_is_accepted(noticed: Callable[[str], set[str]]) -> None:
    """Who keeps the contract passes all of it."""
    assert noticed("") == set()


@pytest.mark.parametrize(
    ("fault", "test"),
    [
        ("cuts", "test_a_message_arrives"),
        ("twice", "test_a_message_arrives"),
        ("any number", "test_numbers_that_are_none"),
        ("says nothing", "test_a_gateway_that_is_down"),
        ("repeats", "test_a_gateway_that_is_down"),
        ("logs", "test_nothing_secret_is_shown"),
        ("shows secret", "test_nothing_secret_is_shown"),
    ],
)
def test_a_broken_sender_is_noticed(noticed: Callable[[str], set[str]], fault: str, test: str) -> None:
    """Each fault makes the test fail that is about it."""
    assert test in noticed(fault)


@pytest.mark.parametrize("name", ["url", "broken_url", "arrived"])
def test_fixtures_that_are_missing_are_named(name: str) -> None:
    """Who forgets a fixture is told which."""
    fixture: Any = getattr(SMSSenderContract, name)

    with pytest.raises(NotImplementedError, match=name):
        getattr(fixture, "__wrapped__", fixture)(SMSSenderContract())
