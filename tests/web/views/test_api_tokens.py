from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from onegov_auth.models import ApiToken, User

PATH = "/auth/account/tokens"
ALL = {"may.*": "1"}
PASSWORD = "seven blue herons on a dry roof"


def make(browser: Any, name: str = "Backup", age: str = "30", boxes: tuple[str, ...] = ("may.*",)) -> Any:
    page = browser.get(PATH)
    token = page.html.find("input", attrs={"name": "csrf_token"})["value"]
    fields = {"csrf_token": token, "name": name, "age": age, **dict.fromkeys(boxes, "1")}
    return browser.post(PATH, fields, expect_errors=True)


def new_token(browser: Any, **how: Any) -> str:
    value: str = make(browser, **how).follow().html.find(id="new-token")["value"]
    return value


def status(town: Any, token: str, path: str = "/personal") -> int:
    headers = {"Authorization": f"Bearer {token}"}
    code: int = town.browser().get(path, headers=headers, expect_errors=True).status_code
    return code


@pytest.mark.sec("TOK-01", "TOK-08")
def test_token_is_made_and_shown_once(town: Any) -> None:
    """It stands on the next page, works, is in no address and on no page after that, and a mail tells of it."""
    browser = town.member()
    assert "There is no token yet." in browser.get(PATH).text
    response = make(browser, name="Backup <b>")
    page = response.follow()
    token = page.html.find(id="new-token")["value"]

    assert response.location == f"https://app.example.org{PATH}"
    assert status(town, token) == 200
    again = browser.get(PATH)
    assert token not in again.text
    assert "Backup &lt;b&gt;" in again.text
    assert "For everything you may do" in again.text
    assert "Never used" not in again.text
    assert "A new API token" in town.mails[-1]["Subject"]
    assert token not in town.mails[-1].as_string()
    activity = browser.get("/auth/account/activity").text
    assert "API token made" in activity


@pytest.mark.sec("TOK-04")
def test_token_is_revoked(town: Any) -> None:
    """From the next request on it is nobody's."""
    browser = town.member()
    token = new_token(browser)
    (form,) = [form for form in browser.get(PATH).forms.values() if "revoke" in form.fields]
    assert "The token is revoked." in form.submit().follow().text

    assert status(town, token) == 401
    assert "There is no token yet." in browser.get(PATH).text
    assert form.submit(expect_errors=True).status_code == 404


@pytest.mark.sec("ASVS-8.2.2")
def test_not_ones_own(town: Any) -> None:
    """Somebody else's token can't be revoked, and looks like one that is not there."""
    new_token(town.member("eve@example.org"))
    browser = town.member()
    new_token(browser)
    with town.app.auth.database.read() as db:
        hers = db.scalars(select(ApiToken.id).join(User, User.id == ApiToken.user_id).where(User.username.like("eve%")))
        hidden = str(hers.one())
    (form,) = [form for form in browser.get(PATH).forms.values() if "revoke" in form.fields]
    form["revoke"].force_value(hidden)

    assert form.submit(expect_errors=True).status_code == 404


@pytest.mark.sec("TOK-05")
def test_it_takes_a_fresh_login(town: Any) -> None:
    """Neither the list nor a new token for a login that is older than five minutes."""
    browser = town.member()
    csrf = browser.get(PATH).html.find("input", attrs={"name": "csrf_token"})["value"]
    town.clock.advance(301)

    assert "/auth/account/confirm" in browser.get(PATH, status=303).location
    response = browser.post(PATH, {"csrf_token": csrf, "name": "x", "age": "30", **ALL}, status=303)
    assert "/auth/account/confirm" in response.location


@pytest.mark.sec("CSRF-01")
def test_a_form_of_ours_makes_it(town: Any) -> None:
    """Without a form's token nothing is made."""
    browser = town.member()
    browser.post(PATH, {"name": "x", "age": "30", **ALL}, status=403)
    assert "There is no token yet." in browser.get(PATH).text


@pytest.mark.sec("TOK-03")
def test_scope_is_offered_and_kept(town: Any) -> None:
    """A member may choose what members may do, and gets no more by naming more."""
    browser = town.member("reader@example.org")
    boxes = [box["name"] for box in browser.get(PATH).html.find_all("input", type="checkbox")]
    assert boxes == ["may.*", "may.Personal", "may.invoices.read"]

    token = new_token(browser, boxes=("may.invoices.read", "may.Secret", "may.invoices.write"))
    assert status(town, token, "/invoices") == 200
    assert [status(town, token, path) for path in ("/personal", "/secret", "/both")] == [403, 403, 403]
    assert "For: invoices.read – Read them." in browser.get(PATH).text


def test_what_is_missing_is_asked_for(town: Any) -> None:
    """A token without a name, an age or anything it is good for is not made."""
    browser = town.member()

    assert "Please choose what the token is good for." in make(browser, boxes=()).text
    assert "Please check what you typed" in make(browser, name="").text
    assert "Please enter a name." in make(browser, name="\u200b").text
    assert "Please check what you typed" in make(browser, age="9999").text
    assert "There is no token yet." in browser.get(PATH).text


@pytest.mark.sec("RATE-04")
def test_there_is_an_end_to_it(town: Any) -> None:
    """So many tokens and no more."""
    browser = town.member()
    auth = town.app.auth
    with auth.database.unit() as db:
        user = db.scalars(select(User)).one()
        for number in range(50):
            auth.api_tokens.create(db, user.id, str(number))

    assert "You have too many tokens." in make(browser).text


@pytest.mark.sec("TOK-09")
@pytest.mark.parametrize("how", ["password", "revoked", "deactivated", "deleted"])
def test_what_ends_tokens(town: Any, how: str) -> None:
    """A new password, an account that is taken back, deactivated or deleted ends all tokens for good."""
    token = new_token(town.member())
    with town.app.auth.database.unit() as db:
        user = db.scalars(select(User)).one()
        if how == "password":
            user.password = PASSWORD
        elif how == "revoked":
            user.revoke_access()
        elif how == "deleted":
            db.delete(user)
        else:
            user.active = False
    if how == "deactivated":
        with town.app.auth.database.unit() as db:
            db.scalars(select(User)).one().active = True

    assert status(town, token) == 401
    with town.app.auth.database.read() as db:
        assert db.scalars(select(ApiToken)).all() == []


def test_expired_ones_are_marked(town: Any) -> None:
    """Until they are cleaned up, tokens that are over stay in the list and say so."""
    new_token(town.member(), age="7")
    town.clock.advance(7 * 86400)

    assert "expired" in town.logged_in().get(PATH).html.find("ul", class_="rows").text
