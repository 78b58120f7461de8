"""The samples of the pages about accounts do what the pages say."""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from onegov_auth.auth import Auth
from onegov_auth.collections import UserCollection
from onegov_auth.domain import Client
from onegov_auth.errors import InvalidToken
from onegov_auth.models import User
from onegov_auth.outcomes import LoggedIn, Refused, StepRequired

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
PASSWORD = "correct horse battery staple"


def block(page: str, language: str, number: int = 0) -> str:
    """A fenced block of a page."""
    found: list[str] = re.findall(
        rf"^```{language}\n(.*?)^```$", (HOW_TO / page).read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    return found[number]


def configured(page: str) -> dict[str, Any]:
    """The settings a page shows."""
    loaded: dict[str, Any] = yaml.safe_load(block(page, "yaml"))
    return loaded


def typed(username: str, password: str) -> Any:
    fields = {"username": username, "password": password}
    return SimpleNamespace(**{name: SimpleNamespace(data=data) for name, data in fields.items()})


def test_people_are_invited_by_a_link(make_auth: Callable[..., Auth], client: Client) -> None:
    """The link of the page lets an address of the domain in, with the role."""
    auth = make_auth()
    names: dict[str, Any] = {"auth": auth}
    exec(block("registration.md", "python"), names)  # our own text
    assert names["link"].endswith(names["token"])
    auth.register(typed("ann@example.org", "an entirely different sentence"), client, names["token"])
    with auth.database.read() as db:
        user = UserCollection(db).by_signup_token(names["token"]).one()
        assert (user.username, user.role) == ("ann@example.org", "editor")


def test_people_register(make_auth: Callable[..., Auth], client: Client) -> None:
    """With the settings of the page, registration is open."""
    auth = make_auth(**configured("registration.md"))
    assert auth.registration_open()


def test_a_token_changes_the_password(make_auth: Callable[..., Auth], add: Callable[..., User], client: Client) -> None:
    """The second seed's names do what the page says, once."""
    add("ann@example.org")
    auth = make_auth(**configured("recovery.md"))
    with auth.database.unit() as db:
        user = UserCollection(db).by_username("ann@example.org")
        names: dict[str, Any] = {"user": user}
        exec(block("recovery.md", "python"), names)  # our own text
        with pytest.raises(InvalidToken):
            names["user"].change_password(names["token"], "another sentence altogether")
    assert isinstance(auth.login("ann@example.org", "a new long sentence", client), LoggedIn)


def test_a_login_goes_on_without_our_pages(
    make_auth: Callable[..., Auth], add: Callable[..., User], client: Client
) -> None:
    """The two lines take the step that the page's settings ask for first."""
    add("ann@example.org")
    auth = make_auth(**configured("login-steps.md"))
    outcome = auth.login("ann@example.org", PASSWORD, client)
    assert isinstance(outcome, StepRequired)
    names: dict[str, Any] = {"auth": auth, "outcome": outcome, "client": client}
    exec(block("login-steps.md", "python"), names)  # our own text
    assert names["pending"].step == "accept_terms"
    assert names["outcome"].step == "complete_profile"


@pytest.mark.usefixtures("place")
def test_an_application_asks_for_something(examples: Path) -> None:
    """Nobody is in before the newsletter was answered, and nobody is asked twice."""
    auth = runpy.run_path(str(examples / "survey_step.py"))["application"].auth
    client = Client(address="192.0.2.1", browser="one")
    asked = auth.login("ann@example.org", PASSWORD, client)
    assert isinstance(asked, StepRequired)
    assert asked.step == "newsletter"
    assert isinstance(auth.take_step(asked.transaction.id, "newsletter", {}, replace(client, browser="two")), Refused)
    assert isinstance(auth.take_step(asked.transaction.id, "newsletter", {"newsletter": "yes"}, client), LoggedIn)
    assert isinstance(auth.login("ann@example.org", PASSWORD, client), LoggedIn)
