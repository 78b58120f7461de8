"""Tests of the right to sync a directory."""

from __future__ import annotations

from onegov_auth.database import Database
from onegov_auth.models import DirectorySync
from onegov_auth.testing.clock import FakeClock


def test_one_row_stands_for_one_directory(database: Database, clock: FakeClock) -> None:
    """What is stored is who has the right, and when they last gave a sign of life."""
    with database.unit() as db:
        db.add(DirectorySync(source="staff", holder="run", beat=clock()))
    with database.read() as db:
        row = db.get_one(DirectorySync, "staff")

    assert (row.holder, row.beat) == ("run", clock())
