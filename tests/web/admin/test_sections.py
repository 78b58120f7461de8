"""The sections of the administration."""

from __future__ import annotations

from typing import Any

import pytest

from onegov_auth.web.admin.sections import SECTIONS, Section


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.path)
def test_each_is_a_page(desk: Any, section: Section) -> None:
    """Where a section is said to be, there is a page of that name, and the front page links to it with its text."""
    page = desk.get(f"/auth/{section.path}")
    front = desk.get("/auth/admin")

    assert page.html.find("h1").get_text(strip=True) == section.label
    (entry,) = [row for row in front.html.select("ul.rows li") if row.a["href"] == f"/auth/{section.path}"]
    assert section.label in entry.text
    assert section.text in entry.text


def test_none_is_left_out(desk: Any) -> None:
    """Whatever the menu of the administration leads to is one of them, in the same order."""
    menu = desk.get("/auth/admin/users").html.find("nav", class_="menu")
    links = [link["href"] for link in menu.find_all("a") if link["href"].startswith("/auth/admin/")]

    assert links == [f"/auth/{section.path}" for section in SECTIONS]
