from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from onegov_auth.models import AuthEvent, LoginAttempt

PATH = "/auth/admin/attempts"


@pytest.fixture(name="bob")
def _bob(make_browser: Any, app: Any, add_user: Any) -> Any:
    """Somebody who doesn't know the password any more."""
    add_user("bob@example.org")
    browser = make_browser(app, REMOTE_ADDR="192.0.2.7")
    browser.log_in("bob@example.org", "wrong horse battery staple")
    return browser


def form(page: Any, field: str) -> Any:
    """The form with that field."""
    return next(form for form in page.forms.values() if form.method.upper() == "POST" and field in form.fields)


def test_only_for_those_who_run_the_site(browser: Any, add_user: Any) -> None:
    """Nobody else sees who tried to get in."""
    add_user("ann@example.org")
    browser.log_in("ann@example.org")

    assert browser.get(PATH, expect_errors=True).status_int == 403


def test_newest_first(desk: Any, bob: Any, table: Any) -> None:
    """The list says what was tried, with which name, from where, and how it went."""
    first, second = [row for row in table(desk.get(PATH)) if "Login" in row[0]]

    assert (first[2], first[3]) == ("bob@example.org", "192.0.2.7")
    assert first[4].startswith("failed")
    assert second[2] == "ada@example.org"
    assert second[4].startswith("succeeded")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"user_input": "BOB@example.org"}, ["bob@example.org"]),
        ({"user_input": "carl"}, []),
        ({"user_input": "\ufffe"}, []),
        ({"source_ip": "192.0.2.7"}, ["bob@example.org"]),
        ({"attempt_type": "signup"}, []),
        ({"outcome": "good"}, ["ada@example.org"]),
        ({"outcome": "failed"}, ["bob@example.org"]),
        ({"outcome": "locked"}, []),
        ({"outcome": "open"}, []),
        ({"datetime_utc_from": "2099-01-01"}, []),
        ({"datetime_utc_to": "2099-01-01", "user_input": "bob@example.org"}, ["bob@example.org"]),
    ],
)
def test_filters(desk: Any, bob: Any, table: Any, query: dict[str, str], names: list[str]) -> None:
    """Attempts are found by kind, name, address, result and time."""
    assert [row[2] for row in table(desk.get(PATH, query))] == names


def test_outcomes(desk: Any, database: Any, table: Any, clock: Any) -> None:
    """What a lockout refused, and what does not count, is told from what failed."""
    row = {"attempt_type": "recovery", "datetime_utc": clock(), "user_input": "x", "success": None, "code": None}
    with database.unit() as db:
        values = [
            row | {"is_during_lockout": True, "success": False, "code": "locked"},
            row | {"is_during_lockout": False},
        ]
        db.execute(insert(LoginAttempt), values)

    cells = [row[4] for row in table(desk.get(PATH, {"attempt_type": "recovery"}))]
    assert cells == ["open, or does not count", "refused in a lockout (locked)"]


@pytest.mark.sec("RATE-08")
@pytest.mark.parametrize("field", ["name", "address"])
def test_unlock(desk: Any, bob: Any, database: Any, field: str) -> None:
    """Who is locked out may try again at once, and an event says who unlocked them."""
    for _ in range(15):
        bob.log_in("bob@example.org", "wrong horse battery staple")
    assert "Too many attempts" in bob.log_in("bob@example.org").text
    unlock = form(desk.get(PATH), "name")
    unlock["name"] = "bob@example.org"
    if field == "address":
        unlock["address"] = "192.0.2.7"
    answer = unlock.submit("do", value="unlock")

    assert "forgiven" in answer.follow().text
    assert bob.log_in("bob@example.org").status_int == 303
    with database.read() as db:
        event = db.scalars(select(AuthEvent).where(AuthEvent.type == "unlocked")).one()
    assert ["by", "ada@example.org"] in event.steps


def test_nothing_to_unlock(desk: Any) -> None:
    """Without a name or an address, nothing is unlocked."""
    answer = form(desk.get(PATH), "name").submit("do", value="unlock").follow()

    assert "Please enter a name or an address." in answer.text


def test_filter_fills_in_what_to_unlock(desk: Any, bob: Any) -> None:
    """What was looked for is what may be unlocked."""
    page = desk.get(PATH, {"user_input": "bob@example.org", "source_ip": "192.0.2.7"})

    assert form(page, "name")["name"].value == "bob@example.org"
    assert form(page, "name")["address"].value == "192.0.2.7"


def test_delete_what_is_old(desk: Any, database: Any, clock: Any) -> None:
    """What is older than so many days is deleted, and an event says how much by whom."""
    with database.unit() as db:
        values = {"attempt_type": "login", "datetime_utc": clock() - timedelta(days=40), "is_during_lockout": False}
        db.execute(insert(LoginAttempt).values(**values))
    purge = form(desk.get(PATH), "days")
    purge["days"] = "30"
    assert "The attempts are deleted." in purge.submit("do", value="purge").follow().text

    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(LoginAttempt)) == 1
        event = db.scalars(select(AuthEvent).where(AuthEvent.type == "attempts_purged")).one()
    assert ["attempts", "1"] in event.steps


@pytest.mark.parametrize("days", ["0", "-1", "", "soon", "9999999"])
def test_days_that_are_none(desk: Any, days: str, database: Any) -> None:
    """What locks somebody out at this moment is not deleted by accident."""
    purge = form(desk.get(PATH), "days")
    purge["days"] = days
    answer = purge.submit("do", value="purge").follow()

    assert "one at least" in answer.text
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(LoginAttempt)) == 1


@pytest.mark.sec("CSRF-01")
def test_forms_of_others_are_refused(desk: Any) -> None:
    """Nothing is unlocked or deleted without the form's token."""
    assert desk.post(PATH, {"do": "purge", "days": "1"}, expect_errors=True).status_int == 403
    assert desk.post(PATH, {"do": "unlock", "name": "x"}, expect_errors=True).status_int == 403


@pytest.mark.sec("ASVS-7.5.1")
def test_changes_need_a_fresh_login(desk: Any, clock: Any) -> None:
    """Who logged in long ago proves again who they are before unlocking."""
    page = desk.get(PATH)
    clock.advance(timedelta(minutes=6))

    assert "/auth/account/confirm" in form(page, "name").submit("do", value="unlock").location


def test_file(desk: Any, bob: Any) -> None:
    """The file has what was asked for."""
    lines = desk.get(f"{PATH}/export", {"user_input": "bob@example.org"}).text.splitlines()

    assert len(lines) == 2
    assert "192.0.2.7" in lines[1]
