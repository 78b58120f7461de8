"""Phone numbers."""

from __future__ import annotations

import sys

import pytest

from onegov_auth.errors import MissingDependencyError
from onegov_auth.factors.phone import e164, masked

COUNTRIES = ("CH", "DE", "LI")


@pytest.mark.sec("SMS-05")
@pytest.mark.parametrize(
    "typed", ["079 123 45 67", "+41791234567", "0041 79 123 45 67", " (079) 123-45-67 ", "+41 (0)79 123 45 67"]
)
def test_one_number_has_one_form(typed: str) -> None:
    """However it is written, a number is stored in the form of E.164."""
    assert e164(typed, COUNTRIES) == "+41791234567"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "hello",
        "+41 79 123",
        "+43 664 1234567",
        "1" * 60,
        "+41791234567 ext. 5",
        "+41791234567;phone-context=x",
        "٠٧٩١٢٣٤٥٦٧",
        "０７９１２３４５６７",
    ],
)
def test_what_is_no_number_of_these_countries_is_none(typed: str) -> None:
    """Other countries' numbers, extensions, other scripts' digits and nonsense are no numbers."""
    assert e164(typed, COUNTRIES) is None


@pytest.mark.sec("SMS-04")
@pytest.mark.parametrize("typed", ["0900 123 456", "0800 123 456", "044 668 18 00", "0840 123 456"])
def test_only_mobile_numbers_are_taken(typed: str) -> None:
    """No message goes to numbers that earn from calls, that are free, or that are a desk's."""
    assert e164(typed, COUNTRIES) is None


def test_a_number_without_a_country_is_of_the_first() -> None:
    """Somebody in Germany writes no country code."""
    assert e164("01512 3456789", ("DE", "CH")) == "+4915123456789"
    assert e164("01512 3456789", ()) is None


@pytest.mark.sec("SMS-05")
def test_a_page_shows_two_digits() -> None:
    """The owner knows the number again, and nobody else learns it."""
    assert masked("+41791234567") == "••• 67"


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has not installed phonenumbers is told how."""
    monkeypatch.setitem(sys.modules, "phonenumbers", None)

    with pytest.raises(MissingDependencyError, match=r"onegov-auth\[mtan\]"):
        e164("", COUNTRIES)
