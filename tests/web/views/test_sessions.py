from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

PATH = "/auth/account/sessions"
CONFIRM = "https://app.example.org/auth/account/confirm?to=%2Fauth%2Faccount%2Fsessions"


def ids(town: Any, username: str) -> list[str]:
    auth = town.app.auth
    with auth.database.read() as db:
        user = auth.users(db).by_username(username)
        return [str(session.id) for session in auth.sessions.list(db, user.id)]


def token(browser: Any) -> str:
    value: str = browser.get("/auth/account").forms[0]["csrf_token"].value
    return value


def end(browser: Any, **fields: str) -> Any:
    return browser.post(PATH, {"csrf_token": token(browser), **fields}, expect_errors=True)


def test_sessions_are_listed(town: Any) -> None:
    """Each with its device and address, the one of this browser marked and without a button."""
    town.member()
    phone = town.new_browser(town.app, REMOTE_ADDR="192.0.2.7", HTTP_USER_AGENT="(iPhone) Version/18.0 Safari/604.1")
    phone.log_in("ann@example.org")

    rows = phone.get(PATH).html.find("ul", class_="rows").find_all("li")
    assert ["This device" in row.text for row in rows] == [True, False]
    assert ["Safari on iPhone" in row.text for row in rows] == [True, False]
    assert "192.0.2.7" in rows[0].text
    assert [bool(row.find("form")) for row in rows] == [False, True]


def test_one_is_ended(town: Any) -> None:
    """The button of a session ends it and no other."""
    lost, browser = town.member(), town.logged_in()
    (form,) = [form for form in browser.get(PATH).forms.values() if "session" in form.fields]
    page = form.submit().follow()

    assert "The session is ended" in page.text
    assert "nobody" in lost.get("/").text
    assert "ann@example.org" in browser.get("/").text


@pytest.mark.sec("SESS-05", "ASVS-8.2.2")
@pytest.mark.parametrize("kind", ["other person's", "unknown", "no id"])
def test_not_ones_own(town: Any, kind: str) -> None:
    """Somebody else's session can't be ended, and looks like one that is not there."""
    other = town.member("eve@example.org")
    browser = town.member()
    session = {"other person's": ids(town, "eve@example.org")[0], "unknown": str(uuid4()), "no id": "1 OR 1=1"}[kind]

    assert end(browser, session=session).status_code == 404
    assert "eve@example.org" in other.get("/").text


def test_others_are_ended(town: Any) -> None:
    """All but this one, and it is said how many."""
    others = [town.member(), town.logged_in()]
    browser = town.logged_in()
    page = end(browser, end="others").follow()

    assert "2 sessions are ended." in page.text
    assert all("nobody" in other.get("/").text for other in others)
    assert "ann@example.org" in browser.get("/").text
    assert len(ids(town, "ann@example.org")) == 1


def test_all_are_ended(town: Any) -> None:
    """This one too: the person is logged out, and the browser forgets the cookie."""
    other, browser = town.member(), town.logged_in()
    response = end(browser, end="all")

    assert response.location == "https://app.example.org/"
    assert "nobody" in other.get("/").text
    assert town.app.cookies.session not in browser.cookies
    assert ids(town, "ann@example.org") == []


@pytest.mark.sec("ASVS-7.5.2")
def test_old_login(town: Any) -> None:
    """Five minutes after the login, neither the page nor its form goes on without the password."""
    other, browser = town.member(), town.logged_in()
    town.old()

    assert browser.get(PATH).location == CONFIRM
    assert end(browser, end="others").location == CONFIRM
    assert "ann@example.org" in other.get("/").text


def test_many_sessions(town: Any) -> None:
    """More than a page holds are on the next one; this device stands first."""
    town.member()
    for _ in range(21):
        town.logged_in()
    browser = town.logged_in()
    first = browser.get(PATH)

    assert "Page 1 of 2" in first.text
    assert "This device" in first.text
    assert len(first.click("Next").html.find("ul", class_="rows").find_all("li")) == 3
