"""Tests of what a run reports."""

from __future__ import annotations

from onegov_auth.accounts.sync import Finding, Report, State


def test_a_report_counts() -> None:
    """How many people are in each state; unless something is said against it, the run is fine."""
    report = Report("staff")
    report.add([Finding(State.NEW, "ann", "1"), Finding(State.NEW, "bob", "2"), Finding(State.BACK, "carla", "3")])

    assert report.counts == {State.NEW: 2, State.BACK: 1}
    assert report.ok
    assert not Report("staff", code="empty").ok
