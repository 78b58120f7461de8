from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from onegov_auth.clock import utcnow
from onegov_auth.database import Database
from onegov_auth.models import UserSession


def test_list_sessions(run: Any, add_user: Any, open_session: Any) -> None:
    """Everybody's sessions are listed below their names: address, time, browser."""
    now = f"{utcnow():%Y-%m-%d}"
    open_session(add_user("bob"), "Firefox")
    ann = add_user("ann")
    open_session(ann, "Chrome")
    open_session(ann, "Safari")

    lines = run("list-sessions").stdout.splitlines()

    assert [line for line in lines if not line.startswith(" ")] == ["ann:", "bob:"]
    assert all(line.startswith(f"  192.0.2.7 [{now}") for line in (lines[1], lines[2], lines[4]))
    assert [line.split()[-1] for line in lines] == ["ann:", "Chrome", "Safari", "bob:", "Firefox"]


def test_no_token_is_listed(run: Any, answer: Any, add_user: Any, open_session: Any) -> None:
    """Neither a token nor its hash nor what the provider wants back at logout is ever shown."""
    token = open_session(add_user("ann"), hint="an id token")

    text = run("list-sessions").output
    (row,) = answer("list-sessions")

    assert token not in text
    names = {"username", "id", "provider", "address", "created", "last_seen", "expires", "user_agent"}
    assert names == set(row)
    assert "an id token" not in text + str(row)


def test_sessions_of_one(answer: Any, add_user: Any, open_session: Any) -> None:
    """With a name, only that user's sessions are listed."""
    open_session(add_user("bob"))
    open_session(add_user("ann"))

    assert [row["username"] for row in answer("list-sessions", "ann")] == ["ann"]


def test_sessions_of_nobody(run: Any) -> None:
    """An unknown name is exit code 1."""
    result = run("list-sessions", "ann")

    assert (result.exit_code, result.stderr) == (1, "Error: There is no user ann.\n")


@pytest.mark.parametrize("changes", [{"expires": 0}, {"last_seen": 0}])
def test_ended_sessions_are_not_listed(
    answer: Any, add_user: Any, open_session: Any, database: Database, changes: dict[str, int]
) -> None:
    """A session that has run out or was not used for too long is no session any more."""
    open_session(add_user("ann"))
    long_ago = utcnow().replace(year=2020)
    with database.unit() as db:
        db.execute(update(UserSession).values(dict.fromkeys(changes, long_ago)))

    assert answer("list-sessions") == []


def test_what_a_browser_calls_itself_is_escaped(run: Any, add_user: Any, open_session: Any) -> None:
    """A browser's name can't move the cursor of the operator's terminal."""
    open_session(add_user("ann"), "Evil \x1b[2J\u202e")

    assert run("list-sessions").stdout.endswith("Evil \\x1b[2J\\u202e\n")


def test_logout(run: Any, answer: Any, add_user: Any, open_session: Any, told: Any) -> None:
    """One user is logged out everywhere, the others stay."""
    ann = add_user("ann")
    open_session(ann)
    open_session(ann)
    open_session(add_user("bob"))

    result = run("logout", "ann")

    assert (result.exit_code, result.stdout) == (0, "ann was logged out; sessions ended: 2.\n")
    assert [row["username"] for row in answer("list-sessions")] == ["bob"]
    assert told() == [("sessions_ended", "ann", [["sessions", "2"]])]


def test_logout_all(run: Any, answer: Any, add_user: Any, open_session: Any, told: Any) -> None:
    """Everybody is logged out."""
    open_session(add_user("ann"))
    open_session(add_user("bob"))

    result = run("logout-all")

    assert (result.exit_code, result.stdout) == (0, "Everybody was logged out; sessions ended: 2.\n")
    assert answer("list-sessions") == []
    assert told() == [("sessions_ended", None, [["sessions", "2"]])]
