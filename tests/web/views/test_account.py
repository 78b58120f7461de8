from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from onegov_auth import self_service
from onegov_auth.web import happenings

OWN = [
    "account",
    "account/password",
    "account/email",
    "account/identities",
    "account/sessions",
    "account/tokens",
    "account/activity",
]


@pytest.mark.parametrize("path", [*OWN, "account/confirm", "admin/signup-links"])
def test_strangers_are_led_to_the_login(town: Any, path: str) -> None:
    """Who is not logged in is led to the login page and back, a program gets a 401."""
    response = town.browser().get(f"/auth/{path}", status=303)

    assert response.location == f"https://app.example.org/auth/login?to=%2Fauth%2F{path.replace('/', '%2F')}"
    town.browser().get(f"/auth/{path}", headers={"Accept": "application/json"}, status=401)


@pytest.mark.sec("CSRF-01", "CSRF-04")
@pytest.mark.parametrize("path", [*(path for path in OWN if path != "account/activity"), "account/confirm"])
def test_forms_of_other_sites(town: Any, path: str) -> None:
    """No form is taken without our token, with somebody else's, or from another site's page."""
    browser, other = town.member(), town.member("eve@example.org")
    good = browser.get("/auth/account").forms[0]["csrf_token"].value
    stolen = other.get("/auth/account").forms[0]["csrf_token"].value

    for token in ("", "forged", stolen):
        browser.post(f"/auth/{path}", {"csrf_token": token}, status=403)
    for origin in ("null", "https://evil.example"):
        browser.post(f"/auth/{path}", {"csrf_token": good}, headers={"Origin": origin}, status=403)
    browser.post(f"/auth/{path}", {"csrf_token": good}, headers={"Sec-Fetch-Site": "cross-site"}, status=403)


@pytest.mark.sec("CSRF-01")
@pytest.mark.parametrize("path", [*OWN, "account/confirm", "admin/signup-links"])
def test_strangers_post_nothing(town: Any, path: str) -> None:
    """A form of somebody who is not logged in, token or not, is not looked at."""
    browser = town.browser()
    token = browser.get("/auth/login").forms[0]["csrf_token"].value

    response = browser.post(f"/auth/{path}", {"csrf_token": token}, expect_errors=True)
    assert response.status_code in {303, 405}


@pytest.mark.sec("CSRF-09", "SESS-03")
@pytest.mark.parametrize("path", OWN)
def test_pages_are_nobody_elses(town: Any, path: str) -> None:
    """No page is kept in a cache, framed, or runs anything that is not ours."""
    page = town.member().get(f"/auth/{path}")

    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["X-Frame-Options"] == "DENY"
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<script" not in page.text
    assert "style=" not in page.text


@pytest.mark.parametrize("path", ["account/factors", "account/nowhere", "admin/nowhere"])
def test_what_is_not_there(town: Any, path: str) -> None:
    """What is switched off, or was never there, is no page and linked from nowhere."""
    browser = town.member(role="admin")

    browser.get(f"/auth/{path}", status=404)
    assert f'"/auth/{path}"' not in browser.get("/auth/account").text


def test_name_and_language(town: Any) -> None:
    """A name and a language are kept, and the next page speaks the language."""
    browser = town.member()
    form = browser.get("/auth/account").form
    form["realname"], form["language"] = "  Ann\u202e Other ", "de"
    page = form.submit().follow()

    user = town.user("ann@example.org")
    assert (user.realname, user.language) == ("Ann Other", "de")
    assert '<html lang="de">' in page.text
    assert 'class="who" href="/auth/account">Ann Other</a>' in page.text
    page.form["realname"], page.form["language"] = "", ""
    page.form.submit()
    user = town.user("ann@example.org")
    assert (user.realname, user.language) == (None, None)


def test_unknown_language(town: Any) -> None:
    """A language we don't speak is refused beside its field."""
    browser = town.member()
    token = browser.get("/auth/account").form["csrf_token"].value

    page = browser.post("/auth/account", {"csrf_token": token, "realname": "Ann", "language": "tlh"})
    assert 'id="language-error"' in page.text
    assert town.user("ann@example.org").realname is None


@pytest.mark.sec("ASVS-15.3.3", "ASVS-8.2.3")
def test_nobody_gives_themselves_a_role(town: Any) -> None:
    """What else is posted with the form changes nothing."""
    browser = town.member()
    token = browser.get("/auth/account").form["csrf_token"].value
    fields = {"csrf_token": token, "realname": "Ann", "language": "", "role": "admin", "active": "", "email": "x@y.zz"}
    browser.post("/auth/account", fields, status=303)

    user = town.user("ann@example.org")
    assert (user.role, user.active, user.email) == ("member", True, None)


def test_activity(town: Any) -> None:
    """What happened stands there in words, the latest first, and nobody else's."""
    town.member("eve@example.org")
    browser = town.member()
    form = browser.get("/auth/account").form
    form["realname"] = "Ann"
    form.submit()

    page = browser.get("/auth/account/activity")
    text = " ".join(page.html.find("ul", class_="rows").get_text(" ").split())
    assert text.index("Name or language changed") < text.index("Logged in")
    assert text.count("Logged in") == 1


def test_everything_has_words(town: Any) -> None:
    """What people do with their accounts themselves is told by its name, and not as "something"."""
    folder = Path(self_service.__file__).parent
    code = "".join(file.read_text(encoding="utf-8") for file in folder.glob("*.py"))
    types = set(re.findall(r'(?:event|_change)\(\s*"([a-z_]+)"', code))

    assert len(types) > 10
    assert types <= happenings._WORDS.keys()


def test_long_activity(town: Any) -> None:
    """What does not fit onto one page is on the next."""
    browser = town.member()
    for _ in range(25):
        town.logged_in()

    first = browser.get("/auth/account/activity")
    assert "Page 1 of 2" in first.text
    assert "Page 2 of 2" in first.click("Next").text


def test_password_managers_find_the_page(town: Any) -> None:
    """The well-known address leads to the page for changing the password."""
    response = town.browser().get("/.well-known/change-password", status=303)

    assert response.location == "https://app.example.org/auth/account/password"


def test_long_names_are_escaped(town: Any) -> None:
    """A name is text, whatever stands in it."""
    page = town.member(realname='<script>alert(1)</script>"').get("/auth/account")

    assert "<script>" not in page.text
