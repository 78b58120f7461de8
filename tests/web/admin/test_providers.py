from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup

from onegov_auth.domain import Client, Step
from onegov_auth.events import Event
from onegov_auth.models import UserIdentity
from onegov_auth.outcomes import Unavailable
from onegov_auth.testing.providers import KnownIssuer

PATH = "/auth/admin/providers"


@pytest.fixture(name="states")
def _states(desk: Any, app: Any) -> Any:
    """What the page says of each provider."""
    app.auth.providers = {**app.auth.providers, "company": KnownIssuer(name="company")}

    def states() -> list[str]:
        html = BeautifulSoup(desk.get(PATH).text, "html.parser")
        return [row.get_text(" ", strip=True) for row in html.select("ul.rows > li")]

    return states


def test_only_for_those_who_run_the_site(browser: Any, add_user: Any) -> None:
    """Nobody else sees the providers' state."""
    add_user("ann@example.org")
    browser.log_in("ann@example.org")

    assert browser.get(PATH, expect_errors=True).status_int == 403


def test_all_are_listed(states: Any) -> None:
    """Each provider has its kind, its state and its sessions, and the command that checks it."""
    local, company = states()

    assert "up" in company
    assert "onegov-auth check company" in company
    assert "1 open session" in local
    assert "0 open sessions" in company


def test_down(states: Any, app: Any) -> None:
    """A provider that could not be reached is down until it answers."""
    app.auth.health.note("company", Unavailable("company", "timeout"))
    assert "down" in states()[1]
    assert "Could not be reached:" in states()[1]
    app.auth.health.note("company", None)
    assert "down" not in states()[1]


def test_accounts_are_counted(states: Any, database: Any, add_user: Any) -> None:
    """The page says how many accounts are linked, also to a provider that is gone from the settings."""
    ann = add_user("ann@example.org")
    with database.unit() as db:
        db.add(UserIdentity(user_id=ann.id, source="company", source_id="1", proof="linked"))
        db.add(UserIdentity(user_id=ann.id, source="old", source_id="1", proof="linked"))

    assert "1 account linked" in states()[1]
    assert "not in the settings" in states()[2]
    assert "onegov-auth check" not in states()[2]


def test_last_sync(states: Any, app: Any, database: Any, add_user: Any) -> None:
    """The last run of a sync is named, and not what it did with somebody."""
    ann = add_user("ann@example.org")
    runs = [
        Event(type="sync", client=Client(), provider="company", code="done", steps=[Step("known", "3")]),
        Event(type="sync", client=Client(), provider="company", code="gone", user_id=ann.id, username="ann"),
    ]
    with database.unit() as db:
        app.auth.events.record_all(db, runs)

    assert "Last sync:" in states()[1]
    assert "(done)" in states()[1]
