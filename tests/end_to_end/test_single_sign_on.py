"""The same way in, by two OpenID providers of different authors, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page

from onegov_auth.testing.plugin import require_server
from onegov_auth.testing.servers import MockOidcProvider, OidcProvider
from tests.end_to_end.moving import follow, submit

Serve = Callable[..., tuple[str, Any]]


@dataclass
class Company:
    """A provider, and how one logs in and out on its own pages."""

    op: OidcProvider | MockOidcProvider
    by_password: bool

    def enter(self, page: Page, login: str) -> None:
        """Fill in its login form."""
        account = self.op.account(login)
        if self.by_password:
            page.fill("input[name=login]", account.login)
            page.fill("input[name=password]", account.password)
            page.click("button[type=submit]")
        else:
            page.fill("input[name=sub]", account.sub)
            page.click("button:has-text('Authorize')")

    def refuse(self, page: Page) -> None:
        """Say no."""
        page.click("text=Cancel" if self.by_password else "button:has-text('Deny')")

    def confirm_logout(self, page: Page) -> None:
        """Say that one wants to be logged out there as well."""
        page.click("text=Yes, log out" if self.by_password else "button:has-text('End session')")


@pytest.fixture(name="company", params=["oidc-provider", "oidc-provider-mock"])
def _company(request: pytest.FixtureRequest) -> Iterator[Company]:
    """Each of the two providers."""
    make: Any = OidcProvider if request.param == "oidc-provider" else MockOidcProvider
    op = require_server(make)
    yield Company(op, by_password=request.param == "oidc-provider")
    op.close()


@pytest.fixture(name="url")
def _url(company: Company, serve: Serve) -> str:
    """The site."""

    def providers(url: str) -> dict[str, Any]:
        below = f"{url}/auth/provider/company"
        company.op.allow_redirect(f"{below}/callback", after_logout=[f"{below}/logout"])
        return {
            "company": {
                "kind": "oidc",
                "issuer": company.op.issuer,
                "client_id": company.op.client_id,
                "client_secret": company.op.client_secret,
                "button": "Log in with **Company**",
                "userinfo": "always",
                "roles": {"admin": ["admins"], "editor": ["editors"], "member": ["staff"]},
            }
        }

    url, _ = serve(providers)
    return url


@pytest.fixture(name="come")
def _come(company: Company, url: str, page: Page) -> Callable[[str], None]:
    """Log in by the button; ends on the site, wherever that is."""

    def come(login: str) -> None:
        page.goto(f"{url}/personal")
        page.click("text=Log in with Company")
        page.wait_for_url(f"{company.op.issuer}/**")
        company.enter(page, login)
        page.wait_for_url(f"{url}/**")

    return come


def who(page: Page) -> list[str]:
    return page.inner_text("#who").split("|")


@pytest.mark.sec("OIDC-01", "OIDC-09")
@pytest.mark.parametrize(("login", "role"), [("alice", "admin"), ("chloe", "editor"), ("dario", "member")])
def test_somebody_comes_in(come: Callable[[str], None], url: str, page: Page, login: str, role: str) -> None:
    """Name and address come from UserInfo, and the role from the groups."""
    come(login)

    assert page.url == f"{url}/personal"
    assert who(page)[1:] == ["company", f"company-{login}", role]


def test_somebody_says_no(company: Company, url: str, page: Page) -> None:
    """
    Whoever cancels at the provider is told so here, and may choose another way.

    The second provider forgets the state when somebody says no, so that nothing tells whose login that was.
    """
    page.goto(f"{url}/personal")
    page.click("text=Log in with Company")
    page.wait_for_url(f"{company.op.issuer}/**")
    company.refuse(page)
    page.wait_for_url(f"{url}/auth/**")
    assert page.inner_text("[role=alert]")
    if not company.by_password:
        follow(page.locator("main a[href^='/auth/login']"))

    assert page.is_visible("input[name=password]")


@pytest.mark.sec("OIDC-44", "ASVS-7.6.1")
def test_logging_out_goes_by_the_provider(come: Callable[[str], None], company: Company, url: str, page: Page) -> None:
    """The session here is over at once, the provider is asked as well, and the way leads back here."""
    come("alice")
    page.goto(f"{url}/auth/logout")
    page.click("main button[type=submit]")
    page.wait_for_url(f"{company.op.issuer}/**")
    company.confirm_logout(page)
    page.wait_for_url(f"{url}/**")
    page.goto(f"{url}/personal")

    assert "/auth/login" in page.url


@pytest.mark.sec("OIDC-32")
def test_the_provider_gets_new_keys(come: Callable[[str], None], company: Company, url: str, page: Page) -> None:
    """After a restart with other keys the next login works at once."""
    come("alice")
    company.op.restart()
    page.context.clear_cookies()
    come("alice")

    assert page.url == f"{url}/personal"


def test_a_group_is_taken_away(come: Callable[[str], None], company: Company, url: str, page: Page) -> None:
    """Whoever is in no mapped group any more is told so at the next login, and does not come in."""
    come("dario")
    page.context.clear_cookies()
    changed = company.op.account("dario")
    others = [account for account in company.op.accounts if account.login != "dario"]
    company.op.set_accounts([*others, type(changed)(**{**vars(changed), "groups": ()})])
    come("dario")
    assert page.inner_text("[role=alert]")
    page.goto(f"{url}/personal")

    assert "/auth/login" in page.url


def test_the_provider_is_off(company: Company, url: str, page: Page) -> None:
    """The button of a provider that is off leads to a sentence, and a local account still gets in."""
    company.op.stop()
    page.goto(f"{url}/personal")
    follow(page.locator("text=Log in with Company"))
    assert page.inner_text("[role=alert]")
    page.fill("input[name=username]", "ann@example.net")
    page.fill("input[name=password]", "correct horse battery staple")
    submit(page, "input[name=password]")

    assert page.url == f"{url}/personal"
