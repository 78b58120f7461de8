"""Attempts that are counted in the database, or in Redis."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from onegov_auth.attempts import Attempts, RedisCounters
from onegov_auth.database import Database
from onegov_auth.devices import Devices
from onegov_auth.keys import Keys
from onegov_auth.settings import Secret, Settings
from onegov_auth.testing.clock import FakeClock

LOGIN = {"limit": 3, "within": "10m", "lockout": "1h"}


@pytest.fixture(name="counters")
def _counters(request: pytest.FixtureRequest) -> RedisCounters | None:
    """What counts in place of the database: ``redis``, or nothing."""
    if request.param is None:
        return None
    return RedisCounters.from_url(Secret(request.getfixturevalue("redis_url")), "main/app")


@pytest.fixture(name="devices")
def _devices() -> Devices:
    return Devices(Keys([Secret("a secret for tests only, of 32 or more")], "main/app"))


@pytest.fixture(name="make")
def _make(
    database: Database,
    clock: FakeClock,
    make_settings: Callable[..., Settings],
    devices: Devices,
    counters: RedisCounters | None,
) -> Callable[..., Attempts]:
    def make(**budgets: object) -> Attempts:
        settings = make_settings(attempts={"login": LOGIN, "per_address": False, **budgets})
        return Attempts(database, settings.attempts, clock=clock, devices=devices, counters=counters)

    return make
