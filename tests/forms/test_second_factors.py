from __future__ import annotations

import sys
from typing import Any

import pytest
from webob.multidict import MultiDict

from onegov_auth.errors import MissingDependencyError
from onegov_auth.forms import MTANForm, RequestMTANForm, TOTPForm


@pytest.mark.parametrize(("typed", "code"), [(" abc 123 ", "ABC123"), ("a-b", "A-B")])
def test_a_code_is_read_as_it_is_shown(typed: str, code: str) -> None:
    """Spaces are dropped and letters are capitals."""
    form = MTANForm(MultiDict(tan=typed))
    assert form.validate()
    assert form.tan.data == code


def test_a_code_in_the_address_is_filled_in() -> None:
    """Until something is typed."""
    assert MTANForm(query={"tan": "abc123"}).tan.data == "ABC123"
    assert MTANForm(MultiDict(tan="xyz"), query={"tan": "abc123"}).tan.data == "XYZ"
    assert MTANForm(query={}).tan.data in {None, ""}
    assert not MTANForm(MultiDict(tan=" ")).validate()


def test_phones_offer_the_code() -> None:
    """Both fields say that they are for one-time codes."""
    assert MTANForm().tan.render_kw["autocomplete"] == TOTPForm().totp.render_kw["autocomplete"] == "one-time-code"
    form = TOTPForm(MultiDict(totp="123 456"))
    assert form.validate()
    assert form.totp.data == "123456"


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("079 123 45 67", "+41791234567"),
        ("+41 79 123 45 67", "+41791234567"),
        ("044 668 18 00", None),
        ("+49 1512 3456789", "+4915123456789"),
        ("+1 650 253 0000", None),
        ("12", None),
        ("no number", None),
        ("0" * 60, None),
        ("+41 44 668 18 00 00 00", None),
    ],
)
def test_a_number_is_one_of_the_countries(typed: str, number: str | None) -> None:
    """Others, impossible ones and texts are refused; a good one is known in the form of E.164."""
    form = RequestMTANForm(MultiDict(phone_number=typed))
    assert form.validate() == (number is not None)
    assert form.formatted_phone_number == number


def test_the_countries_are_the_application_s() -> None:
    """The first is where a number without a country code is from."""
    form = RequestMTANForm(MultiDict(phone_number="650 253 0000"), countries=["US"])
    assert form.validate()
    assert form.formatted_phone_number == "+16502530000"
    assert not RequestMTANForm(MultiDict(phone_number="650 253 0000"), countries=[]).validate()


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library, the error says what to install."""
    gone: Any = None
    monkeypatch.setitem(sys.modules, "phonenumbers", gone)
    with pytest.raises(MissingDependencyError, match=r"onegov-auth\[mtan\]"):
        RequestMTANForm(MultiDict(phone_number="044 668 18 00")).validate()
