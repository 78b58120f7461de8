"""More ways to a provider, in a real browser: by the address one types, in silence, and sent by somebody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from onegov_auth.testing.servers import OidcProvider

Serve = Callable[..., tuple[str, Any]]


@pytest.fixture(name="open_site")
def _open_site(serve: Serve, own_oidc_op: OidcProvider) -> Callable[..., str]:
    """Serves the site; the arguments change the provider's block."""

    def open_site(**block: Any) -> str:
        def providers(url: str) -> dict[str, Any]:
            here = f"{url}/auth/provider/company"
            own_oidc_op.allow_redirect(f"{here}/callback", after_logout=[f"{here}/logout"])
            right = {
                "kind": "oidc",
                "issuer": own_oidc_op.issuer,
                "client_id": own_oidc_op.client_id,
                "client_secret": own_oidc_op.client_secret,
                "button": "Log in with **Company**",
                "claims": {"username": "sub"},
                "roles": {"member": ["*"]},
            }
            return {"company": {**right, **block}}

        return serve(providers)[0]

    return open_site


def enter(page: Page, op: OidcProvider, login: str = "alice") -> None:
    """Fill in the provider's own login form."""
    page.wait_for_url(f"{op.issuer}/**")
    page.fill("input[name=login]", login)
    page.fill("input[name=password]", op.account(login).password)
    page.click("button[type=submit]")


def test_an_address_is_enough(open_site: Callable[..., str], own_oidc_op: OidcProvider, page: Page) -> None:
    """Somebody types the address of their company and no password, and logs in there."""
    url = open_site(domains=["example.org"])
    page.goto(f"{url}/personal")
    page.fill("input[name=username]", "alice@example.org")
    page.press("input[name=username]", "Enter")
    enter(page, own_oidc_op)
    page.wait_for_url(f"{url}/personal")

    assert "company-alice" in page.inner_text("#who")


def test_a_local_account_of_that_domain(open_site: Callable[..., str], page: Page) -> None:
    """The page has a way for those whose password is of this site."""
    url = open_site(domains=["example.net"])
    page.goto(f"{url}/personal")
    page.click("text=Log in with a password of this site")
    page.fill("input[name=username]", "ann@example.net")
    page.fill("input[name=password]", "correct horse battery staple")
    page.click("button:has-text('Log in') >> nth=0")
    page.wait_for_url(f"{url}/personal")

    assert "ann@example.net" in page.inner_text("#who")


def test_in_silence(open_site: Callable[..., str], own_oidc_op: OidcProvider, page: Page) -> None:
    """
    Who has no session at the provider finds the login page without a word, who has one is in at once.

    After logging out here nobody is logged in again by surprise, though the provider's session goes on.
    """
    url = open_site(auto_login=True, logout={"rp_initiated": False})
    page.goto(f"{url}/personal")
    page.wait_for_url(f"{url}/auth/login?**local=1**")
    assert not page.is_visible("[role=alert]")
    page.click("text=Log in with Company")
    enter(page, own_oidc_op)
    page.wait_for_url(f"{url}/personal")
    page.context.clear_cookies(name="main-app-auth")
    page.goto(f"{url}/personal")
    page.wait_for_url(f"{url}/personal")
    assert "company-alice" in page.inner_text("#who")

    page.goto(f"{url}/auth/logout")
    page.click("main button[type=submit]")
    page.wait_for_url(f"{url}/")
    page.goto(f"{url}/personal")
    assert page.url.startswith(f"{url}/auth/login")
    page.click("text=Log in with Company")
    page.wait_for_url(f"{url}/personal")


@pytest.mark.sec("OIDC-43", "OIDCX-34")
@pytest.mark.parametrize("form", [False, True], ids=["link", "form"])
def test_sent_by_the_providers_portal(
    open_site: Callable[..., str], own_oidc_op: OidcProvider, page: Page, form: bool
) -> None:
    """A click on the portal, by a link or a form, begins the login here and ends where the portal wanted."""
    url = open_site()
    address = f"{url}/auth/provider/company/initiate"
    fields = {"iss": own_oidc_op.issuer, "login_hint": "alice", "target_link_uri": f"{url}/personal"}
    inputs = "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in fields.items())
    portal = f'<form action="{address}" method="{"post" if form else "get"}">{inputs}<button>Go</button></form>'
    page.route(f"{own_oidc_op.issuer}/portal", lambda route: route.fulfill(body=portal, content_type="text/html"))
    page.goto(f"{own_oidc_op.issuer}/portal")
    page.click("button")
    enter(page, own_oidc_op)
    page.wait_for_url(f"{url}/personal")

    assert "company-alice" in page.inner_text("#who")
