from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from sqlalchemy.orm import Session

from onegov_auth.domain import Client
from onegov_auth.models import User
from onegov_auth.outcomes import Refused
from onegov_auth.steps import LoginStep

NEW = "eleven quiet otters under the bridge"
TERMS = {"version": "2026", "url": "/terms"}


def demand(town: Any, step: str, username: str = "ann@example.org") -> None:
    """Have somebody take a step at the next login."""
    town.add(username)
    with town.app.auth.database.unit() as db:
        town.app.auth.users(db).by_username(username).require_step(step)


def begin(town: Any, browser: Any = None, username: str = "ann@example.org") -> Any:
    """Log in as far as it goes; returns the page of the step."""
    response = (browser or town.browser()).log_in(username, to="/personal")
    assert "/auth/step?transaction=" in response.location
    return response.follow()


def test_new_password(town: Any) -> None:
    """The step stands between the password and the site; taken, the person is where they wanted to go."""
    demand(town, "change_password")
    browser = town.browser()
    page = begin(town, browser)
    assert "Choose a new password" in page.text
    assert "nobody" in browser.get("/").text
    page.form["password"] = page.form["confirm"] = NEW
    response = page.form.submit()

    assert response.location == "https://app.example.org/personal"
    assert response.follow().text == "Hello ann@example.org"
    assert town.logged_in(password=NEW)


def test_weak_password(town: Any) -> None:
    """A password that won't do is refused beside its field, and the step goes on waiting."""
    demand(town, "change_password")
    page = begin(town)
    page.form["password"] = page.form["confirm"] = "short"
    page = page.form.submit()

    assert 'id="password-error"' in page.text
    page.form["password"] = page.form["confirm"] = NEW
    assert page.form.submit().status_code == 303


def test_steps_one_after_the_other(make_town: Any) -> None:
    """After one step comes the next, and the last one lets in."""
    town = make_town(steps={"terms": TERMS, "profile": ["realname"]})
    town.add("ann@example.org")
    page = begin(town)
    assert 'href="/terms"' in page.text
    page.form["accept"] = "yes"
    page = page.form.submit().follow()
    assert "Please complete your profile" in page.text
    page.form["realname"] = "Ann"

    assert page.form.submit().location == "https://app.example.org/personal"
    assert town.user("ann@example.org").realname == "Ann"


def test_terms_have_to_be_accepted(make_town: Any) -> None:
    """Without the tick the step goes on waiting."""
    town = make_town(steps={"terms": TERMS})
    town.add("ann@example.org")
    browser = town.browser()
    page = begin(town, browser).form.submit()

    assert 'id="accept-error"' in page.text
    assert "nobody" in browser.get("/").text


@pytest.mark.sec("SESS-04")
def test_other_browsers_take_no_step(town: Any) -> None:
    """The step waits in the browser it began in, and in no other."""
    demand(town, "change_password")
    page = begin(town)
    address = page.request.path_qs
    thief = town.browser()
    token = thief.get("/auth/login").forms[0]["csrf_token"].value
    fields = {"csrf_token": token, "transaction": page.form["transaction"].value, "password": NEW, "confirm": NEW}

    assert "begun in another browser" in thief.get(address, status=400).text
    thief.post("/auth/step", fields, status=400)
    assert town.browser().log_in("ann@example.org", NEW).status_code == 200


@pytest.mark.parametrize("query", ["", "?transaction=", "?transaction=forged"])
def test_no_step_waits(town: Any, query: str) -> None:
    """Without a login that waits there is nothing to do here."""
    assert "begun in another browser" in town.browser().get(f"/auth/step{query}", status=400).text


@pytest.mark.sec("CSRF-01", "CSRF-02")
def test_other_sites_take_no_step(town: Any) -> None:
    """A step is taken by our own form only."""
    demand(town, "change_password")
    page = begin(town)
    page.form["csrf_token"] = "forged"
    page.form["password"] = page.form["confirm"] = NEW

    page.form.submit(status=403)
    assert town.browser().log_in("ann@example.org", NEW).status_code == 200


@pytest.mark.sec("REDIR-08")
def test_target_is_on_this_site(town: Any) -> None:
    """Where somebody goes after the steps is on this site."""
    demand(town, "change_password")
    page = town.browser().log_in("ann@example.org", to="//evil.example/").follow()
    page.form["password"] = page.form["confirm"] = NEW

    assert page.form.submit().location == "https://app.example.org/"


class Badge(LoginStep):
    """A step of an application."""

    name: ClassVar[str] = "badge"

    def shown(self, user: User) -> Mapping[str, object]:
        """Its own words."""
        return {"title": "Your badge", "text": "It is **blue**.", "button": "Here", "fields": {"number": "Number"}}

    def take(self, db: Session, user: User, answer: Mapping[str, str], client: Client) -> Refused | None:
        """The right number."""
        return None if answer["number"] == "7" else Refused("no_such_badge")


def test_step_of_the_application(make_town: Any) -> None:
    """It says what its page shows; what it refuses may be tried again."""
    town = make_town(login_steps=(Badge(),))
    demand(town, "badge")
    page = begin(town)
    assert "<h1>Your badge</h1>" in page.text
    assert "<strong>blue</strong>" in page.text
    page.form["number"] = "8"
    page = page.form.submit()
    assert "That did not do" in page.text
    page.form["number"] = "7"

    assert page.form.submit().location == "https://app.example.org/personal"
