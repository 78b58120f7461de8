"""Where an invitation leads."""

from __future__ import annotations

from typing import Any

import pytest

PATH = "/auth/admin/users"


def form_with(page: Any, field: str) -> Any:
    return next(form for form in page.forms.values() if field in form.fields)


def action_form(page: Any, do: str) -> Any:
    return next(form for form in page.forms.values() if form.action.endswith(f"/do/{do}"))


@pytest.mark.sec("ASVS-6.4.6")
def test_user_is_invited_and_chooses_the_password(make_town: Any, make_browser: Any) -> None:
    """Who is added chooses a password by a mailed link, once, and logs in; no page shows password or link."""
    town = make_town()
    desk = town.member("ada@example.org", "admin")
    form = form_with(desk.get(f"{PATH}/new"), "username")
    assert not [name for name in form.fields if name and "password" in name]
    form["username"], form["realname"], form["role"] = "New@Example.org", "New One", "editor"
    page = form.submit().follow()
    assert "The account is made." in page.text
    link = town.link("choose-password", "new@example.org")
    assert link.split("=")[1] not in page.text
    new = make_browser(desk.app)
    page = new.get(link).follow()
    assert "new@example.org" in page.text
    form = page.form
    form["password"] = "short"
    form = form.submit().form
    form["password"] = "seven blue herons on a dry roof"
    form.submit(status=303)

    assert new.log_in("new@example.org", "seven blue herons on a dry roof").status_code == 303
    assert town.user("new@example.org").role == "editor"
    assert town.user("new@example.org").email_verified
    assert "no longer good" in make_browser(desk.app).get(link).follow().text


@pytest.mark.sec("RESET-02")
def test_newer_link_voids_the_older(make_town: Any, make_browser: Any) -> None:
    """Only the newest link works; a forged one never does."""
    town = make_town()
    desk = town.member("ada@example.org", "admin")
    town.add("ann@example.org")
    page = desk.get(PATH).click("ann@example.org")
    page = action_form(page, "invite").submit().follow()
    assert "The mail is sent." in page.text
    first = town.link("choose-password")
    action_form(page, "invite").submit()
    second = town.link("choose-password")
    for link, good in (
        (first, False),
        (second, True),
        (second[:-3] + "abc", False),
        (second.split("=")[0] + "=", False),
    ):
        page = make_browser(desk.app).get(link).follow()
        assert ("ann@example.org" in page.text) is good
    browser = make_browser(desk.app)
    form = browser.get(second).follow().form
    form["token"] = "forged"
    form["password"] = "seven blue herons on a dry roof"
    assert "no longer good" in form.submit().text
