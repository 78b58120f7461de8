"""Runs the methods of a contract suite by hand, so that a broken provider can be seen to fail."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def keep(caplog: pytest.LogCaptureFixture) -> Callable[..., None]:
    """Runs one test of a suite with these fixtures, once for each of its parameters."""

    def keep(suite: object, test: str, **fixtures: Any) -> None:
        method = getattr(suite, test)
        available = {"caplog": caplog, **fixtures}
        marks = [mark for mark in getattr(method, "pytestmark", []) if mark.name == "parametrize"]
        for value in marks[0].args[1] if marks else [None]:
            caplog.clear()
            given = available | ({marks[0].args[0]: value} if marks else {})
            method(**{name: given[name] for name in inspect.signature(method).parameters})

    return keep


@pytest.fixture
def tests_of() -> Callable[[object], list[str]]:
    """The tests of a suite."""

    def tests_of(suite: object) -> list[str]:
        return [name for name in dir(suite) if name.startswith("test_")]

    return tests_of
