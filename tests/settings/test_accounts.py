"""The blocks registration, recovery and passwords."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from onegov_auth.settings.accounts import Passwords, Recovery, Registration

Faults = Callable[..., tuple[str, ...]]


@pytest.mark.sec("NIST-01", "ASVS-6.2.1")
def test_default_length() -> None:
    """A password that stands alone has fifteen characters."""
    assert (Passwords().min_length, Passwords().strength) == (15, None)


@pytest.mark.sec("NIST-02", "ASVS-6.2.9")
def test_long_passwords_fit() -> None:
    """At least 64 characters are always allowed."""
    assert Passwords().max_length == 256


@pytest.mark.sec("PWD-14", "NIST-05")
def test_no_rotation_by_default() -> None:
    """Nobody has to change a password without a reason, and there is no history."""
    assert Passwords().forbid.history == 0


def test_closed_by_default() -> None:
    """Nobody registers unless it is switched on; a reset link is good for an hour."""
    assert Registration().enabled is False
    assert Recovery().valid == timedelta(hours=1)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"passwords": {"min_length": 7}}, "passwords.min_length: must be at least 8"),
        ({"passwords": {"max_length": 63}}, "passwords.max_length: must be at least 64"),
        ({"passwords": {"max_length": 1025}}, "passwords.max_length: must be at most 1024"),
        ({"passwords": {"forbid": {"history": -1}}}, "passwords.forbid.history: must be at least 0"),
        ({"passwords": {"login": "some"}}, "passwords.login: must be one of 'all', 'break-glass' or 'none'"),
        (
            {"passwords": {"scheme": "md5"}},
            "passwords.scheme: must be one of 'argon2id', 'bcrypt_sha256', 'pbkdf2_sha256' or 'pbkdf2_sha512'",
        ),
        ({"recovery": {"valid": "25h"}}, "recovery.valid: must be at most 1 day"),
        ({"recovery": {"enabled": "no"}}, "recovery.enabled: must be true or false"),
        ({"registration": {"activation": 0}}, "registration.activation: must be more than 0 seconds"),
    ],
    ids=str,
)
@pytest.mark.sec("NIST-01", "NIST-02", "NIST-44")
def test_faults(faults: Faults, changes: dict[str, Any], fault: str) -> None:
    """What a standard forbids is a fault."""
    assert faults(**changes) == (fault,)
