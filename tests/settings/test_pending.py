"""Keys whose feature comes later."""

from __future__ import annotations

import logging
from typing import Any, ClassVar

import pytest

from onegov_auth.errors import SettingsError
from onegov_auth.settings import Pending, ProviderSettings, Settings, refuse_pending, settings_from


class Directory(ProviderSettings):
    """A kind with two keys whose features come later."""

    later: ClassVar = {"sync": ("the sync", False), "tls.pin": ("pinning", True)}
    sync: dict[str, Any] | None = None
    tls: dict[str, Any] | None = None


def made(raw: dict[str, Any], **changes: Any) -> Settings:
    """The smallest configuration with these keys."""
    return settings_from({**raw, **changes}, environ={}, provider_settings=lambda _: Directory)


@pytest.mark.parametrize(
    ("changes", "key", "protective"),
    [
        ({"providers": {"x": {"kind": "a", "sync": {}}}}, "providers.x.sync", False),
        ({"providers": {"x": {"kind": "a", "tls": {"pin": "y"}}}}, "providers.x.tls.pin", True),
    ],
    ids=str,
)
def test_switched_on(raw: dict[str, Any], changes: dict[str, Any], key: str, protective: bool) -> None:
    """A key that is switched on before its feature exists is pending."""
    (found,) = made(raw, **changes).pending

    assert (found.key, found.protective) == (key, protective)


@pytest.mark.parametrize(
    "changes",
    [
        {"redis": "redis://localhost"},
        {"registration": {"enabled": False, "role": "member"}},
        {"recovery": {"valid": "2h"}},
        {"passwords": {"login": "all", "min_length": 20, "forbid": {"common": False, "username": True, "history": 0}}},
        {"second_factors": {"mtan": {"enabled": False}, "totp": None, "required_for": [], "trusted_device": 0}},
        {"second_factors": {"trusted_device": "0s"}},
        {"tokens": {"api": {}, "jwt": {"enabled": True}}},
        {"mail": {"url": "console:"}},
        {"providers": {"x": {"kind": "a", "sync": None, "tls": {}}}},
    ],
    ids=str,
)
def test_not_switched_on(raw: dict[str, Any], changes: dict[str, Any]) -> None:
    """A default, a switch that is off, and a feature that exists are not pending."""
    assert made(raw, **changes).pending == ()


@pytest.mark.sec("ASVS-16.5.2")
def test_refuse_protective(raw: dict[str, Any]) -> None:
    """All protective keys stop the start in one error, which leaves the others out."""
    pinned = {"x": {"kind": "a", "tls": {"pin": "y"}, "sync": {}}}
    settings = made(raw, providers=pinned)

    with pytest.raises(SettingsError) as caught:
        refuse_pending(settings)

    assert [fault.partition(":")[0] for fault in caught.value.faults] == [
        "providers.x.tls.pin",
    ]


def test_warn_of_the_others(raw: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    """Keys that only add something are warned of in the log."""
    caplog.set_level(logging.WARNING, "onegov_auth")

    refuse_pending(made(raw, providers={"x": {"kind": "a", "sync": {}}}))

    assert caplog.messages == ["providers.x.sync: comes with a later version (the sync); it has no effect yet"]


def test_nothing_pending(raw: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    """Without such a key nothing is said."""
    refuse_pending(made(raw))

    assert caplog.messages == []


def test_as_text() -> None:
    """A pending key says what comes later."""
    assert str(Pending("a.b", "the feature", protective=False)) == "a.b: comes with a later version (the feature)"
