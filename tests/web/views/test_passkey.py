from __future__ import annotations

import json
import re
from typing import Any

import pytest

from onegov_auth.testing.passkey import SoftwarePasskey

HOME = "https://app.example.org/"


@pytest.fixture(name="town")
def _town(make_town: Any) -> Any:
    """A site where a passkey alone logs in."""
    return make_town(second_factors={"webauthn": {"passwordless": True}}, attempts={"factor": {"limit": 2}})


@pytest.fixture(name="passkey")
def _passkey(town: Any, token_of: Any) -> SoftwarePasskey:
    """Ann's."""
    passkey = SoftwarePasskey()
    browser = town.member()
    page = begin(browser, token_of)
    page.form["code"] = passkey.create(options(page))
    assert page.form.submit().location.endswith("/auth/account/factors")
    return passkey


def begin(browser: Any, token_of: Any) -> Any:
    """The page on which a passkey is made."""
    return browser.post("/auth/account/factors/add/webauthn", {"csrf_token": token_of(browser)}).follow()


def options(page: Any) -> Any:
    """What a page asks the browser for."""
    found = re.search(r"data-options='([^']+)'", page.text)
    assert found, page.text
    return json.loads(found[1])


def ask(browser: Any, to: str = "/personal") -> Any:
    """Press the button on the login page."""
    forms = browser.get("/auth/login", {"to": to}).forms
    return next(form for form in forms.values() if form.action == "/auth/passkey").submit()


def test_passkey_alone(town: Any, passkey: SoftwarePasskey) -> None:
    """Nobody types a name: the passkey says whose it is, and the person is where they wanted to go."""
    browser = town.browser()
    page = ask(browser)
    page.form["code"] = passkey.get(options(page))
    page.form["remember"] = True
    response = page.form.submit()

    assert response.location == f"{HOME}personal"
    assert any("Max-Age=2592000" in line for line in response.headers.getall("Set-Cookie"))
    assert "Hello" in response.follow().text


@pytest.mark.sec("WAN-01", "WAN-15")
def test_answer_again(town: Any, passkey: SoftwarePasskey) -> None:
    """An answer is good once; the page that refuses it asks something new."""
    browser = town.browser()
    page = ask(browser)
    asked, page.form["code"] = options(page), passkey.get(options(page))
    form = page.form
    form.submit()
    browser.log_out()
    fields = dict(form.submit_fields()) | {"csrf_token": ask(browser).form["csrf_token"].value}
    again = browser.post("/auth/passkey", fields)

    assert "could not be logged in" in again.text
    assert options(again)["challenge"] != asked["challenge"]
    assert "nobody" in browser.get("/").text


@pytest.mark.sec("WAN-01", "MFA-06")
def test_another_browser(town: Any, passkey: SoftwarePasskey) -> None:
    """What one browser was asked, another one can't answer."""
    page = ask(town.browser())
    stranger = town.browser()
    fields = dict(ask(stranger).form.submit_fields())
    fields |= {"transaction": page.form["transaction"].value, "code": passkey.get(options(page))}

    assert "could not be logged in" in stranger.post("/auth/passkey", fields).text
    assert "nobody" in stranger.get("/").text


@pytest.mark.sec("WAN-07", "ENUM-01")
@pytest.mark.parametrize("code", ["x", "{}", '{"id": 1}', "[]"])
def test_nonsense_and_strangers_look_the_same(town: Any, passkey: SoftwarePasskey, code: str) -> None:
    """Who has no passkey here learns nothing else than who sends nonsense."""
    del passkey
    page = ask(town.browser())
    page.form["code"] = code
    nonsense = page.form.submit()
    page = ask(town.browser())
    page.form["code"] = SoftwarePasskey(user_handle=b"x" * 16).get(options(page))
    stranger = page.form.submit()

    assert "could not be logged in with this passkey" in nonsense.text
    assert nonsense.status_code == stranger.status_code == 200
    assert _alert(nonsense) == _alert(stranger)


@pytest.mark.sec("ENUM-07", "WAN-15")
def test_question_names_nobody(town: Any, passkey: SoftwarePasskey) -> None:
    """What is asked names no passkey and no user, and is asked of forms of our own only."""
    del passkey
    browser = town.browser()

    assert not options(ask(browser)).get("allowCredentials")
    browser.post("/auth/passkey", {"to": "/"}, status=403)


def test_too_many_answers(town: Any, passkey: SoftwarePasskey) -> None:
    """After some wrong answers with one passkey there is a wait."""
    town.clock.advance(1)
    page = ask(town.browser())
    wrong = SoftwarePasskey(id=passkey.id, user_handle=passkey.user_handle)
    for _ in range(2):
        page.form["code"] = wrong.get(options(page))
        page = page.form.submit()
    page.form["code"] = passkey.get(options(page))

    assert page.form.submit(expect_errors=True).status_code == 429


def test_address(town: Any, make_town: Any) -> None:
    """Who comes by the address is led to the login page; where it is switched off, there is no such page."""
    browser = town.browser()
    assert browser.get("/auth/passkey?to=/open").location == f"{HOME}auth/login?to=%2Fopen"
    browser.head("/auth/passkey", status=303)

    other = make_town(second_factors={"webauthn": {}}).browser()
    other.get("/auth/passkey", status=404)
    assert "passkey" not in other.get("/auth/login").text


@pytest.mark.sec("WAN-15", "WAN-07")
def test_passkey_as_second_factor(town: Any, passkey: SoftwarePasskey) -> None:
    """After the password it is asked for; a wrong answer uses the question up, the next one is new."""
    browser = town.browser()
    page = browser.log_in("ann@example.org", to="/personal").follow()
    asked = options(page)
    page.form["code"] = SoftwarePasskey().get(asked)
    page = page.form.submit()
    assert 'role="alert"' in page.text
    assert options(page)["challenge"] != asked["challenge"]
    page.form["code"] = passkey.get(options(page))

    assert page.form.submit().location == f"{HOME}personal"


@pytest.mark.sec("WAN-01", "WAN-12")
def test_making_one(town: Any, token_of: Any) -> None:
    """A wrong answer uses the question up; the next one is new, and those that one has are named in it."""
    browser = town.member()
    page = begin(browser, token_of)
    asked = options(page)
    page.form["code"] = SoftwarePasskey(origin="https://evil.example").create(asked)
    page = page.form.submit()
    assert 'role="alert"' in page.text
    assert options(page)["challenge"] != asked["challenge"]
    page.form["code"] = SoftwarePasskey().create(options(page))
    assert page.form.submit().status_code == 303

    assert len(options(begin(browser, token_of))["excludeCredentials"]) == 1


def test_login_steps_come_afterwards(make_town: Any, token_of: Any) -> None:
    """A passkey passes no step."""
    town = make_town(second_factors={"webauthn": {"passwordless": True}})
    passkey = SoftwarePasskey()
    page = begin(town.member(), token_of)
    page.form["code"] = passkey.create(options(page))
    page.form.submit()
    with town.app.auth.database.unit() as db:
        town.app.auth.users(db).by_username("ann@example.org").require_step("change_password")
    page = ask(town.browser())
    page.form["code"] = passkey.get(options(page))

    assert "/auth/step?transaction=" in page.form.submit().location


def _alert(page: Any) -> list[str]:
    return re.findall(r'role="alert">([^<]+)', page.text)
