"""Which types of second factor there are."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

import pytest

from onegov_auth.errors import RegistryError
from onegov_auth.factors import FactorServices
from onegov_auth.factors.registry import load, make_factors
from onegov_auth.factors.totp import TOTPFactor
from onegov_auth.settings.factors import TOTP, RecoveryCodes
from onegov_auth.settings.plugins import FACTORS, factor_settings


def point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, FACTORS.group)


def test_ours_take_the_same_road() -> None:
    """They are found by entry point, and so is what their blocks may hold."""
    assert load("totp") is TOTPFactor
    assert factor_settings("totp") is TOTP


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("other", "onegov_auth.factors.totp:TOTPFactor", "calls itself"),
        ("broken", "onegov_auth.nowhere:Nothing", "can't be loaded"),
        ("broken", "onegov_auth.factors.totp:Nothing", "can't be loaded"),
        ("wrong", "onegov_auth.settings.factors:TOTP", "is not a second factor"),
        ("none", "onegov_auth.factors.totp:TOTPFactor", "unknown second factor"),
    ],
)
def test_what_stops_the_start(name: str, value: str, text: str) -> None:
    """One that is unknown, can't be loaded, is none or calls itself otherwise; the distribution is named."""
    points = [point("totp" if name == "none" else name, value)]
    with pytest.raises(RegistryError, match=text):
        load(name, points)


def test_settings_that_are_none() -> None:
    """Something without settings is no factor."""
    with pytest.raises(RegistryError, match="is not a second factor"):
        factor_settings("wrong", [point("wrong", "onegov_auth.settings.factors:OURS")])


def test_two_of_one_name() -> None:
    """Which one runs is never left to chance."""
    points = [point("x", "a:A"), point("x", "b:B")]
    with pytest.raises(RegistryError, match='the second factor "x" is there twice'):
        load("x", points)


def test_spares_come_last() -> None:
    """Whatever the order of the blocks."""
    made = make_factors({"recovery_codes": RecoveryCodes(), "totp": TOTP()}, FactorServices())

    assert list(made) == ["totp", "recovery_codes"]


@pytest.mark.sec("NIST-22")
def test_nothing_is_proven_by_e_mail() -> None:
    """What we bring along has no factor that sends its code by mail (NIST 800-63B-4 §3.1.3.1)."""
    ours = {
        found.name for found in entry_points(group=FACTORS.group) if found.dist and found.dist.name == "onegov-auth"
    }

    assert ours == {"totp", "webauthn", "yubikey", "mtan", "recovery_codes"}
