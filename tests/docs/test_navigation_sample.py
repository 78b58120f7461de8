"""The sample of a menu shows everybody what they may see."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup
from webtest import TestApp


def labels(page: Any) -> list[str]:
    """The texts of the menu."""
    links = BeautifulSoup(page.text, "html.parser").select('nav[aria-label="Main menu"] a')
    return [link.get_text(strip=True) for link in links]


def test_menu(examples: Path, place: Path, log_in: Callable[..., Any]) -> None:
    """Visitors see what is public, and members their diary with its group open."""
    application = runpy.run_path(str(examples / "navigation" / "app.py"))["application"]

    assert labels(TestApp(application).get("/")) == ["Home", "Log in", "Help"]
    page = log_in(application, "/diary")
    assert labels(page) == ["Home", "Diary", "Help"]
    assert BeautifulSoup(page.text, "html.parser").find("details", open=True)
    assert 'aria-current="page">Diary' in page.text
