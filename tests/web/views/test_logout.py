from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.sec("CSRF-03", "ASVS-7.4.4", "ASVS-7.4.1")
def test_logout_is_a_page_with_a_button(browser: Any, add_user: Callable[..., Any]) -> None:
    """To see the page changes nothing; its button logs out and leads on."""
    add_user("ann@example.org")
    browser.log_in("ann@example.org")

    page = browser.get("/auth/logout?to=/open")
    assert browser.head("/auth/logout").status_code == 200
    assert "Do you want to log out?" in page.text
    assert "ann@example.org" in browser.get("/").text
    response = page.form.submit()
    assert response.location == "https://app.example.org/open"
    assert "nobody" in browser.get("/").text


def test_who_is_out_is_told(browser: Any) -> None:
    """Without a session there is a way in and no button."""
    page = browser.get("/auth/logout")

    assert "You are logged out." in page.text
    assert not page.forms
    assert 'href="/auth/login?local=1"' in page.text


@pytest.mark.sec("REDIR-01")
def test_logout_leads_to_this_site_only(browser: Any, add_user: Callable[..., Any]) -> None:
    """Where to go afterwards is reduced to a path."""
    add_user("ann@example.org")
    browser.log_in("ann@example.org")
    form = browser.get("/auth/logout?to=//evil.example/x").form
    assert form["to"].value == "/x"
    form["to"].force_value("https://evil.example\\@x")

    assert form.submit().location == "https://app.example.org/"
