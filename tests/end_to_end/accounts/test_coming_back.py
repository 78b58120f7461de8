"""How people get back in, in a real browser and by real mail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

NEW = "eleven quiet otters under the bridge"


@pytest.mark.sec("RESET-03", "RESET-05", "RESET-10", "LINK-21")
def test_forgotten_password(town: Any, page: Page, new_page: Callable[[], Page]) -> None:
    """Somebody chooses a new password with a mailed link: sessions elsewhere end, and only the new password works."""
    town.add("ann@example.org")
    elsewhere = new_page()
    town.log_in(elsewhere, "ann@example.org")
    expect(elsewhere.locator("#who")).to_be_visible()

    page.goto(f"{town.url}/auth/login")
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("E-Mail Address").fill("ann@example.org")
    page.get_by_role("button", name="Send the mail").click()
    expect(page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()
    mail = town.mail()
    assert mail["X-Envelope-To"] == "ann@example.org"
    link = town.link(mail)
    page.goto(link)
    assert page.url == f"{town.url}/auth/reset-password"
    page.get_by_label("E-Mail Address").fill("ann@example.org")
    page.get_by_label("New password").fill(NEW)
    page.get_by_role("button", name="Save the new password").click()

    expect(page.get_by_role("status")).to_contain_text("Please log in")
    elsewhere.goto(f"{town.url}/personal")
    expect(elsewhere.get_by_role("heading", name="Log in")).to_be_visible()
    town.log_in(page, "ann@example.org")
    expect(page.get_by_role("alert")).to_be_visible()
    town.password = NEW
    town.log_in(page, "ann@example.org")
    expect(page.locator("#who")).to_be_visible()
    page.goto(link)
    page.get_by_label("E-Mail Address").fill("ann@example.org")
    page.get_by_label("New password").fill("a third one that is long enough too")
    page.get_by_role("button", name="Save the new password").click()
    expect(page.get_by_role("alert")).to_be_visible()
