from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from onegov_auth.models import AuthEvent, UserSession

PATH = "/auth/admin/sessions"


@pytest.fixture(name="ann")
def _ann(make_browser: Any, app: Any, add_user: Any) -> Any:
    """Somebody else's browser, logged in."""
    add_user("ann@example.org", realname="Ann Other")
    browser = make_browser(app)
    browser.log_in("ann@example.org")
    return browser


def select_all(page: Any, row: int) -> Any:
    """The list's form with the box of one row checked."""
    form = next(form for form in page.forms.values() if form.method.upper() == "POST" and "do" in form.fields)
    boxes = [name for name in form.fields if name and name.startswith("select.")]
    form[boxes[row]].checked = True
    return form


def rows(database: Any) -> list[Any]:
    """The sessions there are."""
    with database.read() as db:
        return list(db.scalars(select(UserSession)))


def test_only_for_those_who_run_the_site(ann: Any) -> None:
    """Nobody else sees the sessions of others."""
    assert ann.get(PATH, expect_errors=True).status_int == 403


def test_who_is_logged_in(desk: Any, ann: Any, table: Any) -> None:
    """The list has the sessions of all, and marks the one it is shown in."""
    found = [row[1] for row in table(desk.get(PATH))]

    assert sorted(found) == ["Ann Other", "ada@example.org this session"]


def test_filters(desk: Any, ann: Any, table: Any) -> None:
    """Sessions are found by the person and by the provider."""
    assert [row[1] for row in table(desk.get(PATH, {"user": "other"}))] == ["Ann Other"]
    assert [row[1] for row in table(desk.get(PATH, {"user": "ANN@"}))] == ["Ann Other"]
    assert len(table(desk.get(PATH, {"provider": "local"}))) == 2


def test_sessions_that_are_over_are_not_open(desk: Any, ann: Any, table: Any, clock: Any, app: Any) -> None:
    """What ended by itself is not listed, though its row is still there."""
    clock.advance(app.auth.settings.sessions.idle - timedelta(minutes=2))
    desk.get("/")
    clock.advance(timedelta(minutes=3))

    assert [row[1] for row in table(desk.get(PATH))] == ["ada@example.org this session"]


@pytest.mark.sec("ASVS-7.4.5")
def test_end_a_session(desk: Any, ann: Any, database: Any, table: Any) -> None:
    """A session that is ended is over with the next request, and an event says who ended it."""
    question = select_all(desk.get(PATH, {"user": "ann"}), 0).submit("do", value="end")
    answer = question.forms[0].submit()

    assert "1 session is ended." in answer.follow().text
    assert ann.get("/personal", expect_errors=True).status_int != 200
    assert desk.get("/personal").status_int == 200
    with database.read() as db:
        event = db.scalars(select(AuthEvent).where(AuthEvent.type == "session_ended")).one()
    assert event.username == "ann@example.org"
    assert ["by", "ada@example.org"] in event.steps


def test_own_session_stays(desk: Any, database: Any) -> None:
    """Nobody ends the session they are working in by accident."""
    question = select_all(desk.get(PATH), 0).submit("do", value="end")
    question.forms[0].submit().follow()

    assert len(rows(database)) == 1


@pytest.mark.sec("ASVS-7.5.1")
def test_ending_needs_a_fresh_login(desk: Any, ann: Any, clock: Any, database: Any) -> None:
    """Who logged in long ago looks at the list, and ends nothing before proving again who they are."""
    page = desk.get(PATH, {"user": "ann"})
    clock.advance(timedelta(minutes=6))
    answer = select_all(page, 0).submit("do", value="end")

    assert "/auth/account/confirm" in answer.location
    assert len(rows(database)) == 2


@pytest.mark.sec("CSRF-01")
def test_forms_of_others_are_refused(desk: Any, ann: Any, database: Any) -> None:
    """Nothing is ended without the form's token."""
    fields = {f"select.{row.id}": "1" for row in rows(database)} | {"do": "end", "confirmed": "1"}

    assert desk.post(PATH, fields, expect_errors=True).status_int == 403
    assert len(rows(database)) == 2
