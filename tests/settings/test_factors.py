"""The block second_factors."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from onegov_auth.settings.factors import MTAN, SecondFactors, YubiKey

Faults = Callable[..., tuple[str, ...]]


def test_none_by_default() -> None:
    """No factor is on, none is required, no device is trusted."""
    factors = SecondFactors()

    assert (factors.totp, factors.yubikey, factors.webauthn, factors.mtan, factors.recovery_codes) == (None,) * 5
    assert factors.required_for == ()
    assert factors.trusted_device == timedelta(0)


def test_empty_block_switches_on() -> None:
    """A factor is on when its block is there, even without a key in it."""
    assert SecondFactors.model_validate({"totp": {}}).totp is not None
    assert SecondFactors.model_validate({"totp": None}).totp is None


def test_yubico_by_default() -> None:
    """A YubiKey is checked by Yubico unless own servers are named."""
    assert YubiKey.model_validate({"client_id": "1", "secret_key": "x"}).urls == (
        "https://api.yubico.com/wsapi/2.0/verify",
    )


@pytest.mark.sec("YUBI-03")
@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("http://validation.example.org/", "must begin with https://"),
        ("http://localhost.example.org/", "must begin with https://"),
        ("ftp://localhost/", "must begin with https://"),
        ("https://", "must be an address"),
        ("https://user@example.org/", "must be an address"),
        ("https://example.org/?a=b", "must be an address"),
    ],
)
def test_validation_servers_are_asked_over_tls(faults: Faults, url: str, fault: str) -> None:
    """A one-time password goes to no other machine in the clear."""
    block = {"client_id": "1", "secret_key": "x", "urls": [url]}

    assert faults(second_factors={"yubikey": block})[0].startswith(f"second_factors.yubikey.urls.0: {fault}")


def test_a_validation_server_on_this_machine_needs_no_tls(faults: Faults) -> None:
    """What never leaves the machine is read by nobody on the way."""
    block = {"client_id": "1", "secret_key": "x", "urls": ["http://127.0.0.1:8000/wsapi/2.0/verify"]}

    assert not any("urls" in fault for fault in faults(second_factors={"yubikey": block, "titel": {}}))


@pytest.mark.sec("NIST-23")
@pytest.mark.parametrize(
    ("block", "fault"),
    [
        ({"mtan": {"valid": "11m"}}, "mtan.valid: must be at most 10 minutes"),
        ({"mtan": {"countries": ["Switzerland"]}}, "mtan.countries.0: must look like ^[A-Z]{2}$"),
        ({"mtan": {"countries": [False]}}, "mtan.countries.0: must be text (put it in quotes)"),
        ({"yubikey": {"client_id": 1}}, "yubikey.client_id: must be text (put it in quotes)"),
        ({"yubikey": {"client_id": "1", "secret_key": "x", "urls": []}}, "yubikey.urls: must have at least 1 entries"),
        ({"webauthn": {"rp_id": "https://host"}}, "webauthn.rp_id: must look like ^[a-z0-9.-]+$"),
        ({"recovery_codes": {"count": 0}}, "recovery_codes.count: must be at least 1"),
        ({"tottp": {}}, "tottp: is unknown; did you mean totp?"),
    ],
    ids=str,
)
def test_faults(faults: Faults, block: dict[str, Any], fault: str) -> None:
    """A wrong block of a factor is a fault."""
    assert faults(second_factors=block)[0] == f"second_factors.{fault}"


def test_codes_by_sms() -> None:
    """Codes by SMS are good for ten minutes and go to the countries around."""
    assert MTAN().valid == timedelta(minutes=10)
    assert MTAN().countries == ("CH", "AT", "DE", "FR", "IT", "LI")
