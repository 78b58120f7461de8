"""What is no name and no password."""

from __future__ import annotations

import pytest

from onegov_auth.providers import Password, Refused
from onegov_auth_ldap.credentials import MAX_NAME, MAX_PASSWORD, login_name, password_octets


@pytest.mark.sec("LDAP-01")
@pytest.mark.parametrize(
    "empty", ["", " ", "\t\n", "\0", "\0\0", "\u00a0", "\u00ad", "\u200b\u2060", "\u3000", "\ufe0f"]
)
def test_an_empty_password_is_refused(empty: str) -> None:
    """Nothing, blanks, NULs and what SASLprep maps to nothing are no password."""
    assert password_octets(Password(empty)) == Refused("empty_password")


@pytest.mark.parametrize(
    "clear",
    ["a\0", "\0a", "a\ud800", "x" * (MAX_PASSWORD + 1), "ä" * MAX_PASSWORD],
    ids=["nul", "nul first", "surrogate", "long", "long as octets"],
)
def test_an_impossible_password_is_refused(clear: str) -> None:
    """What no directory stores is not sent to it."""
    assert password_octets(Password(clear)) == Refused("invalid_password")


def test_a_password_is_sent_composed() -> None:
    """A password is NFC in UTF-8, with the blanks it has."""
    assert password_octets(Password(" a\u0308 ")) == " ä ".encode()


def test_a_stored_hash_is_no_password_to_compare() -> None:
    """Whoever stole a hash can't log in with it where passwords are compared."""
    stolen = Password("{SSHA}0123456789")

    assert password_octets(stolen, compared=True) == Refused("invalid_password")
    assert password_octets(stolen) == b"{SSHA}0123456789"


@pytest.mark.parametrize(
    "typed",
    ["", "  ", "a\0", "a\nb", "a\x1b[0m", "a\u202eb", "a\ud800", "x" * (MAX_NAME + 1)],
    ids=["empty", "blank", "nul", "newline", "ansi", "override", "surrogate", "long"],
)
@pytest.mark.sec("LDAP-16", "LDAP-20")
def test_an_impossible_name_is_nobody(typed: str) -> None:
    """What can't be printed, or is too long, is nobody's name."""
    assert login_name(typed) is None


def test_a_name_is_trimmed_and_composed() -> None:
    """Blanks around a name are a mistake of typing; the rest is NFC."""
    assert login_name(" Zoe\u0308 Muster ") == "Zoë Muster"
