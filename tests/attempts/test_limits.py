"""The rule by which failures lock, wherever they are kept."""

from __future__ import annotations

import math

import pytest

from onegov_auth.attempts.limits import FOREVER, Scope, Tried, bounds, judge, limits_of
from onegov_auth.settings.session import Attempts

SCOPE = Scope("name", 3, 600, 3600)


@pytest.mark.sec("RATE-06")
@pytest.mark.parametrize(
    ("failures", "now", "wait"),
    [
        ([], 0, 0),
        ([20, 10], 20, 0),
        ([600, 10, 0], 600, 3600),
        ([601, 10, 0], 601, 0),
        ([600, 10, 0], 4199, 1),
        ([600, 10, 0], 4200, 0),
        ([600, 10, 0, -5000], 600, 3600),
        ([10, 20, 500], 10, 3600),
    ],
)
def test_a_lockout_runs_from_the_last_failure(failures: list[float], now: float, wait: float) -> None:
    """So many within the time, its edge included, lock from the newest on; a clock that went back frees nobody."""
    assert SCOPE.wait(failures, now) == wait


def test_the_longest_lock_that_is_told_counts() -> None:
    """Of several limits the longest wait is told; one that is not told makes the attempt void."""
    row = Scope("row", 2, FOREVER, FOREVER)
    silent = Scope("person", 1, 600, 3600, told=False)

    assert judge([SCOPE, row], {"name": [2, 1, 0], "row": [2, 1]}, 2).wait == math.inf
    verdict = judge([SCOPE, silent], {"person": [2]}, 2)
    assert (verdict.locked, verdict.void) == (False, True)
    assert not judge([SCOPE, row, silent], {}, 2).void


@pytest.mark.sec("NIST-33", "RATE-01")
@pytest.mark.parametrize("kind", ["login", "factor"])
def test_all_failures_in_a_row_together_are_a_hundred(kind: str) -> None:
    """What is kept for browsers that are known is taken from the others."""
    budgets = Attempts()
    elsewhere = limits_of(budgets, Tried(kind, "ann", "192.0.2.1", "1"), covert=True)
    here = limits_of(budgets, Tried(kind, "ann", "192.0.2.1", "1", "browser"), covert=True)

    rows = {scope.name: scope.limit for scope in (*elsewhere, *here) if scope.name.endswith("row")}
    assert rows == {"row": 75, "person_row": 75, "device_row": 25}
    assert [scope.name for scope in elsewhere if not scope.told] == ["person", "person_row"]
    assert {scope.name for scope in here} == {"device", "device_row"}


def test_an_address_alone_is_held_against_its_own_limit() -> None:
    """Where nobody was named, or the limit per address is off, only what is left counts."""
    off = Attempts.model_validate({"per_address": False})
    assert [one.name for one in limits_of(Attempts(), Tried("factor", None, "192.0.2.1"), covert=False)] == ["address"]
    assert limits_of(off, Tried("factor", None, "192.0.2.1"), covert=False) == []
    assert bounds(off, "signup", 0)["address_most"] == 0
    assert bounds(off, "signup", 0)["row_most"] == 0
