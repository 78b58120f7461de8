"""What people are promised, seen from a browser: one application, local accounts, real pages."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from webtest import TestApp

from onegov_auth import AuthApp, Personal, migrations
from onegov_auth.collections import UserCollection
from onegov_auth.database import Database
from onegov_auth.models import AuthEvent, User
from onegov_auth.passwords import Hasher
from onegov_auth.settings import settings_from
from onegov_auth.testing.clock import FakeClock

PASSWORD = "correct horse battery staple"
NAME = "ann@example.org"


class App(AuthApp):
    """One page for who is logged in."""


@App.path(path="")
class Root:
    """The page."""


@App.html(model=Root, permission=Personal)
def _home(self: Root, request: Any) -> str:
    return f"Hello {request.identity.userid}"


@pytest.fixture(name="app")
def _app(sqlite_url: str, clock: FakeClock) -> Iterator[App]:
    """The application, over the tables as the command makes them."""
    settings = settings_from(
        {
            "base_url": "http://localhost",
            "database": sqlite_url,
            "secrets": ["qM6Zl3dpUS0fJ2yD8rHk1xWvTb7nEo4cAgYi5uLs9tRjKhPw"],
            "cookies": {"secure": False},
        }
    )
    database = Database(sqlite_url)
    migrations.upgrade(database.engine)
    database.dispose()
    app = App.from_settings(settings, clock=clock, hasher=Hasher.cheap())
    yield app
    app.auth.close()


@pytest.fixture(name="ann")
def _ann(app: App) -> str:
    """Somebody with a local account; her name."""
    with app.auth.database.unit() as db:
        db.add(User(username=NAME, password_hash=Hasher.cheap().hash(PASSWORD), role="member"))
    return NAME


@pytest.fixture(name="log_in")
def _log_in(app: App, ann: str) -> Callable[..., Any]:
    """Call it to get a browser in which ann is logged in."""

    def log_in(*, remember: bool = False) -> Any:
        browser = TestApp(app)
        form = browser.get("/auth/login").forms[0]
        form["username"], form["password"], form["remember"] = ann, PASSWORD, remember
        browser.answer = form.submit(status=303)
        return browser

    return log_in


def is_in(browser: Any) -> bool:
    """Whether the browser sees what is for people who are logged in."""
    return bool(browser.get("/").status_int == 200)


def dumped(app: App) -> str:
    """Everything the database holds, as text."""
    with app.auth.database.engine.connect() as connection:
        tables = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
        return repr([connection.execute(text(f'SELECT * FROM "{table}"')).all() for table in tables])


@pytest.mark.sec("ASVS-6.3.2")
def test_nobody_is_there_at_first(app: App) -> None:
    """Fresh tables hold no account, so there is none with a password that everybody knows."""
    with app.auth.database.read() as db:
        assert db.scalar(select(func.count()).select_from(User)) == 0


@pytest.mark.sec("ASVS-6.2.6", "ASVS-6.2.7")
def test_the_password_field_is_one(app: App) -> None:
    """The login form has a password field that managers fill in and people may paste into."""
    field = TestApp(app).get("/auth/login").html.find("input", attrs={"name": "password"})

    assert field["type"] == "password"
    assert field["autocomplete"] == "current-password"
    assert not [name for name in field.attrs if name.startswith("on") or name in {"readonly", "maxlength"}]


@pytest.mark.sec("ASVS-6.2.10")
def test_a_password_does_not_expire(app: App, ann: str, clock: FakeClock, log_in: Callable[..., Any]) -> None:
    """Ten years later the password still works."""
    clock.advance(timedelta(days=3650))

    assert is_in(log_in())


@pytest.mark.sec("SESS-11")
def test_staying_logged_in(app: App, clock: FakeClock, log_in: Callable[..., Any]) -> None:
    """Who chose to stay is still there after days without a visit, and a day after the thirtieth is not."""
    short, long = log_in(), log_in(remember=True)
    clock.advance(timedelta(days=29))
    then = (is_in(short), is_in(long))
    clock.advance(timedelta(days=2))

    assert then == (False, True)
    assert not is_in(long)


@pytest.mark.sec("SESS-11", "ASVS-7.4.3")
def test_a_new_password_ends_what_stayed(app: App, log_in: Callable[..., Any]) -> None:
    """A change of the password ends a session that was to last for a month."""
    browser = log_in(remember=True)
    before = is_in(browser)
    with app.auth.database.unit() as db:
        user = UserCollection(db).by_username(NAME)
        assert user is not None
        user.password_hash = Hasher.cheap().hash("another horse battery staple")

    assert before
    assert not is_in(browser)


@pytest.mark.sec("ASVS-6.5.2", "ASVS-7.2.1", "SESS-08")
def test_the_tables_hold_nothing_to_log_in_with(app: App, log_in: Callable[..., Any]) -> None:
    """The values of the cookies are nowhere in the database, and without its row a cookie is worth nothing."""
    browser = log_in()
    values = [value for value in browser.cookies.values() if len(value) > 20]
    before = is_in(browser)
    found = [value for value in values if value in dumped(app)]
    with app.auth.database.unit() as db:
        app.auth.sessions.end_all(db)

    assert before
    assert values
    assert not found
    assert not is_in(browser)


@pytest.mark.sec("ASVS-7.2.2", "SESS-01")
def test_every_session_has_a_value_of_its_own(log_in: Callable[..., Any], app: App) -> None:
    """No two logins get the same cookie."""
    values = {log_in().cookies[app.cookies.session] for _ in range(5)}

    assert len(values) == 5
    assert all(len(value) >= 43 for value in values)


@pytest.mark.sec("CSRF-08", "CSRF-03")
@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_changes_nothing(app: App, log_in: Callable[..., Any], method: str) -> None:
    """Fetching the pages that log in and out leaves the session and the tables as they are."""
    browser = log_in()
    before = dumped(app)
    for path in (
        "/auth/logout",
        "/auth/login",
        "/auth/logout?to=/",
        f"/auth/login?username={NAME}&password={PASSWORD}",
    ):
        getattr(browser, method)(path, expect_errors=True)

    assert dumped(app) == before
    assert is_in(browser)


@pytest.mark.sec("ASVS-7.4.4")
def test_there_is_a_way_out(app: App, log_in: Callable[..., Any]) -> None:
    """The logout page has a button, which ends the session."""
    browser = log_in()
    page = browser.get("/auth/logout")
    page.forms[0].submit(status=303)

    assert "Log out" in page.html.find("button").text
    assert not is_in(browser)


@pytest.mark.sec("ASVS-7.4.5")
def test_administrators_end_sessions(app: App, log_in: Callable[..., Any]) -> None:
    """The sessions of one user, and of everybody, end at the next request."""
    first, second = log_in(), log_in()
    with app.auth.database.unit() as db:
        user = UserCollection(db).by_username(NAME)
        assert user is not None
        ended = app.auth.sessions.end_all(db, user.id)
    third = log_in()
    with app.auth.database.unit() as db:
        app.auth.sessions.end_all(db)

    assert ended == 2
    assert [is_in(browser) for browser in (first, second, third)] == [False, False, False]


@pytest.mark.sec("RACE-15")
def test_logging_out_is_final(app: App, clock: FakeClock, log_in: Callable[..., Any]) -> None:
    """Requests that write the time of last use while somebody logs out don't bring the session back."""
    browser = log_in()
    token = browser.cookies[app.cookies.session]
    stop = threading.Event()

    def visit() -> None:
        while not stop.is_set():
            clock.advance(61)
            app.auth.sessions.lookup(token)

    threads = [threading.Thread(target=visit) for _ in range(4)]
    for thread in threads:
        thread.start()
    browser.get("/auth/logout").forms[0].submit(expect_errors=True)
    with app.auth.database.unit() as db:
        app.auth.sessions.end_token(db, token)
    gone = app.auth.sessions.lookup(token)
    stop.set()
    for thread in threads:
        thread.join()

    assert gone is None
    assert app.auth.sessions.lookup(token) is None


@pytest.mark.sec("LOG-04")
def test_a_broken_log_breaks_no_login(app: App, log_in: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """With a log that can't be written people get in, and the event is in the table all the same."""
    monkeypatch.setattr(logging, "raiseExceptions", False)
    stream = io.StringIO()
    stream.close()
    handler = logging.StreamHandler(stream)
    logging.getLogger("onegov_auth").addHandler(handler)
    try:
        browser = log_in()
    finally:
        logging.getLogger("onegov_auth").removeHandler(handler)
    with app.auth.database.read() as db:
        events = db.scalars(select(AuthEvent.username)).all()

    assert is_in(browser)
    assert events == [NAME]


@pytest.mark.sec("ASVS-7.6.2", "CSRF-02")
def test_a_session_takes_an_action(app: App, ann: str) -> None:
    """Without posting our own form nobody gets a session: not by a link, not by another page's form."""
    browser = TestApp(app)
    browser.get(f"/auth/login?username={ann}&password={PASSWORD}")
    browser.post("/auth/login", {"username": ann, "password": PASSWORD}, status=403)

    assert app.cookies.session not in browser.cookies
    assert not is_in(browser)


@pytest.mark.sec("ASVS-16.3.1", "ASVS-6.3.4")
@pytest.mark.parametrize(("password", "code"), [(PASSWORD, "ok"), ("wrong", "wrong_password"), (" ", "empty_password")])
def test_every_login_is_recorded(app: App, ann: str, password: str, code: str) -> None:
    """Whatever comes of a login, it is one event with its provider and its outcome."""
    form = TestApp(app).get("/auth/login").forms[0]
    form["username"], form["password"] = ann, password
    form.submit()
    with app.auth.database.read() as db:
        events = [(event.type, event.username, event.code) for event in db.scalars(select(AuthEvent))]

    assert events == [("login", ann, code)]
