from __future__ import annotations

import re
from typing import Any

from onegov_auth.testing.providers import KnownIssuer
from onegov_auth.web.account_page import named


def test_menu_shows_where_one_is(browser: Any, add_user: Any) -> None:
    """The menu has every page, and marks the one that is open; the head has the name and the way out."""
    add_user("ann@example.org", realname="Ann Other")
    browser.log_in("ann@example.org")
    page = browser.get("/auth/account/password")

    menu = page.html.find("nav", class_="menu")
    assert [link["href"].removeprefix("/auth/account") for link in menu.find_all("a")] == [
        "",
        "/password",
        "/email",
        "/identities",
        "/sessions",
        "/tokens",
        "/activity",
    ]
    assert [link.text for link in menu.find_all("a", attrs={"aria-current": "page"})] == ["Password"]
    assert re.search(r'class="who" href="/auth/account">Ann Other<', page.text)
    assert 'href="/auth/logout"' in page.text


def test_menu_leads_administrators_to_signup_links(browser: Any, add_user: Any) -> None:
    """Only who may make signup links finds the page in the menu."""
    add_user("ada@example.org", role="admin")
    browser.log_in("ada@example.org")
    menu = browser.get("/auth/account").html.find("nav", class_="menu")

    assert "/auth/admin/signup-links" in [link["href"] for link in menu.find_all("a")]
    assert [group.text for group in menu.find_all("summary")] == ["Your account", "Administration"]


def test_names_of_providers(ask: Any, app: Any) -> None:
    """A provider has its name, and nobody's source has none."""
    app.auth.providers = {**app.auth.providers, "company": KnownIssuer(name="company")}

    assert ask(lambda request: [named(request, source) for source in ("company", "gone", None)]) == [
        "company",
        "gone",
        "",
    ]
