"""The host with tables of its own, on both databases."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent


@pytest.fixture(name="staff_app", scope="session")
def _staff_app() -> Any:
    """The host's module; as an installed one it is found by its name."""
    sys.path.insert(0, str(FOLDER))
    try:
        import staff_app  # type: ignore[import-not-found]  # noqa: PLC0415 - found by the line above
    finally:
        sys.path.remove(str(FOLDER))
    return staff_app


@pytest.fixture(name="application_url", params=["sqlite", "postgresql"])
def _application_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database, once of each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(name="application")
def _application(make_application: Any, staff_app: Any) -> Any:
    """The host."""
    return make_application(staff_app.App)
