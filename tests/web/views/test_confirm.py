from __future__ import annotations

from typing import Any

import pytest

from onegov_auth.providers import ProviderSettings
from onegov_auth.testing.providers import KnownIssuer, KnownPeople, person

PATH = "/auth/account/confirm?to=/auth/account/sessions"


@pytest.fixture(name="browser")
def _browser(town: Any) -> Any:
    """Ann's, who logged in six minutes ago."""
    browser = town.member()
    town.old()
    return browser


def confirm(browser: Any, password: str = "correct horse battery staple", path: str = PATH) -> Any:
    form = browser.get(path).form
    form["password"] = password
    return form.submit(expect_errors=True)


@pytest.mark.sec("SESS-01", "ASVS-7.5.1")
def test_password(town: Any, browser: Any) -> None:
    """With the password the session goes on under another token, fresh, where the person wanted to go."""
    before = browser.cookies[town.app.cookies.session]
    response = confirm(browser)

    assert response.location == "https://app.example.org/auth/account/sessions"
    assert "This device" in response.follow().text
    assert browser.cookies[town.app.cookies.session] != before
    # A hook that leads elsewhere after logins is not asked.
    assert not hasattr(response, "completed_login")


def test_wrong_password(town: Any, browser: Any) -> None:
    """A wrong one is told, and nothing is fresh; the person stays logged in."""
    page = confirm(browser, "wrong")

    assert "Please check your password" in page.text
    assert browser.get("/auth/account/sessions").location.endswith("confirm?to=%2Fauth%2Faccount%2Fsessions")
    assert "ann@example.org" in browser.get("/").text


def test_empty_password(browser: Any) -> None:
    """Without a password the form says what is missing."""
    assert 'id="password-error"' in confirm(browser, "").text


@pytest.mark.sec("ENUM-09")
def test_guessing_is_counted(make_town: Any) -> None:
    """Who has somebody's session guesses the password no more often than at the login page."""
    town = make_town(attempts={"login": {"limit": 2}})
    browser = town.member()
    town.old()
    answers = [confirm(browser, f"guess {number}") for number in range(4)]

    assert answers[-1].status_code == 429


def test_fresh_login_is_not_asked(town: Any) -> None:
    """Who has just logged in goes on at once."""
    assert town.member().get(PATH).location == "https://app.example.org/auth/account/sessions"


@pytest.mark.sec("REDIR-01", "REDIR-08")
@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_goes_to_no_other_site(town: Any, browser: Any, to: str) -> None:
    """Wherever the address says to go afterwards, it is on this site."""
    response = confirm(browser, path=f"/auth/account/confirm?to={to}")

    assert response.status_code == 303
    assert response.location.startswith("https://app.example.org/")
    assert "evil" not in response.location.removeprefix("https://app.example.org/") or "//" not in response.location[8:]


def test_people_of_a_provider(make_town: Any) -> None:
    """Who comes by a provider has its button, which asks for a login that is fresh, and no form."""
    issuer = KnownIssuer(name="company")
    town = make_town(issuer)
    browser = town.member()
    link_identity(town, "company")
    town.old()
    with town.app.auth.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE users SET password_hash = ''")

    page = browser.get(PATH)
    assert "password" not in page.form.fields
    assert page.form["provider"].value == "company"
    assert "http-equiv" in page.form.submit().text


@pytest.mark.parametrize("provider", ["company", "local", "nobody"])
def test_other_providers_confirm_nobody(make_town: Any, provider: str) -> None:
    """A provider that the person does not come by is not begun with."""
    town = make_town(KnownIssuer(name="company"))
    browser = town.member()
    town.old()
    token = browser.get(PATH).form["csrf_token"].value

    page = browser.post("/auth/account/confirm", {"csrf_token": token, "provider": provider, "to": "/"})
    assert "http-equiv" not in page.text


def link_identity(town: Any, source: str) -> None:
    auth = town.app.auth
    with auth.database.unit() as db:
        user = auth.users(db).by_username("ann@example.org")
        user.identities.append(auth.entities.identity(source=source, source_id="ann", proof="test"))


def test_directory_is_down(make_town: Any) -> None:
    """Whom nobody can ask is told so with a 503, and not that the password is wrong."""
    settings = ProviderSettings(kind="known-people", default_role="member")
    people = {"bob": ("pw", person("staff", "bob", "bob@example.org"))}
    staff = KnownPeople(name="staff", people=people, settings=settings)
    town = make_town(staff)
    browser = town.logged_in("bob", "pw")
    town.old()
    staff.down.add("yes")

    page = confirm(browser, "pw")
    assert page.status_code == 503
    assert "reached" in page.text


def test_step_comes_between(town: Any, browser: Any) -> None:
    """Who has something to do at the next login does it here as well."""
    with town.app.auth.database.unit() as db:
        town.app.auth.users(db).by_username("ann@example.org").require_step("change_password")

    assert "/auth/step?transaction=" in confirm(browser).location
