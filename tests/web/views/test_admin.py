"""The front page of the administration."""

from __future__ import annotations

from typing import Any

import pytest


def test_sections_are_listed(browser: Any, add_user: Any) -> None:
    """Each section has a link and a line that says what it is for."""
    add_user("ada@example.org", "admin")
    browser.log_in("ada@example.org")
    page = browser.get("/auth/admin")
    links = [link["href"] for link in page.html.select("ul.rows a")]

    assert links[0] == "/auth/admin/users"
    assert "/auth/admin/signup-links" in links
    assert "Find people" in page.text


@pytest.mark.sec("ASVS-8.2.1")
def test_administration_is_secret(browser: Any, add_user: Any) -> None:
    """Editors may not; visitors are led to the login."""
    assert "/auth/login" in browser.get("/auth/admin", status=303).location
    add_user("eve@example.org", "editor")
    browser.log_in("eve@example.org")
    browser.get("/auth/admin", status=403)
