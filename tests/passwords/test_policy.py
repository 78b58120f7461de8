"""Which new passwords are allowed."""

from __future__ import annotations

import pytest

from onegov_auth.errors import InsecurePasswordError
from onegov_auth.passwords import PasswordPolicy
from onegov_auth.settings.accounts import Forbid, Passwords


@pytest.mark.sec("NIST-01", "PWD-11", "ASVS-6.2.1")
def test_length() -> None:
    """A password has at least the configured number of characters, and the message says how many."""
    policy = PasswordPolicy()

    policy.check("x" * 15)
    with pytest.raises(InsecurePasswordError, match="at least 15 characters"):
        policy.check("x" * 14)


@pytest.mark.sec("NIST-03")
def test_length_is_in_characters() -> None:
    """Each character counts as one, however many bytes or typed parts it has."""
    PasswordPolicy().check("ü🔑" * 7 + "x")
    with pytest.raises(InsecurePasswordError):
        PasswordPolicy().check("u\u0308" * 14)


def test_longest() -> None:
    """A password has at most the configured number of characters."""
    policy = PasswordPolicy(Passwords(max_length=64))

    policy.check("x" * 64)
    with pytest.raises(InsecurePasswordError, match="at most 64 characters"):
        policy.check("x" * 65)


@pytest.mark.sec("NIST-09", "PWD-11")
def test_username() -> None:
    """The username is no password, in capitals or not, unless that is allowed."""
    allowed = PasswordPolicy(Passwords(forbid=Forbid(username=False)))

    with pytest.raises(InsecurePasswordError, match="must not be the username"):
        PasswordPolicy().check("Somebody@Example.org", "somebody@example.org")
    PasswordPolicy().check("somebody@example.org and more", "somebody@example.org")
    allowed.check("somebody@example.org", "somebody@example.org")


@pytest.mark.sec("NIST-04", "ASVS-6.2.5")
def test_no_composition_rules() -> None:
    """One and the same letter is enough, if there are enough of it."""
    PasswordPolicy().check("a" * 15, "somebody")
