"""Somebody who runs the site, at its pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from bs4 import BeautifulSoup

ADMIN = "ada@example.org"


@pytest.fixture(name="admin")
def _admin(add_user: Callable[..., Any]) -> Any:
    """An administrator."""
    return add_user(ADMIN, role="admin")


@pytest.fixture(name="desk")
def _desk(browser: Any, admin: Any) -> Any:
    """The administrator's browser, logged in just now."""
    del admin
    browser.log_in(ADMIN)
    return browser


@pytest.fixture(name="table")
def _table() -> Callable[[Any], list[list[str]]]:
    """The cells of a page's list."""

    def cells(page: Any) -> list[list[str]]:
        html = BeautifulSoup(page.text, "html.parser")
        rows = html.select("table.grid tbody tr")
        return [[cell.get_text(" ", strip=True) for cell in row.find_all(["th", "td"])] for row in rows]

    return cells
