"""Where the lists of the administration are."""

from __future__ import annotations

from typing import Any

import pytest

LISTS = ["users", "groups", "bundles", "permissions", "sessions", "events", "attempts"]


@pytest.mark.sec("ASVS-8.2.1")
@pytest.mark.parametrize("path", [*LISTS, "providers"])
def test_only_those_who_run_the_site_see_them(town: Any, path: str) -> None:
    """Visitors are led to the login, editors are refused, administrators see the page."""
    assert "/auth/login" in town.browser().get(f"/auth/admin/{path}", status=303).location
    town.member("eve@example.org", "editor").get(f"/auth/admin/{path}", status=403)
    assert town.member("ada@example.org", "admin").get(f"/auth/admin/{path}").html.h1


@pytest.mark.sec("ASVS-8.2.1")
@pytest.mark.parametrize("path", LISTS)
def test_lists_are_saved_by_the_same_people_only(town: Any, path: str) -> None:
    """Each list has its file beside it, for whoever sees the list."""
    town.member("eve@example.org", "editor").get(f"/auth/admin/{path}/export", status=403)
    saved = town.member("ada@example.org", "admin").get(f"/auth/admin/{path}/export")

    assert saved.content_type == "text/csv"
    assert "attachment" in saved.headers["Content-Disposition"]


@pytest.mark.parametrize("path", ["users", "groups", "bundles"])
def test_what_can_be_added_has_a_form(town: Any, path: str) -> None:
    """The list leads to it."""
    browser = town.member("ada@example.org", "admin")

    assert browser.get(f"/auth/admin/{path}").html.find("a", href=f"/auth/admin/{path}/new")
    assert browser.get(f"/auth/admin/{path}/new").html.find("form", method="post")


@pytest.mark.parametrize("path", ["permissions", "sessions", "events", "attempts"])
def test_what_comes_about_by_itself_is_not_added(town: Any, path: str) -> None:
    """There is no page to make a log's entry, a session or a permission."""
    town.member("ada@example.org", "admin").get(f"/auth/admin/{path}/new", status=404)
