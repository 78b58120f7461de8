from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text


@pytest.mark.parametrize(
    ("end", "status", "kept"),
    [
        ("return", 200, 1),
        ("return", 204, 1),
        ("return", 303, 1),
        ("return", 400, 0),
        ("return", 403, 0),
        ("return", 500, 0),
        ("raise", 204, 1),
        ("raise", 303, 1),
        ("raise", 400, 0),
        ("raise", 403, 0),
        ("raise", 404, 0),
        ("raise", 503, 0),
        ("crash", 500, 0),
    ],
)
@pytest.mark.sec("ASVS-2.3.3")
def test_good_responses_commit_and_bad_ones_roll_back(
    browser: Any, notes: Callable[[], int], end: str, status: int, kept: int
) -> None:
    """Returned or raised, 2xx and 3xx keep what was written, 4xx, 5xx and crashes don't."""
    browser.post(f"/failing?end={end}&status={status}", expect_errors=True)

    assert notes() == kept


def test_error_page_sees_nothing_of_what_failed(
    make_app: Any, make_browser: Any, app_class: Any, notes: Callable[[], int]
) -> None:
    """What was written is rolled back before an error page is made, and what that reads is the truth."""

    class Site(app_class):  # type: ignore[misc] # a class made by a fixture
        pass

    def count(self: RuntimeError, request: Any) -> str:
        return str(request.db.execute(text("SELECT count(*) FROM notes")).scalar_one())

    Site.html(model=RuntimeError)(count)

    assert make_browser(make_app(cls=Site)).post("/failing?end=crash").text == "0"


def test_session_is_closed_in_any_case(browser: Any, app: Any) -> None:
    """Whatever happens, the connection goes back to the pool."""
    for end in ("return", "crash"):
        browser.post(f"/failing?end={end}", expect_errors=True)

        assert app.auth.database.engine.pool.checkedout() == 0


def test_page_that_writes_nothing_has_no_session(browser: Any, app: Any) -> None:
    """Who doesn't ask for the database costs it nothing."""
    app.session_factory = lambda: pytest.fail("nobody asked")

    assert browser.get("/open").text == "open"


def test_host_may_bring_its_own_sessions(browser: Any, app: Any, notes: Callable[[], int]) -> None:
    """A host that owns its engine overrides session_factory, and its session is committed and closed."""
    session = app.auth.database.session()
    closed: list[bool] = []
    close = session.close

    def note() -> None:
        closed.append(True)
        close()

    session.close = note
    app.session_factory = lambda: session

    browser.post("/failing?end=return")

    assert (notes(), closed) == (1, [True])
