from __future__ import annotations

from typing import Any

import pytest

PASSWORD = "correct horse battery staple"
NEW = "eleven quiet otters under the bridge"


def change(browser: Any, old: str = PASSWORD, new: str = NEW, confirm: str = NEW) -> Any:
    form = browser.get("/auth/account/password").form
    form["old"], form["password"], form["confirm"] = old, new, confirm
    return form.submit(expect_errors=True)


@pytest.mark.sec("SESS-01", "SESS-05", "ASVS-6.2.2")
def test_change(town: Any) -> None:
    """All other sessions end, this one goes on under another token, and the new password is good."""
    browser = town.member()
    elsewhere = town.logged_in()
    before = browser.cookies[town.app.cookies.session]
    response = change(browser)

    assert response.status_code == 303
    assert "Your password is changed" in response.follow().text
    assert browser.cookies[town.app.cookies.session] != before
    assert "nobody" in elsewhere.get("/").text
    assert town.browser().log_in("ann@example.org").status_code == 200
    assert town.logged_in(password=NEW)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"old": "wrong"}, "old-error"),
        ({"new": "short", "confirm": "short"}, "password-error"),
        ({"confirm": "other"}, "confirm-error"),
        ({"old": ""}, "old-error"),
    ],
)
def test_refusals(town: Any, fields: dict[str, str], error: str) -> None:
    """What is wrong is said beside its field, no password is sent back, and nothing changes."""
    browser = town.member()
    page = change(browser, **fields)

    assert page.status_code == 200
    assert f'id="{error}"' in page.text
    assert NEW not in page.text
    assert "ann@example.org" in browser.get("/").text
    assert town.logged_in()


@pytest.mark.sec("ASVS-6.2.3", "PWD-13")
def test_guessing_is_counted(make_town: Any) -> None:
    """Who has somebody's session guesses the password no more often than at the login page."""
    town = make_town(attempts={"login": {"limit": 2}})
    browser = town.member()
    town.clock.advance(1)
    answers = [change(browser, old=f"guess {number}") for number in range(4)]

    assert answers[-1].status_code == 429
    assert "Too many attempts" in answers[-1].text


def test_people_of_a_provider(make_town: Any) -> None:
    """Who comes by a provider reads where the password is, and has no form."""
    town = make_town()
    browser = town.member(realname="Ann")
    with town.app.auth.database.unit() as db:
        user = town.app.auth.users(db).by_username("ann@example.org")
        user.source = "company"
    with town.app.auth.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE users SET password_hash = ''")

    page = browser.get("/auth/account/password")
    assert "You log in with your" in page.text
    assert "company" in page.text
    assert not page.forms


def test_password_managers_are_told(town: Any) -> None:
    """The form names the account and says which password is which."""
    form = town.member().get("/auth/account/password").form

    assert form["username"].attrs["autocomplete"] == "username"
    assert form["username"].value == "ann@example.org"
    assert form["old"].attrs["autocomplete"] == "current-password"
    assert form["password"].attrs["autocomplete"] == "new-password"
    assert "passwordrules" in form["password"].attrs
