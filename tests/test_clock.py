from __future__ import annotations

from datetime import UTC, datetime, timedelta

from onegov_auth.clock import utcnow


def test_the_systems_clock_is_aware_and_in_utc() -> None:
    """No naive time enters the framework."""
    assert utcnow().tzinfo is UTC
    assert abs(utcnow() - datetime.now(UTC)) < timedelta(seconds=5)
