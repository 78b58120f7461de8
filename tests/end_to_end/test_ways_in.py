from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.end_to_end.moving import follow, submit

Site = Any
PASSWORD = "correct horse battery staple"


def form(page: Page, name: str, password: str) -> None:
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", password)
    submit(page, "input[name=password]")


def by_company(page: Page, login: str, password: str) -> None:
    page.click("text=Log in with Company")
    page.wait_for_url("**/interaction/**")
    page.fill("input[name=login]", login)
    page.fill("input[name=password]", password)
    page.click("button[type=submit], input[type=submit]")
    page.wait_for_url("**/personal")


def who(page: Page) -> list[str]:
    return page.inner_text("#who").split("|")


def test_a_local_password_leads_to_the_personal_page(site: Site, page: Page) -> None:
    """Whoever wants the personal page is asked to log in and lands there."""
    page.goto(f"{site.url}/personal")
    assert "/auth/login" in page.url
    form(page, "ann@example.net", PASSWORD)

    assert page.url == f"{site.url}/personal"
    assert who(page) == ["ann@example.net", "None", "None", "member"]


def test_a_directory_account_leads_to_the_personal_page(site: Site, page: Page) -> None:
    """A person of the directory comes in by mail address or uid, with the role their group gives."""
    person = site.directory.person("bob")
    for name in (person.mail, person.uid):
        page.goto(f"{site.url}/personal")
        form(page, name, person.password)
        title, source, source_id, role = who(page)
        assert (title, source, role) == (person.realname, "staff", "editor")
        assert len(source_id) == 36
        page.context.clear_cookies()


@pytest.mark.sec("OIDC-01")
def test_single_sign_on_leads_to_the_personal_page(site: Site, page: Page) -> None:
    """The button leads to the provider and back, and nothing of the code stays in the address."""
    account = site.issuer.account("alice")
    page.goto(f"{site.url}/personal")
    by_company(page, account.login, account.password)

    assert page.url == f"{site.url}/personal"
    assert who(page)[1:] == ["company", account.sub, "admin"]
    page.goto(f"{site.url}/secret")
    assert page.inner_text("h1") == "Secret"


@pytest.mark.sec("SESS-03", "CSRF-03")
def test_logging_out_ends_it(site: Site, page: Page) -> None:
    """Logging out takes a click, and the back button shows nothing."""
    page.goto(f"{site.url}/personal")
    form(page, "ann@example.net", PASSWORD)
    page.goto(f"{site.url}/auth/logout")
    page.goto(f"{site.url}/personal")
    assert page.inner_text("h1") == "Personal"
    page.goto(f"{site.url}/auth/logout")
    follow(page.locator("main button[type=submit]"))
    page.goto(f"{site.url}/personal")

    assert "/auth/login" in page.url


def test_a_wrong_password_is_told_on_the_page(site: Site, page: Page) -> None:
    """The page says so in one sentence, keeps the name and not the password."""
    page.goto(f"{site.url}/auth/login")
    form(page, "ann@example.net", "wrong")

    assert page.inner_text("[role=alert]")
    assert page.input_value("input[name=username]") == "ann@example.net"
    assert page.input_value("input[name=password]") == ""


def test_somebody_without_the_role_is_told(site: Site, page: Page) -> None:
    """A member sees no secret page and no stack trace."""
    page.goto(f"{site.url}/personal")
    form(page, "ann@example.net", PASSWORD)
    response = page.goto(f"{site.url}/secret")

    assert response is not None
    assert response.status == 403
    assert "Traceback" not in page.content()


@pytest.mark.sec("LDAP-35", "ASVS-16.5.2")
def test_without_the_directory_local_people_still_get_in(site: Site, page: Page) -> None:
    """A directory person is told that it can't be reached; a local one is in at once."""
    site.directory.stop()
    person = site.directory.person("bob")
    page.goto(f"{site.url}/personal")
    form(page, person.mail, person.password)
    assert "can't be reached" in page.inner_text("[role=alert]").replace("’", "'")
    assert "Traceback" not in page.content()
    form(page, "ann@example.net", PASSWORD)

    assert page.url == f"{site.url}/personal"


@pytest.mark.sec("OIDCX-35")
def test_without_the_provider_everybody_else_still_gets_in(site: Site, page: Page) -> None:
    """The button of a provider that is down leads to a page that says so, with the form on it."""
    site.issuer.stop()
    page.goto(f"{site.url}/personal")
    follow(page.locator("text=Log in with Company"))
    assert "can't be reached" in page.inner_text("[role=alert]").replace("’", "'")
    form(page, "ann@example.net", PASSWORD)

    assert page.url == f"{site.url}/personal"


@pytest.mark.sec("OIDCX-31")
def test_two_tabs_dont_spoil_each_other(site: Site, page: Page) -> None:
    """Two logins begun side by side in one browser both can be finished."""
    account = site.issuer.account("alice")
    other = page.context.new_page()
    for tab in (page, other):
        tab.goto(f"{site.url}/auth/login?to=/personal")
        tab.click("text=Log in with Company")
        tab.wait_for_url("**/interaction/**")
    for tab in (other, page):
        tab.fill("input[name=login]", account.login)
        tab.fill("input[name=password]", account.password)
        tab.click("button[type=submit], input[type=submit]")
        tab.wait_for_url("**/personal")

    assert who(other)[1] == "company"


def test_two_browsers_are_two_sessions(site: Site, page: Page, chromium: Browser) -> None:
    """Logging out in one browser leaves the other one in."""
    second = chromium.new_context().new_page()
    for tab in (page, second):
        tab.goto(f"{site.url}/personal")
        form(tab, "ann@example.net", PASSWORD)
    page.goto(f"{site.url}/auth/logout")
    follow(page.locator("main button[type=submit]"))
    second.goto(f"{site.url}/personal")

    assert second.inner_text("h1") == "Personal"
    second.context.close()


@pytest.mark.sec("RACE-11")
def test_nobody_is_made_twice(site: Site, page: Page, chromium: Browser, count_users: Callable[[], int]) -> None:
    """The same person by the same provider in two browsers is one user."""
    account = site.issuer.account("alice")
    second = chromium.new_context().new_page()
    for tab in (page, second):
        tab.goto(f"{site.url}/personal")
        by_company(tab, account.login, account.password)

    assert count_users() == 2
    second.context.close()


@pytest.fixture(name="count_users")
def _count_users(site: Site) -> Callable[[], int]:
    def count() -> int:
        with site.app.auth.database.read() as db:
            return int(site.app.auth.users(db).query().count())

    return count
