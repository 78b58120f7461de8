from __future__ import annotations

from typing import Any

import pytest

FACTORS = {"totp": {}, "recovery_codes": {}, "required_for": ["member"]}
HOME = "https://app.example.org/"


@pytest.fixture(name="town")
def _town(make_town: Any) -> Any:
    """A site where everybody must have a factor, and Ann has none."""
    town = make_town(second_factors=FACTORS)
    town.add("ann@example.org")
    return town


def begin(town: Any, browser: Any = None) -> Any:
    """Log in with the password; returns the page to choose on."""
    response = (browser or town.browser()).log_in("ann@example.org", to="/personal")
    assert "/auth/second-factor?transaction=" in response.location
    return response.follow()


@pytest.mark.sec("MFA-01", "MFA-02", "ASVS-6.3.3")
def test_set_up_is_forced(town: Any, set_up_at_login: Any) -> None:
    """Nobody is in before it is done; then recovery codes are offered, and the way goes on from there."""
    browser = town.browser()
    begin(town, browser)
    assert "nobody" in browser.get("/").text
    response = set_up_at_login(town, browser)

    assert response.location == f"{HOME}auth/account/factors/codes?to=%2Fpersonal"
    assert 'href="/personal"' in response.follow().text
    assert "Hello" in browser.get("/personal").text


def test_without_recovery_codes(make_town: Any, set_up_at_login: Any) -> None:
    """Where there are no such codes, the person is at once where they wanted to go."""
    town = make_town(second_factors={"totp": {}, "required_for": ["member"]})
    town.add("ann@example.org")

    assert set_up_at_login(town, town.browser()).location == f"{HOME}personal"


def test_wrong_code(town: Any) -> None:
    """A wrong code is told beside the same picture."""
    page = begin(town).forms[0].submit().follow()
    picture = page.text.partition('src="data:')[2].partition('"')[0]
    page.form["code"] = "000"
    page = page.form.submit()

    assert "can&#39;t be a code" in page.text
    assert page.text.partition('src="data:')[2].partition('"')[0] == picture
    page.form["code"] = " "
    assert "fill in the code" in page.form.submit().text


@pytest.mark.sec("MFA-04")
@pytest.mark.parametrize("type_", ["recovery_codes", "yubikey", "none"])
def test_what_can_not_be_first(town: Any, type_: str) -> None:
    """Recovery codes are no factor by themselves, and what is switched off is not there."""
    page = begin(town)
    form = page.forms[0]
    fields = {"csrf_token": form["csrf_token"].value, "transaction": form["transaction"].value}

    page.test_app.post("/auth/second-factor", {**fields, "type": type_}, status=404)
    page.test_app.post(f"/auth/second-factor/{type_}", {**fields, "ask": "1"}, status=404)
    assert "nobody" in page.test_app.get("/").text


@pytest.mark.sec("CSRF-03")
def test_looking_begins_nothing(town: Any) -> None:
    """Who comes by the address of a factor finds a button."""
    page = begin(town)
    transaction = page.forms[0]["transaction"].value
    page = page.test_app.get(f"/auth/second-factor/totp?transaction={transaction}")

    assert "qr" not in page.text
    assert 'class="qr"' in page.form.submit().follow().text


@pytest.mark.sec("MFA-08")
def test_answer_without_a_question(town: Any) -> None:
    """A code for what was never begun opens nothing."""
    form = begin(town).forms[0]
    fields = {"csrf_token": form["csrf_token"].value, "transaction": form["transaction"].value, "code": "123456"}
    browser = form.response.test_app
    browser.post("/auth/second-factor/totp", fields, expect_errors=True)

    assert "nobody" in browser.get("/").text


def test_programs_are_told(town: Any) -> None:
    """A client that wants JSON learns that a factor has to be set up first."""
    browser = town.browser()
    token = browser.get("/auth/login").form["csrf_token"].value
    fields = {"username": "ann@example.org", "password": "correct horse battery staple", "csrf_token": token}
    response = browser.post("/auth/login", fields, headers={"Accept": "application/json"}, status=401)

    assert response.json["error"] == "enrolment_required"


def test_login_steps_come_afterwards(make_town: Any, set_up_at_login: Any) -> None:
    """Whoever has to take a step as well does so once the factor is there."""
    town = make_town(second_factors=FACTORS, steps={"terms": {"version": "1", "url": "/terms"}})
    town.add("ann@example.org")

    assert "/auth/step?transaction=" in set_up_at_login(town, town.browser()).location
