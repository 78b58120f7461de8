"""An e-mail address chooses the provider its people log in at."""

from __future__ import annotations

from typing import Any

import pytest

from onegov_auth.database import Database
from onegov_auth.domain import Transaction
from onegov_auth.models import AuthEvent, User
from onegov_auth.outcomes import Redirect, Unavailable
from onegov_auth.providers import ProviderSettings
from onegov_auth.testing.providers import KnownIssuer, person

PASSWORD = "correct horse battery staple"


class WithDomains(ProviderSettings):
    """With the key of the providers that have it."""

    domains: tuple[str, ...] = ("example.org",)


class Asking(KnownIssuer):
    """Puts what it was told into the address."""

    def start(self, transaction: Transaction) -> Redirect | Unavailable:
        """With the hint."""
        redirect = super().start(transaction)
        hint = transaction.hints.get("login_hint", "")
        return (
            Redirect(f"{redirect.url}&hint={hint}", redirect.remember) if isinstance(redirect, Redirect) else redirect
        )


@pytest.fixture(name="site")
def _site(make_app: Any) -> Any:
    settings = WithDomains(kind="known-issuer", roles={"member": ("*",)})
    return make_app(Asking(name="company", settings=settings))


@pytest.fixture(name="browser")
def _browser(site: Any, make_browser: Any) -> Any:
    return make_browser(site)


def submit(browser: Any, username: str, password: str = "", address: str = "/auth/login?to=/personal") -> Any:
    form = browser.get(address).forms[0]
    form["username"], form["password"] = username, password
    return form.submit(expect_errors=True)


@pytest.mark.parametrize("password", ["", "something they typed"])
def test_an_address_of_the_domain_goes_on(browser: Any, password: str, database: Database) -> None:
    """Whatever stands in the password field: the login goes on there, with the address as a hint."""
    page = submit(browser, "eve@Example.org ", password)

    assert page.status_code == 200
    assert 'content="0; url=https://issuer.invalid/authorize?' in page.text
    assert "hint=eve@Example.org" in page.text
    assert password not in page.text or not password
    with database.read() as db:
        assert db.query(AuthEvent).count() == 0


@pytest.mark.sec("ENUM-01", "ENUM-10")
def test_a_local_account_of_the_domain_is_not_told_from_none(browser: Any, add_user: Any) -> None:
    """The domain alone decides: neither the right password of an account nor that there is one changes anything."""
    add_user("ann@example.org")
    pages = [
        submit(browser, name, PASSWORD).text.partition("state=")[0] for name in ("ann@example.org", "no@example.org")
    ]
    assert pages[0] == pages[1]
    assert "nobody" in browser.get("/").text


def test_a_local_account_of_the_domain_has_its_own_way(browser: Any, add_user: Any) -> None:
    """The page says where; there the password is compared here and sent nowhere."""
    add_user("ann@example.org")
    [link] = [
        a for a in browser.get("/auth/login?to=/personal").html.find_all("a") if "password of this site" in a.text
    ]
    page = submit(browser, "ann@example.org", "wrong", link["href"])

    assert "could not be logged in" in page.text
    page.forms[0]["password"] = PASSWORD
    assert page.forms[0].submit().location == "https://app.example.org/personal"


def test_the_password_may_be_left_empty(browser: Any) -> None:
    """The field is not demanded by the browser, and a help says why; on the way of its own it is."""
    page = browser.get("/auth/login")
    field = page.html.find("input", {"name": "password"})
    assert not field.has_attr("required")
    assert "Leave it empty" in page.html.find(id=field["aria-describedby"]).text
    assert browser.get("/auth/login?by=password").html.find("input", {"name": "password"}).has_attr("required")
    assert "of this site" not in browser.get("/auth/login?by=password").text


def test_others_need_a_password(browser: Any, add_user: Any) -> None:
    """Who is of no such domain logs in as ever, and is asked for the password that is missing."""
    add_user("ann@other.org")
    page = submit(browser, "ann@other.org")

    assert "Please enter your password." in page.text
    page.forms[0]["password"] = PASSWORD
    assert page.forms[0].submit().location == "https://app.example.org/personal"


def test_without_domains_nothing_is_said(make_app: Any, make_browser: Any) -> None:
    """The page is as ever."""
    page = make_browser(make_app(KnownIssuer(name="company"))).get("/auth/login")
    assert page.html.find("input", {"name": "password"}).has_attr("required")
    assert "Leave it empty" not in page.text


def test_a_provider_that_is_down(make_app: Any, make_browser: Any) -> None:
    """The person is told, and may use another way in."""
    settings = WithDomains(kind="known-issuer")
    page = submit(make_browser(make_app(KnownIssuer(name="company", settings=settings, down={"x"}))), "eve@example.org")
    assert page.status_code == 503
    assert "login service can&#39;t be reached" in page.text


def test_a_link_is_proven_by_the_password(browser: Any, site: Any, add_user: Any, database: Database) -> None:
    """Who links an account of the domain types its password: that form is not sent elsewhere."""
    ann: User = add_user("ann@example.org")
    issuer = site.auth.providers["company"]
    proving = issuer.settings.model_copy(update={"link": "prove"})
    twin = person("company", "77", "ann@example.org", groups=frozenset({"x"}))
    site.auth.providers = {
        **site.auth.providers,
        "company": Asking(name="company", settings=proving, people={"c": twin}),
    }
    going = submit(browser, "ann@example.org")
    state = going.text.partition("state=")[2].partition("&")[0]
    page = browser.get("/auth/provider/company/callback", {"state": state, "code": "c"}).follow()
    page.form["username"], page.form["password"] = "ann@example.org", PASSWORD

    assert page.form.submit().status_code == 303
    with database.read() as db:
        assert db.get_one(User, ann.id).source_id == "77"
