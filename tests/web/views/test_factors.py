from __future__ import annotations

import re
from typing import Any

import pyotp
import pytest

FACTORS = {"totp": {}, "recovery_codes": {"count": 3}}
PATH = "/auth/account/factors"


@pytest.fixture(name="town")
def _town(make_town: Any) -> Any:
    """A site with an authenticator app and recovery codes; administrators must have a factor."""
    return make_town(second_factors={**FACTORS, "required_for": ["admin"]})


@pytest.fixture(name="browser")
def _browser(town: Any, add_phone: Any) -> Any:
    """Ann's, who has just set an app up."""
    browser = town.member()
    add_phone(town, browser, "My phone")
    return browser


def only(browser: Any) -> str:
    """The path of the one factor that is listed."""
    found = re.findall(rf"{PATH}/[0-9a-f-]{{36}}", browser.get(PATH).text)
    assert len(set(found)) == 1
    return str(found[0])


def begin(browser: Any, token_of: Any) -> Any:
    """The page with the picture for the app."""
    return browser.post(f"{PATH}/add/totp", {"csrf_token": token_of(browser)}, status=303).follow()


def test_list(town: Any, browser: Any) -> None:
    """What one has is there with its name, its kind, when it was added and used, and how many codes are left."""
    page = browser.get(PATH)
    assert "My phone" in page.text
    assert "Authenticator app" in page.text
    assert "Not used yet" in page.text
    assert "None yet" in page.text
    browser.get(f"{PATH}/codes").form.submit()

    assert "3 codes left" in browser.get(PATH).text
    town.add("ben@example.org")
    assert "There is none yet." in town.logged_in("ben@example.org").get(PATH).text


def test_codes_are_offered_after_the_first_factor(town: Any, token_of: Any) -> None:
    """Whoever has added a factor comes to the page of recovery codes; with codes, back to the list."""
    browser = town.member()
    page = begin(browser, token_of)
    secret = re.search(r"secret=([A-Z2-7]+)", page.text)
    assert secret
    page.form["code"] = pyotp.TOTP(secret[1]).at(town.clock())
    assert page.form.submit().location.endswith(f"{PATH}/codes")


@pytest.mark.sec("OTP-09", "ASVS-3.4.3")
def test_picture_comes_from_nowhere_else(browser: Any, token_of: Any) -> None:
    """The picture is in the page, which no cache keeps, and nobody else is asked to draw it."""
    page = begin(browser, token_of)

    assert '<img class="qr" src="data:image/svg+xml;base64,' in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert "img-src 'self' data:" in page.headers["Content-Security-Policy"]


@pytest.mark.sec("OTP-09")
def test_wrong_code_keeps_the_picture(browser: Any, token_of: Any) -> None:
    """After a code that won't do, or none, the same key is there: the app has it already."""
    page = begin(browser, token_of)
    before = re.findall(r"secret=[A-Z2-7]+", page.text)
    for code, told in (("12345", "can&#39;t be a code"), (" ", "fill in the code")):
        page.form["code"], page.form["name"] = code, "Mine"
        page = page.form.submit()
        assert told in page.text
        assert page.form["name"].value == "Mine"

    assert re.findall(r"secret=[A-Z2-7]+", page.text) == before
    assert browser.get(PATH).text.count(f'href="{PATH}/') == 2


@pytest.mark.sec("MFA-08", "OTP-09")
def test_set_up_of_another_session(town: Any, browser: Any, token_of: Any) -> None:
    """What was begun in one session goes on in no other one, not even of the same person."""
    transaction = begin(browser, token_of).form["transaction"].value
    town.add("ben@example.org")
    other = town.logged_in("ben@example.org")
    fields = {"csrf_token": token_of(other), "transaction": transaction, "code": "123456"}
    response = other.post(f"{PATH}/add/totp", fields, status=303)

    assert "took too long" in response.follow().text
    assert 'class="qr"' not in other.get(f"{PATH}/add/totp?transaction={transaction}").text


@pytest.mark.parametrize("type_", ["yubikey", "recovery_codes", "nothing"])
def test_what_is_not_offered(browser: Any, token_of: Any, type_: str) -> None:
    """A type that is switched off, or has a page of its own, can't be set up here."""
    browser.get(f"{PATH}/add/{type_}", status=404)
    browser.post(f"{PATH}/add/{type_}", {"csrf_token": token_of(browser)}, status=404)


def test_page_without_a_begin(browser: Any) -> None:
    """Who comes by the address finds a button; nothing is begun by looking."""
    page = browser.get(f"{PATH}/add/totp")

    assert "qr" not in page.text
    assert 'class="qr"' in page.form.submit().follow().text


def test_rename(browser: Any) -> None:
    """A name is needed, and shown from then on."""
    path = only(browser)
    form = browser.get(path).forms[0]
    form["name"] = ""
    assert "Please enter a name" in form.submit().text
    form["name"] = "Old <b>phone"
    form.submit().follow()

    assert "Old &lt;b&gt;phone" in browser.get(PATH).text


@pytest.mark.sec("MFA-10", "WAN-18")
def test_remove(town: Any, browser: Any) -> None:
    """It is gone with its codes, other sessions end, and a mail tells of it."""
    browser.get(f"{PATH}/codes").form.submit()
    page = browser.get(re.findall(rf"{PATH}/[0-9a-f-]{{36}}", browser.get(PATH).text)[0])
    assert "your last one" in page.text
    sent = len(town.mails)
    assert "There is none yet." in page.forms[1].submit().follow().text

    assert len(town.mails) == sent + 1
    assert town.browser().log_in("ann@example.org").location == "https://app.example.org/"


@pytest.mark.sec("WAN-18")
def test_last_factor_of_an_administrator(town: Any, set_up_at_login: Any, token_of: Any) -> None:
    """Whose role must have one keeps the last one: the page says why, and refuses a form that is sent all the same."""
    town.add("ann@example.org", "admin")
    browser = town.browser()
    set_up_at_login(town, browser)
    path = only(browser)
    assert "your account must have one" in browser.get(path).text
    assert len(browser.get(path).forms) == 1

    refused = browser.post(path, {"csrf_token": token_of(browser), "remove": "1"}, status=200)
    assert "Please add another one first." in refused.text
    assert browser.get(PATH).text.count("Authenticator app")


@pytest.mark.sec("MFA-07")
@pytest.mark.parametrize("fields", [{"remove": "1"}, {"name": "Mine now"}], ids=["remove", "rename"])
def test_somebody_elses_factor(town: Any, browser: Any, token_of: Any, fields: dict[str, str]) -> None:
    """Another person's factor is not there, for reading, renaming and removing."""
    path = only(browser)
    town.add("eve@example.org")
    eve = town.logged_in("eve@example.org")

    eve.get(path, status=404)
    eve.post(path, {"csrf_token": token_of(eve), **fields}, status=404)
    assert "My phone" in browser.get(PATH).text


def test_address_that_is_none(browser: Any) -> None:
    """What is no id of a factor is no page."""
    browser.get(f"{PATH}/nothing", status=404)


@pytest.mark.sec("RECOV-05")
def test_codes_are_shown_once(browser: Any, token_of: Any) -> None:
    """They are in the answer to the form, in no cache and on no other page; new ones are others."""
    first = browser.get(f"{PATH}/codes").form.submit()
    codes = re.findall(r"<code>([0-9A-Z-]{19})</code>", first.text)
    assert len(codes) == 3
    assert first.headers["Cache-Control"] == "no-store"
    assert not any(code in browser.get(f"{PATH}{rest}").text for code in codes for rest in ("", "/codes"))

    again = browser.post(f"{PATH}/codes", {"csrf_token": token_of(browser)})
    assert set(codes).isdisjoint(re.findall(r"<code>([0-9A-Z-]{19})</code>", again.text))


@pytest.mark.sec("RECOV-07")
def test_codes_without_a_factor(town: Any, token_of: Any) -> None:
    """There is nothing they could stand in for: none are made."""
    browser = town.member()
    response = browser.post(f"{PATH}/codes", {"csrf_token": token_of(browser)})

    assert response.location.endswith(PATH)


@pytest.mark.sec("REDIR-01")
def test_way_on_from_the_codes(browser: Any) -> None:
    """It leads where the person wanted to go, on this site."""
    assert 'href="/personal"' in browser.get(f"{PATH}/codes?to=/personal").form.submit().text
    assert "evil" not in browser.get(f"{PATH}/codes?to=//evil.example/").form.submit().text.replace("/evil", "")


@pytest.mark.sec("MFA-12", "ASVS-7.5.1", "ASVS-7.5.3", "WAN-16")
@pytest.mark.parametrize("path", [PATH, f"{PATH}/add/totp", f"{PATH}/codes", "one"])
def test_old_login(town: Any, browser: Any, token_of: Any, path: str) -> None:
    """What concerns factors is for a fresh login only, for reading and for changing."""
    path = only(browser) if path == "one" else path
    town.old()

    assert "/auth/account/confirm?to=" in browser.get(path).location
    if path != PATH:
        fields = {"csrf_token": token_of(browser), "remove": "1", "name": "x"}
        assert "/auth/account/confirm?to=" in browser.post(path, fields).location


@pytest.mark.sec("MFA-12")
def test_fresh_login_without_a_factor(make_town: Any, add_phone: Any) -> None:
    """A trusted browser lets in; to change factors, one has to be proven all the same."""
    town = make_town(second_factors={**FACTORS, "trusted_device": "14d"})
    browser = town.member()
    phone = add_phone(town, browser)
    browser.log_out()
    town.clock.advance(60)
    page = browser.log_in("ann@example.org").follow()
    page.form["code"], page.form["trust"] = phone.code(), True
    page.form.submit()
    browser.log_out()
    town.clock.advance(60)
    assert browser.log_in("ann@example.org").location == "https://app.example.org/"

    asked = browser.get(PATH)
    assert "factor=1" in asked.location
    page = asked.follow()
    page.form["password"] = "correct horse battery staple"
    page = page.form.submit().follow()
    page.form["code"] = phone.code()
    assert page.form.submit().location == f"https://app.example.org{PATH}"
    assert "Authenticator app" in browser.get(PATH).text


@pytest.mark.sec("MFA-01")
@pytest.mark.parametrize("path", [PATH, f"{PATH}/add/totp", f"{PATH}/codes"])
def test_nobody(town: Any, path: str) -> None:
    """Who is not logged in is led to the login page."""
    assert "/auth/login?to=" in town.browser().get(path).location


def test_site_without_factors(make_town: Any) -> None:
    """Where none is switched on, there are no pages of factors, and no entry in the menu."""
    browser = make_town().member()

    for path in (PATH, f"{PATH}/add/totp", f"{PATH}/codes", "/auth/second-factor", "/auth/passkey"):
        browser.get(path, status=404)
    assert "Second factors" not in browser.get("/auth/account").text
