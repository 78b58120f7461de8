from __future__ import annotations

from typing import Any

import pytest

OLD, NEW = "ann@example.org", "ann@example.net"


@pytest.fixture(name="browser")
def _browser(town: Any) -> Any:
    """Ann's."""
    return town.member(OLD, email=OLD, email_verified=True)


def change(browser: Any, address: str = NEW) -> Any:
    form = max(browser.get("/auth/account/email").forms.values(), key=lambda form: "email" in form.fields)
    form["email"] = address
    return form.submit(expect_errors=True)


@pytest.mark.sec("LINK-27")
def test_change(town: Any, browser: Any) -> None:
    """The address stays until the link to the new one was followed and its button pressed."""
    page = change(browser).follow()
    assert f"A mail is on its way to {NEW}" in page.text
    assert town.user(OLD).email == OLD
    clicker = town.browser()
    asking = clicker.get(town.link("account/email", to=NEW)).follow()
    assert NEW in asking.text
    assert town.user(OLD).email == OLD

    asking.form.submit()
    assert (town.user(NEW) or town.user(OLD)).email == NEW
    assert "nobody" in clicker.get("/").text


@pytest.mark.sec("LINK-27")
def test_old_address_takes_it_back(town: Any, browser: Any) -> None:
    """The old address gets a link to take the change back, which ends all sessions and needs no login."""
    change(browser)
    owner = town.browser()
    asking = owner.get(town.link("account/email", to=OLD)).follow()
    assert "Take the change back" in asking.text
    page = asking.form.submit().follow()

    assert "taken back" in page.text
    assert "nobody" in browser.get("/").text
    confirmation = town.browser().get(town.link("account/email", to=NEW)).follow()
    assert "no longer good" in confirmation.text
    assert town.user(OLD).email == OLD


@pytest.mark.sec("ENUM-06")
def test_taken_address_looks_the_same(town: Any, browser: Any) -> None:
    """Whether the new address is somebody else's does not show."""
    town.member("eve@example.net", email="eve@example.net", email_verified=True)
    answers = []
    for address in ("eve@example.net", "free@example.net"):
        response = change(browser, address)
        page = response.follow()
        shown = page.html.find("main").get_text().replace(address, "…")
        answers.append((response.status, response.location, shown))

    assert answers[0] == answers[1]


@pytest.mark.parametrize("address", ["ann", "a@b@c", "", OLD, "ann@example.net\r\nBcc: x@y.zz"])
def test_refusals(town: Any, browser: Any, address: str) -> None:
    """What is no other address is refused beside the field, and mailed to nobody."""
    before = len(town.mails)
    page = change(browser, address)

    assert page.status_code == 200
    assert 'id="email-error"' in page.text
    assert len(town.mails) == before


@pytest.mark.sec("ASVS-7.5.1")
def test_old_login(town: Any, browser: Any) -> None:
    """Five minutes after the login the page asks for the password first, and so does its form."""
    form = browser.get("/auth/account/email").form
    form["email"] = NEW
    town.old()
    before = len(town.mails)
    to = "https://app.example.org/auth/account/confirm?to=%2Fauth%2Faccount%2Femail"

    assert browser.get("/auth/account/email").location == to
    assert form.submit().location == to
    assert len(town.mails) == before


@pytest.mark.parametrize("purpose", ["confirm", "revoke"])
def test_bad_links(town: Any, purpose: str) -> None:
    """A link that is none of ours, was used, or lost its token changes nothing."""
    browser = town.browser()
    for path in (f"/auth/account/email/{purpose}", f"/auth/account/email?{purpose}=forged"):
        page = browser.get(path).maybe_follow()
        assert "no longer good" in page.text
        assert not page.forms
    token = browser.get("/auth/login").forms[0]["csrf_token"].value
    page = browser.post(f"/auth/account/email/{purpose}", {"csrf_token": token, "token": "forged"})
    assert "no longer good" in page.text


@pytest.mark.sec("CSRF-01", "CSRF-02")
@pytest.mark.parametrize(("purpose", "to"), [("confirm", NEW), ("revoke", OLD)])
def test_other_sites_press_no_button(town: Any, browser: Any, purpose: str, to: str) -> None:
    """The buttons behind the mailed links demand our token."""
    change(browser)
    form = town.browser().get(town.link("account/email", to=to)).follow().form
    form["csrf_token"] = "forged"

    form.submit(status=403)
    assert town.user(OLD).email == OLD
    assert "ann@example.org" in browser.get("/").text


def test_people_of_a_provider(town: Any, browser: Any) -> None:
    """Who has no password here has the address at the provider, and no form."""
    with town.app.auth.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE users SET password_hash = '', source = 'company'")

    page = browser.get("/auth/account/email")
    assert "The address comes from your" in page.text
    assert not page.forms


def test_change_is_cancelled(town: Any, browser: Any) -> None:
    """Who thinks better of it presses a button, and the mailed link is good for nothing any more."""
    page = change(browser).follow()
    (form,) = [form for form in page.forms.values() if "cancel" in form.fields]
    page = form.submit().follow()

    assert "The address stays as it is" in page.text
    assert not [form for form in page.forms.values() if "cancel" in form.fields]
    assert "no longer good" in town.browser().get(town.link("account/email", to=NEW)).follow().text


def test_address_was_taken_meanwhile(town: Any, browser: Any) -> None:
    """Whoever was faster keeps the address; that is told to who has proven that it is theirs, and to nobody else."""
    change(browser)
    form = town.browser().get(town.link("account/email", to=NEW)).follow().form
    town.add(NEW, email=NEW, email_verified=True)

    response = form.submit()
    assert "can't be used" in response.follow().follow().text.replace("&#39;", "'")
    assert town.user(OLD).email == OLD
