"""The frame of the administration."""

from __future__ import annotations

from typing import Any


def test_pages_stand_in_one_menu(desk: Any) -> None:
    """The menu leads to the sections, and says which one this is."""
    page = desk.get("/auth/admin/users")
    menu = page.html.find("nav", class_="menu")

    assert "/auth/admin/users" in [link["href"] for link in menu.find_all("a")]
    assert [link["href"] for link in menu.find_all("a", attrs={"aria-current": "page"})] == ["/auth/admin/users"]
