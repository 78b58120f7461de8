from __future__ import annotations

from typing import Any

import pytest

NEW = "eleven quiet otters under the bridge"
SENT = "https://app.example.org/auth/request-password?sent=1"


def request_link(browser: Any, email: str) -> Any:
    form = browser.get("/auth/request-password").form
    form["email"] = email
    return form.submit(expect_errors=True)


def reset(browser: Any, path: str, email: str = "ann@example.org", password: str = NEW) -> Any:
    form = browser.get(path).follow().form
    form["email"], form["password"] = email, password
    return form.submit(expect_errors=True)


@pytest.fixture(name="path")
def _path(town: Any) -> str:
    """The path of the link that was mailed to somebody."""
    town.member("ann@example.org")
    request_link(town.browser(), "ann@example.org")
    path: str = town.link("reset-password")
    return path


@pytest.mark.sec("ENUM-04")
def test_answer_is_the_same_for_everybody(town: Any, shut_out: Any) -> None:
    """Known, unknown or switched off: the same answer."""
    town.member("ann@example.org")
    town.member("off@example.org")
    with town.app.auth.database.unit() as db:
        shut_out(town.app.auth.users(db).by_username("off@example.org"))
    answers = set()
    for name in ("ann@example.org", "off@example.org", "nobody@example.org"):
        response = request_link(town.browser(), name)
        cookies = sorted(line.partition("=")[0] for line in response.headers.getall("Set-Cookie"))
        answers.add((response.status, response.location, tuple(cookies), tuple(sorted(response.headers))))

    assert len(answers) == 1
    assert next(iter(answers))[1] == SENT
    assert "If there is an account" in town.browser().get(SENT).text


@pytest.mark.sec("RESET-05", "RESET-10", "LINK-21")
def test_new_password(town: Any, path: str) -> None:
    """The new password is good and the old one is not; nobody is logged in, and who was is out."""
    elsewhere = town.logged_in()
    browser = town.browser()
    response = reset(browser, path)

    assert response.location == "https://app.example.org/auth/login?local=1"
    assert "Please log in" in response.follow().text
    assert "nobody" in browser.get("/").text
    assert "nobody" in elsewhere.get("/").text
    assert browser.log_in("ann@example.org").status_code == 200
    assert browser.log_in("ann@example.org", NEW).status_code == 303


@pytest.mark.sec("RESET-03")
def test_token_stays_in_no_address(town: Any, path: str) -> None:
    """The page of the form has no token in its address, and none is sent to other sites."""
    browser = town.browser()
    response = browser.get(path)

    assert response.location == "https://app.example.org/auth/reset-password"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    page = response.follow()
    assert page.form["token"].value in path
    assert page.headers["Cache-Control"] == "no-store"
    assert page.form.action == "/auth/reset-password"


@pytest.mark.sec("RESET-04")
def test_looking_uses_nothing_up(town: Any, path: str) -> None:
    """A mail scanner that follows the link leaves it good."""
    for _ in range(3):
        town.browser().get(path).follow()

    assert reset(town.browser(), path).status_code == 303


@pytest.mark.sec("RESET-02")
def test_link_works_once(town: Any, path: str) -> None:
    """The second time it changes nothing, also not in the form that was open before."""
    waiting = town.browser()
    form = waiting.get(path).follow().form
    reset(town.browser(), path)
    form["email"], form["password"] = "ann@example.org", "another one that is long enough"

    assert "could not be changed" in form.submit().text
    assert town.browser().log_in("ann@example.org", NEW).status_code == 303


@pytest.mark.sec("RESET-06")
def test_link_is_for_one_account(town: Any, path: str) -> None:
    """With somebody else's address in the form it changes neither password."""
    town.member("eve@example.org")
    page = reset(town.browser(), path, email="eve@example.org")

    assert "could not be changed" in page.text
    assert town.browser().log_in("eve@example.org", NEW).status_code == 200
    assert town.browser().log_in("ann@example.org", NEW).status_code == 200


@pytest.mark.sec("RESET-13")
def test_two_addresses(town: Any) -> None:
    """A form with two addresses is refused, and nobody gets a mail."""
    town.member("ann@example.org")
    browser = town.browser()
    token = browser.get("/auth/request-password").form["csrf_token"].value
    before = len(town.mails)
    fields = [("csrf_token", token), ("email", "ann@example.org"), ("email", "eve@example.org")]

    browser.post("/auth/request-password", fields, status=400)
    assert len(town.mails) == before


def test_weak_password(town: Any, path: str) -> None:
    """A password that is too weak is refused beside its field, and the link stays good."""
    browser = town.browser()
    page = reset(browser, path, password="short")

    assert 'id="password-error"' in page.text
    page.form["email"], page.form["password"] = "ann@example.org", NEW
    assert page.form.submit().status_code == 303


@pytest.mark.sec("HOST-01", "HOST-02")
@pytest.mark.parametrize("host", ["evil.example", "app.example.org.evil.example", "app.example.org:evil"])
def test_links_are_ours(town: Any, host: str) -> None:
    """Whatever Host a request names, the mailed link leads to our own site."""
    town.member("ann@example.org")
    browser = town.browser()
    form = browser.get("/auth/request-password").form
    form["email"] = "ann@example.org"
    form.submit(headers={"Host": host, "X-Forwarded-Host": host}, expect_errors=True)

    assert not any("evil" in str(mail) for mail in town.mails)


@pytest.mark.parametrize("path", ["/auth/request-password", "/auth/reset-password", "/auth/reset-password?token=x"])
def test_switched_off(make_town: Any, path: str) -> None:
    """Where nobody may choose a new password there is no such page, and no link to it."""
    browser = make_town(recovery={"enabled": False}).browser()

    browser.get(path, status=404)
    assert "request-password" not in browser.get("/auth/login").text


@pytest.mark.sec("RESET-08")
def test_without_local_accounts(make_town: Any) -> None:
    """Where nobody has a password here, there is nothing to reset."""
    town = make_town()
    del town.app.auth.providers["local"]

    for path in ("request-password", "reset-password", "register", "resend", "activate", "admin/signup-links"):
        town.browser().get(f"/auth/{path}", status=404)


def test_missing_token(town: Any) -> None:
    """Without a link there is no form, but the way to another link."""
    page = town.browser().get("/auth/reset-password")

    assert "no longer good" in page.text
    assert "/auth/request-password" in page.text


def test_what_is_no_address(town: Any, path: str) -> None:
    """What is no address is said beside its field, before and after the mail."""
    assert 'id="email-error"' in request_link(town.browser(), "ann").text
    assert 'id="email-error"' in reset(town.browser(), path, email="ann").text
