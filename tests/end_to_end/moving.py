"""How a browser gets from one page to the next: what is asked of a page is asked of the new one, with its style."""

from __future__ import annotations

from playwright.sync_api import Locator, Page


def follow(way: Locator) -> None:
    """Click on what leads to another page, and wait for it; a click alone returns before the page is whole."""
    with way.page.expect_navigation():
        way.click()


def press(page: Page, name: str) -> None:
    """Follow the button of this name."""
    follow(page.get_by_role("button", name=name))


def submit(page: Page, selector: str) -> None:
    """Send a form by the Enter key in one of its fields, and wait for what comes of it."""
    with page.expect_navigation():
        page.press(selector, "Enter")
