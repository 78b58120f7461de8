from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import insert

from onegov_auth.domain import Client, Step
from onegov_auth.events import Event
from onegov_auth.models import AuthEvent

PATH = "/auth/admin/events"


@pytest.fixture(name="record")
def _record(app: Any, database: Any) -> Any:
    """Write an event."""

    def record(type_: str = "login", **more: Any) -> None:
        client = Client(**{name: more.pop(name) for name in ("address", "request_id", "user_agent") if name in more})
        with database.unit() as db:
            app.auth.events.record(db, Event(type=type_, client=client, **more))

    return record


def links(page: Any, rel: str) -> list[str]:
    """Where the links of that relation lead."""
    return [link["href"] for link in page.html.find_all("a", rel=rel)]


def test_only_for_those_who_run_the_site(browser: Any, add_user: Any) -> None:
    """Nobody else sees the events, nor that there is such a page in the menu."""
    add_user("ann@example.org")
    browser.log_in("ann@example.org")

    assert browser.get(PATH, expect_errors=True).status_int == 403
    assert PATH not in browser.get("/auth/account").text


def test_newest_first(desk: Any, record: Any, table: Any) -> None:
    """Events say what happened, when, to whom, how and from where."""
    record(code="bad_password", username="bob@example.org", provider="local", address="192.0.2.7", failed=True)

    found = table(desk.get(PATH))

    assert found[0][0] == "Not logged in"
    assert found[0][2:] == ["bob@example.org", "bad_password", "local", "192.0.2.7"]
    assert found[1][0] == "Logged in"
    assert found[1][2:4] == ["ada@example.org", "ok"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"type": "logout"}, ["carl"]),
        ({"username": "BOB"}, ["bob"]),
        ({"username": "ada@example.org"}, ["ada@example.org"]),
        ({"provider": "company"}, ["carl"]),
        ({"result": "refused"}, ["bob"]),
        ({"result": "good", "type": "logout"}, ["carl"]),
        ({"code": "bad_password"}, ["bob"]),
        ({"request_id": "r-2"}, ["carl"]),
        ({"created_from": "2099-01-01"}, []),
        ({"created_to": "2000-01-01"}, []),
    ],
)
def test_filters(desk: Any, record: Any, table: Any, query: dict[str, str], names: list[str]) -> None:
    """Events are found by kind, name, provider, result, code, request and time."""
    record(code="bad_password", username="bob", request_id="r-1", failed=True)
    record("logout", username="carl", request_id="r-2", provider="company")

    assert [row[2] for row in table(desk.get(PATH, query))] == names


def test_user_is_found_whatever_was_typed(desk: Any, record: Any, table: Any, admin: Any) -> None:
    """The events of a user are found by the name of today as well."""
    record("logout", username="an.old.name", user_id=admin.id)

    assert [row[2] for row in table(desk.get(PATH, {"username": "ada@example.org", "type": "logout"}))] == [
        "an.old.name"
    ]


def test_time_range(desk: Any, record: Any, table: Any, clock: Any) -> None:
    """A range has both of its days."""
    day = clock().date()
    record("logout", username="now")

    inside = {"created_from": day.isoformat(), "created_to": day.isoformat()}
    before = {"created_to": (day - timedelta(days=1)).isoformat()}
    assert "now" in str(table(desk.get(PATH, inside)))
    assert table(desk.get(PATH, before)) == []


@pytest.mark.parametrize(
    "query", [{"type": "nonsense"}, {"before": "x"}, {"created_from": "soon"}, {"username": "a\x00"}, {"sort": "x"}]
)
def test_what_no_page_of_ours_asks_for(desk: Any, query: dict[str, str]) -> None:
    """An address that our page could not have made is a bad request."""
    assert desk.get(PATH, query, expect_errors=True).status_int == 400


def test_pages_go_by_key(desk: Any, database: Any, table: Any, clock: Any) -> None:
    """Older and newer pages join without gaps, while events are added, and keep what was asked for."""
    with database.unit() as db:
        rows = [{"type": "many", "username": f"n{number:03}", "created": clock(), "steps": []} for number in range(120)]
        db.execute(insert(AuthEvent), rows)

    first = desk.get(PATH, {"type": "many"})
    assert links(first, "prev") == []
    with database.unit() as db:
        db.execute(insert(AuthEvent), [{"type": "many", "username": "new", "created": clock(), "steps": []}])
    second = desk.get(links(first, "next")[0])
    third = desk.get(links(second, "next")[0])
    back = desk.get(links(third, "prev")[0])

    names = [row[2] for page in (first, second, third) for row in table(page)]
    assert names == [f"n{number:03}" for number in reversed(range(120))]
    assert links(third, "next") == []
    assert table(back) == table(second)
    newest = desk.get(links(desk.get(links(back, "prev")[0]), "prev")[0])
    assert [row[2] for row in table(newest)] == ["new"]
    assert links(newest, "prev") == []


def test_file_has_all_that_is_found(desk: Any, record: Any) -> None:
    """The file has every event that was asked for, with all that is known; no cell is a formula."""
    record(
        "logout",
        code="replayed",
        username="=HYPERLINK()",
        request_id="r-9",
        user_agent="Mozilla",
        steps=[Step("local", "matches")],
    )
    record("other", username="left.out")

    saved = desk.get(PATH + "/export", {"type": "logout"})
    lines = saved.text.splitlines()

    assert saved.headers["Content-Disposition"] == 'attachment; filename="events.csv"'
    assert len(lines) == 2
    assert "'=HYPERLINK" in lines[1]
    for text in ("refused", "replayed", "r-9", "Mozilla", "local: matches"):
        assert text in lines[1]


def test_long_files_are_whole(desk: Any, database: Any, clock: Any) -> None:
    """What is read bit by bit is all there, once each."""
    rows = [{"type": "many", "username": f"n{number}", "created": clock(), "steps": []} for number in range(1201)]
    with database.unit() as db:
        db.execute(insert(AuthEvent), rows)

    lines = desk.get(f"{PATH}/export", {"type": "many"}).text.splitlines()
    assert len(set(lines)) == len(lines) == 1202


def test_steps_of_one_event(desk: Any, record: Any) -> None:
    """The page of an event tells step by step what was decided, and names the request."""
    steps = [Step("search", "one entry"), Step("something_new", "")]
    record(
        code="no_role",
        username="bob",
        provider="company",
        request_id="r-7",
        steps=steps,
        failed=True,
        user_agent="Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0",
    )

    page = desk.get(PATH, {"code": "no_role"}).click("Not logged in$")

    told = [step.get_text(" ", strip=True) for step in page.html.select("ol.steps li")]
    assert told == ["Search in the directory : one entry", "something_new"]
    for text in ("no_role", "r-7", "Firefox on Windows", "company"):
        assert text in page.html.get_text()


def test_what_was_refused_reads_so(desk: Any, record: Any, table: Any) -> None:
    """The list and the page of an event say that something was not done, and whether something else is awaited."""
    record("api_token_created", code="empty_scope")
    record(code="factor_required")

    assert [row[0] for row in table(desk.get(PATH, {"result": "refused"}))] == ["API token not made"]
    refused = desk.get(PATH, {"result": "refused"}).click("API token not made").html
    assert refused.h1.get_text() == "API token not made"
    assert refused.select_one(".badge.off").get_text() == "refused"
    begun = desk.get(PATH, {"result": "open"}).click("Login begun").html
    assert begun.select_one(".badge").get_text() == "not finished"


def test_nothing_is_changed(desk: Any, record: Any) -> None:
    """An event can't be changed, deleted or added."""
    record("other")
    page = desk.get(PATH, {"type": "other"}).click("other")

    token = {"csrf_token": desk.get("/auth/logout").forms[0]["csrf_token"].value}
    assert desk.post(page.request.path, token, expect_errors=True).status_int == 405
    assert desk.post(f"{page.request.path}/delete", token, expect_errors=True).status_int == 404
    assert desk.get(f"{PATH}/new", expect_errors=True).status_int == 404
    assert desk.get(f"{PATH}/999999", expect_errors=True).status_int == 404


def test_no_page_counts(desk: Any, record: Any, database: Any) -> None:
    """However many events there are, a page asks for its own rows, and what the filters have to choose from."""
    record()
    statements: list[str] = []
    sqlalchemy_event.listen(database.engine, "before_cursor_execute", lambda *said: statements.append(said[2]))
    desk.get(PATH)

    about = [said for said in statements if "auth_events" in said]
    assert len(about) == 3
    assert not any("count(" in said for said in about)
