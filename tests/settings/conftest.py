"""A configuration without faults, and what is said of one with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from onegov_auth.errors import SettingsError
from onegov_auth.settings import ProviderSettings, settings_from
from onegov_auth.settings.plugins import provider_settings

SECRET = "k3Jx-9vQm2_tR7wZp5LcY8sBn4GfH6dA1eUoVi0"


def kinds(kind: str) -> type[ProviderSettings]:
    """The installed kinds, and one that has no keys of its own."""
    return ProviderSettings if kind == "any" else provider_settings(kind)


@pytest.fixture(name="raw")
def _raw() -> dict[str, Any]:
    """The smallest configuration."""
    return {"base_url": "https://app.example.org", "database": "sqlite://", "secrets": [SECRET]}


@pytest.fixture(name="faults")
def _faults(raw: dict[str, Any]) -> Callable[..., tuple[str, ...]]:
    """What is wrong with the smallest configuration after some keys were changed."""

    def find(**changes: Any) -> tuple[str, ...]:
        try:
            settings_from({**raw, **changes}, environ={}, provider_settings=kinds)
        except SettingsError as error:
            return error.faults
        return ()

    return find
