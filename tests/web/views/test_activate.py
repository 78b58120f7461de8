from __future__ import annotations

from typing import Any

import pytest

PASSWORD = "seven blue herons on a dry roof"


@pytest.fixture(name="path")
def _path(town: Any) -> str:
    """The path of the link that was mailed to somebody who registered."""
    form = town.browser().get("/auth/register").form
    form["username"], form["password"], form["confirm"] = "new@example.org", PASSWORD, PASSWORD
    form.submit()
    path: str = town.link("activate")
    return path


@pytest.mark.sec("LINK-26", "RESET-04", "CSRF-08")
def test_looking_activates_nobody(town: Any, path: str) -> None:
    """A mail scanner that follows the link, with HEAD or GET, changes nothing; the page says whose account it is."""
    scanner = town.browser()
    scanner.head(path)
    page = scanner.get(path).follow()

    assert "new@example.org" in page.text
    assert town.user("new@example.org").active is False


@pytest.mark.sec("LINK-26")
def test_button_activates(town: Any, path: str) -> None:
    """The button activates, and logs nobody in: not even in a browser where nobody is."""
    browser = town.browser()
    response = browser.get(path).follow().form.submit()

    assert town.user("new@example.org").active is True
    assert response.location == "https://app.example.org/auth/login?local=1"
    assert "You can log in now" in response.follow().text
    assert browser.get("/").text.count("nobody") == 1
    assert browser.log_in("new@example.org", PASSWORD).status_code == 303


@pytest.mark.sec("LINK-26")
def test_somebody_else_stays_logged_in(town: Any, path: str) -> None:
    """Who follows the link while logged in as somebody else stays that person."""
    browser = town.member("ann@example.org")
    browser.get(path).follow().form.submit()

    assert "ann@example.org" in browser.get("/").text


def test_link_works_once(town: Any, path: str) -> None:
    """The second time the page says so, and offers another mail."""
    browser = town.browser()
    form = browser.get(path).follow().form
    form.submit()

    assert "no longer good" in form.submit().text
    assert "/auth/resend" in town.browser().get(path).follow().text


@pytest.mark.parametrize("token", ["forged", "", "a.b.c"])
def test_forged_link(town: Any, token: str) -> None:
    """A token that is none of ours activates nobody."""
    assert "no longer good" in town.browser().get(f"/auth/activate?token={token}").follow().text


@pytest.mark.sec("CSRF-01", "CSRF-02")
def test_other_sites_activate_nobody(town: Any, path: str) -> None:
    """The button of another site's page is refused."""
    browser = town.browser()
    form = browser.get(path).follow().form
    form["csrf_token"] = "forged"

    form.submit(status=403)
    assert town.user("new@example.org").active is False
