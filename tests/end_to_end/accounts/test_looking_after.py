"""How people look after their accounts, in real browsers and by real mail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect


def link_to(town: Any, receiver: str) -> str:
    """The link of the next mail to somebody; mails to others in between are left."""
    for _ in range(5):
        mail = town.mail()
        if mail["X-Envelope-To"] == receiver and "?" in mail.get_body(("plain",)).get_content():
            return str(town.link(mail))
    raise AssertionError(f"no mail to {receiver}")


@pytest.mark.sec("LINK-27")
def test_email(town: Any, page: Page) -> None:
    """A new address counts once its owner followed the link; the old one is told and can take the change back."""
    town.add("ann@example.org", email="ann@example.org", email_verified=True)
    town.log_in(page, "ann@example.org", to="/auth/account/email")
    page.get_by_label("New e-mail address").fill("ann@example.net")
    page.get_by_role("button", name="Change the address").click()
    expect(page.get_by_role("status")).to_contain_text("ann@example.net")
    expect(page.get_by_text("Mails go to ann@example.org.")).to_be_visible()

    confirm = link_to(town, "ann@example.net")
    page.goto(confirm)
    assert page.url == f"{town.url}/auth/account/email/confirm"
    page.get_by_role("button", name="Use this address").click()
    town.log_in(page, "ann@example.net", to="/auth/account/email")
    expect(page.get_by_text("Mails go to ann@example.net.")).to_be_visible()


@pytest.mark.sec("LINK-27")
def test_email_revoked(town: Any, page: Page, new_page: Callable[[], Page]) -> None:
    """Whoever reads the old address takes a change back, logged in nowhere, and ends all sessions by it."""
    town.add("ann@example.org", email="ann@example.org", email_verified=True)
    town.log_in(page, "ann@example.org", to="/auth/account/email")
    page.get_by_label("New e-mail address").fill("eve@example.net")
    page.get_by_role("button", name="Change the address").click()
    expect(page.get_by_role("status")).to_be_visible()

    owner = new_page()
    owner.goto(link_to(town, "ann@example.org"))
    assert owner.url == f"{town.url}/auth/account/email/revoke"
    owner.get_by_role("button", name="Take the change back").click()
    expect(owner.get_by_role("status")).to_contain_text("taken back")
    page.goto(f"{town.url}/personal")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


@pytest.mark.sec("SESS-05")
def test_sessions(town: Any, page: Page, new_page: Callable[[], Page]) -> None:
    """A session is ended from a second browser, and the first one is out at once."""
    town.add("ann@example.org")
    lost = new_page()
    town.log_in(lost, "ann@example.org")
    expect(lost.locator("#who")).to_be_visible()
    town.log_in(page, "ann@example.org", to="/auth/account/sessions")
    expect(page.get_by_text("This device")).to_have_count(1)

    page.get_by_role("button", name="End the session").click()
    expect(page.get_by_role("status")).to_contain_text("ended")
    lost.goto(f"{town.url}/personal")
    expect(lost.get_by_role("heading", name="Log in")).to_be_visible()
    page.goto(f"{town.url}/personal")
    expect(page.locator("#who")).to_be_visible()


def test_old_login_is_asked_again(town: Any, page: Page) -> None:
    """Five minutes after the login, a page for the owner only asks for the password, and goes on from there."""
    town.add("ann@example.org")
    town.log_in(page, "ann@example.org")
    expect(page.locator("#who")).to_be_visible()
    town.ahead = timedelta(minutes=6)
    page.goto(f"{town.url}/auth/account/sessions")
    expect(page.get_by_role("heading", name="Please confirm that it is you")).to_be_visible()

    page.get_by_label("Password").fill("not it")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Password").fill(town.password)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Sessions")).to_be_visible()


def test_password(town: Any, page: Page) -> None:
    """Somebody changes the password, stays logged in here, and the new one works."""
    town.add("ann@example.org")
    town.log_in(page, "ann@example.org", to="/auth/account/password")
    page.get_by_label("Current password").fill(town.password)
    town.password = "eleven quiet otters under the bridge"
    page.get_by_label("New password", exact=True).fill(town.password)
    page.get_by_label("New password, once more").fill(town.password)
    page.get_by_role("button", name="Change the password").click()

    expect(page.get_by_role("status")).to_contain_text("Your password is changed")
    page.get_by_role("link", name="Log out").click()
    page.get_by_role("button", name="Log out").click()
    town.log_in(page, "ann@example.org")
    expect(page.locator("#who")).to_be_visible()
