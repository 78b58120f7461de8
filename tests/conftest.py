"""What many tests of the core need: settings, a cheap hash, an ``Auth`` on both databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from onegov_auth.database import Database
from onegov_auth.domain import Client
from onegov_auth.passwords import Hasher
from onegov_auth.settings import Settings, settings_from
from onegov_auth.testing.clock import FakeClock

if TYPE_CHECKING:
    from onegov_auth.auth import Auth

SECRET = "a secret for tests only, of more than 32 characters"


@pytest.fixture(name="hasher")
def _hasher() -> Hasher:
    """Hashes at a cost that suits tests."""
    return Hasher.cheap()


@pytest.fixture(name="make_settings")
def _make_settings() -> Callable[..., Settings]:
    def make(**changes: Any) -> Settings:
        raw: dict[str, Any] = {
            "base_url": "https://app.example.org",
            "database": "sqlite://",
            "secrets": [SECRET],
        }
        return settings_from({**raw, **changes})

    return make


@pytest.fixture(name="client")
def _client() -> Client:
    return Client(address="192.0.2.1", user_agent="A Browser", request_id="r-1", browser="browser-one")


@pytest.fixture(name="make_auth")
def _make_auth(
    database: Database, clock: FakeClock, hasher: Hasher, make_settings: Callable[..., Settings]
) -> Callable[..., Auth]:
    def make(*providers: Any, hooks: Any = None, **changes: Any) -> Auth:
        from onegov_auth.auth import Auth  # noqa: PLC0415 - only tests that ask for it load it

        auth = Auth(make_settings(**changes), database, clock=clock, hasher=hasher, hooks=hooks)
        if providers:
            auth.providers = {**auth.providers, **{provider.name: provider for provider in providers}}
        return auth

    return make
