from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import morepath
import pytest
from sqlalchemy import event, update

from onegov_auth.collections import UserGroupCollection
from onegov_auth.database import Database
from onegov_auth.models import User
from onegov_auth.testing.clock import FakeClock
from onegov_auth.web.identity import SessionPolicy


def test_identity_knows_the_person(
    browser: Any, ask: Callable[..., Any], add_user: Callable[..., Any], database: Database
) -> None:
    """Name, id, role, groups, application and provider of who is logged in."""
    user = add_user("ann@example.org", "editor")
    with database.unit() as db:
        group = UserGroupCollection(db).add(name="staff")
        group.users = [db.get_one(User, user.id)]
    browser.log_in("ann@example.org")

    found = ask(lambda request: {**request.identity.as_dict(), "groupids": list(request.identity.groupids)}, browser)
    assert found.pop("session_id")
    with database.read() as db:
        assert found.pop("rights") == db.get_one(User, user.id).rights_stamp
    assert found == {
        "userid": "ann@example.org",
        "uid": user.id.hex,
        "role": "editor",
        "groupids": [group.id.hex],
        "application_id": "main/app",
        "provider": "local",
        "language": None,
    }


@pytest.mark.sec("SESS-02", "SESS-12")
@pytest.mark.parametrize("cookie", ["x", "", "A" * 43, "A" * 5000, "ä" * 43, "' OR 1=1 --", "\x7f", "=;=", '"'])
def test_malformed_cookies_are_nobody(browser: Any, app: Any, cookie: str) -> None:
    """A session cookie that is none logs nobody in, and breaks nothing."""
    header = f"{app.cookies.session}={cookie}".encode().decode("latin-1")

    assert "nobody" in browser.get("/", headers={"Cookie": header}).text


def test_look_up_is_one_statement(browser: Any, add_user: Callable[..., Any], database: Database, app: Any) -> None:
    """A page with a permission check asks the database once, and a page that asks nobody, not at all."""
    add_user("ann@example.org", "editor")
    browser.log_in("ann@example.org")
    lookups: list[str] = []
    found = app.auth.sessions.lookup

    def lookup(token: str) -> Any:
        lookups.append(token)
        return found(token)

    app.auth.sessions.lookup = lookup
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *a: statements.append(a[2]))

    browser.get("/private")
    assert (len(lookups), statements) == (1, [])
    browser.get("/open")
    assert len(lookups) == 1


@pytest.mark.sec("SESS-06", "ASVS-7.3.1", "ASVS-7.3.2")
def test_idle_sessions_end(browser: Any, add_user: Callable[..., Any], clock: FakeClock) -> None:
    """After the idle time the person is nobody."""
    add_user("ann@example.org")
    browser.log_in("ann@example.org")

    clock.advance(timedelta(hours=1).total_seconds() - 1)
    assert "ann@example.org" in browser.get("/").text
    clock.advance(timedelta(hours=1).total_seconds())
    assert "nobody" in browser.get("/").text


@pytest.mark.sec("ASVS-7.4.2")
def test_deactivated_people_are_nobody(
    browser: Any, add_user: Callable[..., Any], database: Database, inactive: dict[str, Any]
) -> None:
    """Whoever is switched off is out with the next request, even where no session was ended."""
    user = add_user("ann@example.org")
    browser.log_in("ann@example.org")
    with database.unit() as db:
        db.execute(update(User).where(User.id == user.id).values(**inactive))

    assert "nobody" in browser.get("/").text


def test_morepaths_own_way_in_is_closed(app: Any) -> None:
    """No code can log somebody in around the one road."""
    with pytest.raises(NotImplementedError, match="login_to"):
        SessionPolicy().remember(morepath.Response(), None, morepath.Identity("ann"))  # type: ignore[arg-type]  # never looked at
