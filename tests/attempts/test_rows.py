"""The statements over the table of attempts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from onegov_auth.attempts import Attempt, Attempts
from onegov_auth.domain import Client

pytestmark = pytest.mark.parametrize(("database", "counters"), [("postgresql", None)], indirect=True)


def test_two_round_trips_however_many_limits(
    make: Callable[..., Attempts], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL locks and failures come in one answer, the row and the commit in another."""
    import psycopg  # noqa: PLC0415 - only where there is a PostgreSQL

    attempts = make(per_address={"limit": 9})
    attempts.admit("login", "ann", client)
    trips: list[str] = []
    pipeline: Any = psycopg.Connection.pipeline

    def note(connection: Any) -> Any:
        trips.append("pipeline")
        return pipeline(connection)

    monkeypatch.setattr(psycopg.Connection, "pipeline", note)
    assert isinstance(attempts.admit("login", "ann", client), Attempt)
    assert trips == ["pipeline", "pipeline"]
