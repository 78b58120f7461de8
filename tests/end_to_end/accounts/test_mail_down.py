"""What people notice of a mail server that is down: that the mail comes later."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from playwright.sync_api import Page, expect


def test_registering_while_the_mail_server_is_down(town: Any, page: Page) -> None:
    """Somebody registers and is told that a mail follows; it comes when the server is back, and its link works."""
    town.post.stop()
    page.goto(f"{town.url}/auth/register")
    page.get_by_label("E-Mail Address").fill("ann@example.org")
    page.get_by_label("Password", exact=True).fill(town.password)
    page.locator("input[name=confirm]").fill(town.password)
    page.get_by_role("button", name="Create the account").click()
    expect(page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()
    assert town.app.auth.mailer.waiting == 1

    town.post.start()
    town.ahead = timedelta(hours=1)
    town.app.auth.mailer.wake()
    page.goto(town.link(town.mail()))
    page.get_by_role("button", name="Activate").click()
    expect(page.get_by_role("status")).to_contain_text("active")
    assert len(town.post.messages) == 1
