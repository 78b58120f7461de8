"""A login that nobody clicked for, and after which nobody is logged in by surprise."""

from __future__ import annotations

from typing import Any

import pytest

from onegov_auth.domain import Transaction
from onegov_auth.outcomes import Redirect, Unavailable
from onegov_auth.providers import ProviderSettings
from onegov_auth.testing.providers import KnownIssuer, person
from onegov_auth.web.unasked import may_begin

PASSWORD = "correct horse battery staple"
ANN = person("company", "1", "ann@example.org", groups=frozenset({"x"}))


class Primary(ProviderSettings):
    """The login page goes there."""

    primary: bool = True


class AutoLogin(ProviderSettings):
    """It is asked in silence."""

    auto_login: bool = True


class Asking(KnownIssuer):
    """Puts how it is asked into the address."""

    def start(self, transaction: Transaction) -> Redirect | Unavailable:
        """With the prompt."""
        redirect = super().start(transaction)
        prompt = transaction.hints.get("prompt", "login")
        return (
            Redirect(f"{redirect.url}&prompt={prompt}", redirect.remember)
            if isinstance(redirect, Redirect)
            else redirect
        )


def issuer(settings: type[ProviderSettings]) -> Asking:
    return Asking(name="company", settings=settings(kind="known-issuer", roles={"member": ("*",)}), people={"c": ANN})


def log_in(browser: Any) -> None:
    going = browser.get("/auth/login?to=/personal")
    state = going.text.partition("state=")[2].partition("&")[0]
    browser.get("/auth/provider/company/callback", {"state": state, "code": "c"}, status=303)


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "document"}, True),
        ({"Sec-Fetch-Site": "none", "Sec-Fetch-Dest": "document"}, True),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document", "Sec-Fetch-User": "?1"}, True),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"}, False),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Dest": "document"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "iframe", "Sec-Fetch-User": "?1"}, False),
        ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "image"}, False),
        ({"Sec-Purpose": "prefetch"}, False),
        ({"Sec-Purpose": "prefetch;prerender"}, False),
    ],
)
@pytest.mark.sec("COOKIE-04")
def test_who_may_begin(ask: Any, headers: dict[str, str], allowed: bool) -> None:
    """A page in a window that somebody asked for, and nothing that another site or a look ahead causes."""
    assert ask(may_begin, headers=headers) is allowed


@pytest.mark.parametrize(("settings", "prompt"), [(Primary, "login"), (AutoLogin, "none")])
def test_the_login_page_goes_on(
    make_app: Any, make_browser: Any, settings: type[ProviderSettings], prompt: str
) -> None:
    """To a primary provider as by its button, to an automatic one in silence."""
    page = make_browser(make_app(issuer(settings))).get("/auth/login?to=/personal")
    assert f"prompt={prompt}" in page.text


@pytest.mark.parametrize("settings", [Primary, AutoLogin])
@pytest.mark.sec("SESS-03")
def test_nobody_is_logged_in_again_by_surprise(
    make_app: Any, make_browser: Any, settings: type[ProviderSettings]
) -> None:
    """After a logout the login page waits for a click, for whoever comes next; after a login it goes on again."""
    browser = make_browser(make_app(issuer(settings)))
    log_in(browser)
    browser.log_out()

    page = browser.get("/personal").follow()
    assert "refresh" not in page.text
    assert browser.get("/auth/provider/auto", expect_errors=True).status_code == 401
    going = page.forms[1].submit()
    state = going.text.partition("state=")[2].partition("&")[0]
    browser.get("/auth/provider/company/callback", {"state": state, "code": "c"}, status=303)
    assert not [name for name in browser.cookies if name.endswith("-left")]


def test_the_cookie_is_set_where_it_is_needed(make_app: Any, make_browser: Any, add_user: Any) -> None:
    """Where no login begins by itself there is nothing to remember."""
    add_user("ann@example.org")
    browser = make_browser(make_app())
    browser.log_in("ann@example.org")
    browser.log_out()
    assert not [name for name in browser.cookies if name.endswith("-left")]
