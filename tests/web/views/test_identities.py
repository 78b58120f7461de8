from __future__ import annotations

import re
from typing import Any

import pytest

from onegov_auth.testing.providers import KnownIssuer, person

PATH = "/auth/account/identities"
NOBODYS = "6b1f8a52-3c57-4b9e-9d0c-5d7a5a3f1e11"


@pytest.fixture(name="issuer")
def _issuer() -> KnownIssuer:
    """An issuer at which Ann is known as "ann@company.example"."""
    return KnownIssuer(name="company", people={"ann": person("company", "ann", "ann@company.example")})


@pytest.fixture(name="town")
def _town(make_town: Any, issuer: KnownIssuer) -> Any:
    """The site with that issuer."""
    return make_town(issuer)


def begin(browser: Any) -> str:
    """Press the button; returns the path the issuer would send the browser back to."""
    (form,) = [form for form in browser.get(PATH).forms.values() if "link" in form.fields]
    state = re.search(r"state=([\w-]+)", form.submit().text)
    assert state
    return f"/auth/provider/company/callback?code=ann&state={state[1]}"


def link(browser: Any) -> Any:
    return browser.get(begin(browser))


def remove(browser: Any, identity: str) -> Any:
    token = browser.get("/auth/account").form["csrf_token"].value
    return browser.post(PATH, {"csrf_token": token, "identity": identity}, expect_errors=True)


def linked(town: Any, username: str = "ann@example.org") -> list[str]:
    auth = town.app.auth
    with auth.database.read() as db:
        return [str(identity.id) for identity in auth.users(db).by_username(username).identities]


def test_linking(town: Any) -> None:
    """A login at the issuer links it: it is listed, and lets the same person in."""
    browser = town.member()
    response = link(browser)

    assert response.location == f"https://app.example.org{PATH}"
    page = response.follow()
    assert "From now on you can log in this way as well" in page.text
    assert "company" in page.html.find("ul", class_="rows").text
    assert len(linked(town)) == 1
    other = town.browser()
    state = re.search(r"state=([\w-]+)", other.get("/auth/provider/company").form.submit().text)
    assert state
    other.get(f"/auth/provider/company/callback?code=ann&state={state[1]}")
    assert "ann@example.org" in other.get("/").text


@pytest.mark.sec("LINK-09")
def test_other_browsers_link_nothing(town: Any) -> None:
    """What came back in somebody else's browser is linked to nobody."""
    browser, thief = town.member(), town.member("eve@example.org")
    thief.get(begin(browser), expect_errors=True)

    assert linked(town) == linked(town, "eve@example.org") == []


def test_taken_identity(town: Any) -> None:
    """An identity that lets somebody else in is not linked, and that is said on the page one came from."""
    link(town.member())
    browser = town.member("eve@example.org")
    response = link(browser)

    assert response.location == f"https://app.example.org{PATH}"
    assert "lets somebody else in here already" in response.follow().text
    assert linked(town, "eve@example.org") == []


def test_removing(town: Any) -> None:
    """A linked identity is removed by its button, and does not let anybody in any more."""
    browser = town.member()
    (form,) = [form for form in link(browser).follow().forms.values() if "identity" in form.fields]
    page = form.submit().follow()

    assert "You can no longer log in this way" in page.text
    assert linked(town) == []


@pytest.mark.sec("LINK-12")
def test_last_way_in_stays(town: Any) -> None:
    """Who has no password keeps the one identity: without a button, and whatever is posted."""
    browser = town.member()
    link(browser)
    with town.app.auth.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE users SET password_hash = ''")
    (identity,) = linked(town)

    assert not [form for form in browser.get(PATH).forms.values() if "identity" in form.fields]
    assert "stays" in remove(browser, identity).follow().text
    assert linked(town) == [identity]


@pytest.mark.sec("ASVS-8.2.2")
def test_somebody_elses(town: Any) -> None:
    """Somebody else's identity can't be removed, and looks like one that is not there."""
    link(town.member())
    (theirs,) = linked(town)
    browser = town.member("eve@example.org")

    assert [remove(browser, each).status_code for each in (theirs, NOBODYS, "no id")] == [404, 404, 404]
    assert linked(town) == [theirs]


@pytest.mark.sec("CSRF-01", "CSRF-08")
def test_other_sites_link_and_remove_nothing(town: Any) -> None:
    """Neither begins nor removes anything without our token, or by GET."""
    browser = town.member()
    link(browser)
    (identity,) = linked(town)

    browser.post(PATH, {"csrf_token": "forged", "identity": identity}, status=403)
    browser.post(PATH, {"csrf_token": "forged", "link": "company"}, status=403)
    browser.get(f"{PATH}?identity={identity}&link=company")
    assert linked(town) == [identity]


@pytest.mark.sec("LINK-12", "ASVS-7.5.1")
def test_old_login(town: Any) -> None:
    """Five minutes after the login, the page and its forms ask who one is first."""
    browser = town.member()
    link(browser)
    (identity,) = linked(town)
    town.old()
    to = "https://app.example.org/auth/account/confirm?to=%2Fauth%2Faccount%2Fidentities"

    assert browser.get(PATH).location == to
    assert remove(browser, identity).location == to
    assert linked(town) == [identity]


def test_unknown_provider(town: Any) -> None:
    """What is no provider one can go to is not begun with."""
    browser = town.member()
    token = browser.get("/auth/account").form["csrf_token"].value

    page = browser.post(PATH, {"csrf_token": token, "link": "nobody"})
    assert "http-equiv" not in page.text
