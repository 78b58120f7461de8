"""How people get an account, in a real browser and by real mail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect


def register(page: Page, username: str, password: str) -> None:
    """Fill in the form."""
    page.get_by_label("E-Mail Address").fill(username)
    page.get_by_label("Password", exact=True).fill(password)
    page.locator("input[name=confirm]").fill(password)
    page.get_by_role("button", name="Create the account").click()


def activate(page: Page, town: Any) -> None:
    """Follow the link of the mail, and press the button."""
    page.goto(town.link(town.mail()))
    page.get_by_role("button", name="Activate").click()
    expect(page.get_by_role("status")).to_contain_text("active")


@pytest.mark.sec("LINK-26")
def test_register(town: Any, page: Page) -> None:
    """Somebody registers, follows the mailed link, presses the button and logs in."""
    page.goto(f"{town.url}/auth/login")
    page.get_by_role("link", name="Create an account").click()
    register(page, "ann@example.org", town.password)
    expect(page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()

    mail = town.mail()
    assert mail["X-Envelope-To"] == "ann@example.org"
    page.goto(town.link(mail))
    assert page.url == f"{town.url}/auth/activate"
    expect(page.get_by_text("ann@example.org")).to_be_visible()
    page.reload()
    page.get_by_role("button", name="Activate").click()
    expect(page.get_by_role("status")).to_contain_text("You can log in now")
    town.log_in(page, "ann@example.org")
    expect(page.locator("#who")).to_have_text("ann@example.org|ann@example.org|member")


def test_signup_link(town: Any, page: Page, new_page: Callable[[], Page]) -> None:
    """An administrator makes a link for one editor: the first who comes is one, the second gets no form."""
    town.add("admin@example.org", "admin")
    town.log_in(page, "admin@example.org", to="/auth/admin/signup-links")
    expect(page.get_by_text("There is no link yet.")).to_be_visible()
    page.get_by_label("Editor").check()
    page.get_by_label("How many people").fill("1")
    page.get_by_role("button", name="Make the link").click()
    link = page.get_by_label("The new link").input_value()
    page.reload()
    expect(page.get_by_label("The new link")).to_have_count(0)

    newcomer = new_page()
    newcomer.goto(link)
    register(newcomer, "new@example.org", town.password)
    activate(newcomer, town)
    town.log_in(newcomer, "new@example.org")
    expect(newcomer.locator("#who")).to_contain_text("|editor")
    late = new_page()
    late.goto(link)
    expect(late.get_by_role("alert")).to_contain_text("no longer good")
    page.reload()
    expect(page.get_by_text("1 of 1 used")).to_be_visible()
    expect(page.get_by_text("new@example.org")).to_be_visible()


def test_mail_server_down(town: Any, page: Page) -> None:
    """While no mail can be sent, the person is told that one follows; it comes when the server is back."""
    town.post.stop()
    page.goto(f"{town.url}/auth/register")
    register(page, "ann@example.org", town.password)
    expect(page.get_by_text("A mail with a link is on its way to you.")).to_be_visible()

    town.post.start()
    town.ahead = timedelta(minutes=30)
    town.app.auth.mailer.deliver()
    page.goto(town.link(town.mail()))
    page.get_by_role("button", name="Activate").click()
    expect(page.get_by_role("status")).to_contain_text("You can log in now")
