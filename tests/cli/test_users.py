from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from onegov_auth.accounts import Hooks
from onegov_auth.cli.operator import Operator
from onegov_auth.clock import utcnow
from onegov_auth.database import Database
from onegov_auth.models import AuthEvent, User, UserSession

PAST = datetime(2000, 1, 1, tzinfo=UTC)


def test_exists(run: Callable[..., Any], add_user: Callable[..., User]) -> None:
    """Somebody who is there exists, however the name is written."""
    add_user("ann@example.org")

    result = run("exists", "Ann@Example.org")

    assert (result.exit_code, result.stdout) == (0, "Ann@Example.org exists.\n")


def test_exists_not(run: Callable[..., Any]) -> None:
    """Somebody unknown doesn't exist, which is exit code 1 and no error."""
    result = run("exists", "nobody@example.org")

    assert (result.exit_code, result.stdout, result.stderr) == (1, "nobody@example.org does not exist.\n", "")


def test_exists_as_json(run: Callable[..., Any]) -> None:
    """The JSON says the same as the exit code."""
    result = run("exists", "nobody", "--json")

    assert result.exit_code == 1
    assert result.stdout == '{\n  "username": "nobody",\n  "exists": false\n}\n'


def test_list(run: Callable[..., Any], add_user: Callable[..., User]) -> None:
    """A list has a sign for who may log in, the name and the role, sorted."""
    add_user("bob", active=False)
    add_user("ann", "admin")

    assert run("list").stdout == "✔ ann [admin]\n✘ bob [member]\n"


def test_list_disabled_by_date(run: Callable[..., Any], add_user: Callable[..., User]) -> None:
    """Somebody whose date is past may not log in; one to come changes nothing."""
    add_user("ann", disabled_utc=PAST)
    add_user("bob", disabled_utc=utcnow() + timedelta(days=1))

    assert run("list").stdout == "✘ ann [member]\n✔ bob [member]\n"
    assert run("list", "--active-only").stdout == "✔ bob [member]\n"
    assert run("list", "--inactive-only").stdout == "✘ ann [member]\n"


@pytest.mark.parametrize(
    ("option", "line"), [("--active-only", "✔ ann [admin]\n"), ("--inactive-only", "✘ bob [member]\n")]
)
def test_list_some(run: Callable[..., Any], add_user: Callable[..., User], option: str, line: str) -> None:
    """A list can be of those who may log in, or of those who may not."""
    add_user("ann", "admin")
    add_user("bob", active=False)

    assert line == run("list", option).stdout


def test_list_of_nobody_twice(run: Callable[..., Any]) -> None:
    """Nobody is both active and inactive: that is a wrong command line."""
    result = run("list", "--active-only", "--inactive-only")

    assert result.exit_code == 2
    assert "exclude each other" in result.stderr


def test_list_sources(run: Callable[..., Any], add_user: Callable[..., User]) -> None:
    """Where people come from is part of the list if it is asked for."""
    add_user("ann", source="staff", source_id="7")
    add_user("bob")

    assert run("list", "--sources").stdout == "✔ ann [member] {staff}\n✔ bob [member] {local}\n"


def test_list_as_json(answer: Callable[..., Any], add_user: Callable[..., User]) -> None:
    """The JSON of a list has everything that may be known of a user, and no hash."""
    add_user("ann", realname="Ann Ä")

    assert answer("list") == [
        {"username": "ann", "role": "member", "active": True, "realname": "Ann Ä", "source": None, "source_id": None}
    ]


def test_list_escapes_what_moves_the_cursor(run: Callable[..., Any], add_user: Callable[..., User]) -> None:
    """A role that somebody wrote with control characters is printed with escapes."""
    add_user("ann", role="\x1b[2Jmember")

    assert run("list").stdout == "✔ ann [\\x1b[2Jmember]\n"


def test_delete(run: Callable[..., Any], add_user: Callable[..., User], told: Callable[[], Any], find: Any) -> None:
    """A deleted user is gone, the event stays."""
    add_user("ann")

    result = run("delete", "ann", "--yes")

    assert (result.exit_code, result.stdout) == (0, "ann was deleted.\n")
    assert find("ann") is None
    assert told() == [("deleted", "ann", [])]


@pytest.mark.usefixtures("terminal")
def test_delete_asks(run: Callable[..., Any], add_user: Callable[..., User], find: Any) -> None:
    """Nobody is deleted by somebody who says no."""
    add_user("ann")

    result = run("delete", "ann", typed="n\n")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith("Error: Nothing was deleted.\n")
    assert find("ann") is not None


def test_delete_without_a_terminal(run: Any, add_user: Callable[..., User], find: Any) -> None:
    """Where nobody can be asked, nothing is deleted, and the sentence says what to give."""
    add_user("ann")

    result = run("delete", "ann", typed="y\n")

    assert (result.exit_code, result.output) == (2, "Error: There is no terminal to ask on: give --yes.\n")
    assert find("ann") is not None


@pytest.mark.usefixtures("terminal")
def test_delete_after_a_yes(run: Callable[..., Any], add_user: Callable[..., User], find: Any) -> None:
    """Who says yes means it."""
    add_user("ann")

    assert run("delete", "ann", typed="y\n").exit_code == 0
    assert find("ann") is None


@pytest.mark.parametrize("command", ["delete ann", "delete ann --yes", "activate ann", "deactivate ann"])
def test_unknown_user(run: Callable[..., Any], told: Callable[[], Any], command: str) -> None:
    """Nothing can be done to somebody who isn't there: exit code 1, a sentence, no question, no event."""
    result = run(*command.split())

    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "Error: There is no user ann.\n")
    assert told() == []


def test_deactivate(
    run: Callable[..., Any], add_user: Callable[..., User], open_session: Any, told: Any, find: Any
) -> None:
    """Somebody who is deactivated is out everywhere, in the same moment."""
    user = add_user("ann")
    open_session(user)
    open_session(user)

    result = run("deactivate", "ann")

    assert (result.exit_code, result.stdout) == (0, "ann was deactivated; sessions ended: 2.\n")
    assert find("ann").active is False
    assert told() == [("deactivated", "ann", [["sessions", "2"]])]


def test_deactivate_removes_the_sessions(run: Any, database: Database, add_user: Any, open_session: Any) -> None:
    """No row of a deactivated user's sessions is left, another one's are."""
    ann, bob = add_user("ann"), add_user("bob")
    open_session(ann)
    open_session(bob)

    run("deactivate", "ann")

    with database.read() as db:
        assert [bob.id] == db.scalars(select(UserSession.user_id)).all()


def test_deactivate_twice(
    run: Callable[..., Any], add_user: Callable[..., User], told: Callable[[], Any], inactive: dict[str, Any]
) -> None:
    """Somebody who is inactive already stays so, and nothing is told."""
    add_user("ann", **inactive)

    result = run("deactivate", "ann")

    assert (result.exit_code, result.stdout) == (0, "ann is inactive already.\n")
    assert told() == []


def test_activate(
    answer: Callable[..., Any], add_user: Callable[..., User], told: Callable[[], Any], find: Any, inactive: Any
) -> None:
    """Somebody who is activated may log in again."""
    add_user("ann", **inactive)

    assert answer("activate", "ann") == {"username": "ann", "active": True, "changed": True}
    assert (find("ann").active, find("ann").disabled_utc) == (True, None)
    assert told() == [("activated", "ann", [])]


def test_activate_twice(run: Callable[..., Any], add_user: Callable[..., User], told: Callable[[], Any]) -> None:
    """Somebody who is active already stays so, and nothing is told."""
    add_user("ann")

    assert run("activate", "ann").stdout == "ann is active already.\n"
    assert told() == []


@pytest.mark.parametrize("active", [True, False])
def test_deactivate_tells_the_application(
    run: Any, add_user: Any, monkeypatch: pytest.MonkeyPatch, active: bool
) -> None:
    """The application's ``on_deactivate`` is called with somebody who was active, and only then."""
    seen: list[tuple[str, bool, str]] = []
    hooks = Hooks(on_deactivate=lambda _db, user, client: seen.append((user.username, user.active, client.address)))
    monkeypatch.setattr(Operator, "hooks", hooks)
    add_user("ann", active=active)

    run("deactivate", "ann")

    assert ([("ann", False, "cli")] if active else []) == seen


def test_hook_that_fails_undoes_everything(
    run: Any, database: Database, add_user: Any, monkeypatch: Any, find: Any
) -> None:
    """When the application's hook fails, nobody is deactivated and nothing is told: all or nothing."""

    def fail(*_arguments: object) -> None:
        raise RuntimeError("the application is broken")

    monkeypatch.setattr(Operator, "hooks", Hooks(on_deactivate=fail))
    add_user("ann")

    result = run("deactivate", "ann")

    assert (result.exit_code, result.stderr) == (4, "Error: RuntimeError: the application is broken\n")
    assert find("ann").active is True
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(AuthEvent)) == 0
