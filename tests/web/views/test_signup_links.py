from __future__ import annotations

import re
from typing import Any

import pytest

PATH = "/auth/admin/signup-links"
NOBODYS = "6b1f8a52-3c57-4b9e-9d0c-5d7a5a3f1e11"
PASSWORD = "seven blue herons on a dry roof"


@pytest.fixture(name="admin")
def _admin(town: Any) -> Any:
    """An administrator's browser."""
    return town.member("admin@example.org", "admin")


def make(browser: Any, **fields: str) -> Any:
    form = max(browser.get(PATH).forms.values(), key=lambda form: len(form.fields))
    for name, value in fields.items():
        form[name] = value
    return form.submit(expect_errors=True)


def test_link_is_made_and_shown_once(town: Any, admin: Any) -> None:
    """The link stands on the next page, ready to be copied, and on no page after that."""
    assert "There is no link yet." in admin.get(PATH).text
    response = make(admin, role="editor", max_age="day", max_uses="3")
    page = response.follow()
    link = page.html.find(id="new-link")["value"]

    assert "token" not in response.location
    assert link.startswith("https://app.example.org/auth/register?token=")
    assert "0 of 3 used" in page.text
    assert "new-link" not in admin.get(PATH).text
    form = town.browser().get(link.removeprefix("https://app.example.org")).form
    form["username"], form["password"], form["confirm"] = "new@example.org", PASSWORD, PASSWORD
    form.submit()
    assert town.user("new@example.org").role == "editor"
    page = admin.get(PATH)
    assert "1 of 3 used" in page.text
    assert "new@example.org" in page.text


def test_link_is_revoked(town: Any, admin: Any) -> None:
    """A revoked link lets nobody in; it stays in the list without a button."""
    page = make(admin).follow()
    link = page.html.find(id="new-link")["value"].removeprefix("https://app.example.org")
    (form,) = [form for form in page.forms.values() if "revoke" in form.fields]
    page = form.submit().follow()

    assert "The link is revoked" in page.text
    assert not [form for form in page.forms.values() if "revoke" in form.fields]
    assert "no longer good" in town.browser().get(link, expect_errors=True).text
    text = admin.get("/auth/account/activity").text
    assert "Signup link made" in text
    assert "Signup link revoked" in text


@pytest.mark.sec("ASVS-8.2.1", "ASVS-8.3.1")
@pytest.mark.parametrize("role", ["editor", "supporter", "member"])
def test_for_administrators_only(town: Any, admin: Any, role: str) -> None:
    """Nobody else sees the page, or makes or revokes a link, whatever they post."""
    make(admin)
    (link,) = re.findall(r'name="revoke" value="([^"]+)"', admin.get(PATH).text)
    browser = town.member(role=role)
    token = browser.get("/auth/account").form["csrf_token"].value

    browser.get(PATH, status=403)
    browser.post(PATH, {"csrf_token": token, "role": "admin", "max_age": "day", "max_uses": "1"}, status=403)
    browser.post(PATH, {"csrf_token": token, "revoke": link}, status=403)
    assert admin.get(PATH).text.count('name="revoke"') == 1


@pytest.mark.sec("CSRF-01")
@pytest.mark.parametrize("fields", [{"revoke": NOBODYS}, {"role": "admin", "max_age": "day", "max_uses": "1"}])
def test_forms_of_other_sites(admin: Any, fields: dict[str, str]) -> None:
    """Without our token no link is made or revoked."""
    admin.post(PATH, {"csrf_token": "forged", **fields}, status=403)

    assert "There is no link yet." in admin.get(PATH).text


@pytest.mark.sec("ASVS-7.5.1")
def test_old_login(town: Any, admin: Any) -> None:
    """Five minutes after the login, the page and its form ask for the password first."""
    form = max(admin.get(PATH).forms.values(), key=lambda form: len(form.fields))
    town.old()
    to = "https://app.example.org/auth/account/confirm?to=%2Fauth%2Fadmin%2Fsignup-links"

    assert admin.get(PATH).location == to
    assert form.submit().location == to


@pytest.mark.parametrize("fields", [{"max_uses": "0"}, {"max_uses": "10001"}, {"max_uses": "x"}, {"domain": "a b"}])
def test_form_says_what_is_wrong(admin: Any, fields: dict[str, str]) -> None:
    """Numbers and domains that can't be are refused beside their fields."""
    page = make(admin, **fields)

    assert f'id="{next(iter(fields))}-error"' in page.text
    assert "There is no link yet." in page.text


@pytest.mark.parametrize("link", ["nothing", NOBODYS])
def test_unknown_link(admin: Any, link: str) -> None:
    """What is no link can't be revoked."""
    token = admin.get("/auth/account").form["csrf_token"].value

    admin.post(PATH, {"csrf_token": token, "revoke": link}, status=404)


def test_state_of_links(town: Any, admin: Any) -> None:
    """Links that ran out or are used up say so."""
    auth = town.app.auth
    auth.new_signup_token("member", max_age=60)
    auth.new_signup_token("member", max_age=6000)
    town.clock.advance(100)

    text = admin.get(PATH).text
    assert "expired" in text
    assert "the operator" in text
