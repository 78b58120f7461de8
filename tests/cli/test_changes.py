from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from onegov_auth.accounts import Hooks
from onegov_auth.cli.operator import Operator
from onegov_auth.models import User

PASSWORD = "another password of some length"
SHORT = "Please use at least 15 characters, for example a few words that you remember easily."


@pytest.mark.sec("SESS-05")
def test_change_password(run: Any, add_user: Any, open_session: Any, find: Callable[[str], User], told: Any) -> None:
    """Another password works from now on, and whoever was logged in with the old one is out."""
    open_session(add_user("ann"))

    result = run("change-password", "ann", "--password", PASSWORD)

    assert (result.exit_code, result.stdout) == (0, "The password of ann was changed; sessions ended: 1.\n")
    assert find("ann").is_matching_password(PASSWORD)
    assert told() == [("password_changed", "ann", [["sessions", "1"]])]


def test_change_password_to_one_made_up(answer: Any, add_user: Any, find: Callable[[str], User]) -> None:
    """Without a password one is made up and told, once."""
    add_user("ann")

    told = answer("change-password", "ann", "--no-prompt")

    assert find("ann").is_matching_password(told["password"])


def test_change_password_says_what_it_made_up(run: Any, add_user: Any, find: Callable[[str], User]) -> None:
    """The sentence ends with the password that was made up."""
    add_user("ann")

    result = run("change-password", "ann", "--no-prompt")

    assert find("ann").is_matching_password(result.stdout.split()[-1])


def test_change_password_of_somebody_external(run: Any, add_user: Any, find: Callable[[str], User]) -> None:
    """Who comes from a directory has no password here, and gets none."""
    add_user("ann", source="staff", source_id="1", password_hash="")

    result = run("change-password", "ann", "--no-prompt")

    assert (result.exit_code, result.stderr) == (4, "Error: ann comes from staff and has no password here.\n")
    assert find("ann").password_hash == ""


def test_change_password_of_somebody_linked(run: Any, add_user: Any, find: Callable[[str], User]) -> None:
    """A local user who is linked to a provider keeps a local password, which can be changed."""
    add_user("ann", source="company", source_id="1")

    assert run("change-password", "ann", "--password", PASSWORD).exit_code == 0
    assert find("ann").is_matching_password(PASSWORD)


def test_change_password_to_a_short_one(run: Any, add_user: Any, find: Callable[[str], User], told: Any) -> None:
    """The settings' policy holds, and nothing changes."""
    add_user("ann")

    result = run("change-password", "ann", "--password", "short")

    assert (result.exit_code, result.stderr) == (4, f"Error: {SHORT}\n")
    assert find("ann").password_hash == "a hash"
    assert told() == []


@pytest.mark.parametrize(
    "command", ["change-password ann --no-prompt", "change-role ann admin", "change-username ann bob"]
)
def test_unknown_user(run: Any, command: str) -> None:
    """Nothing of somebody unknown can be changed."""
    result = run(*command.split())

    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "Error: There is no user ann.\n")


@pytest.mark.sec("SESS-05")
def test_change_role(run: Any, add_user: Any, open_session: Any, find: Callable[[str], User], told: Any) -> None:
    """Another role ends the sessions, and counts as given by hand: no group at a provider takes it away."""
    open_session(add_user("ann", role_origin="staff"))

    result = run("change-role", "ann", "editor")

    assert (result.exit_code, result.stdout) == (0, "ann was member and is editor now; sessions ended: 1.\n")
    user = find("ann")
    assert (user.role, user.role_origin) == ("editor", None)
    assert told() == [("role_changed", "ann", [["role", "member became editor"], ["sessions", "1"]])]


def test_change_role_to_the_same(run: Any, add_user: Any, open_session: Any, find: Callable[[str], User]) -> None:
    """The same role, given by hand, ends no session and is kept from now on."""
    open_session(add_user("ann", role_origin="staff"))

    result = run("change-role", "ann", "member")

    assert result.stdout == "ann is member already; from now on by hand.\n"
    assert find("ann").role_origin is None
    assert "ann:" in run("list-sessions").stdout


def test_change_role_to_an_unknown_one(run: Any, add_user: Any, find: Callable[[str], User]) -> None:
    """A role that the settings don't name is refused."""
    add_user("ann")

    result = run("change-role", "ann", "king")

    assert result.exit_code == 4
    assert result.stderr == "Error: There is no role king; there are admin, editor, supporter, member.\n"
    assert find("ann").role == "member"


@pytest.mark.parametrize(("role", "seen"), [("admin", ["ann is admin"]), ("member", [])])
def test_change_role_tells_the_application(run: Any, add_user: Any, monkeypatch: Any, role: str, seen: Any) -> None:
    """The application's ``on_rights_changed`` is called if they changed."""
    calls: list[str] = []
    hooks = Hooks(on_rights_changed=lambda _db, user, _client: calls.append(f"{user.username} is {user.role}"))
    monkeypatch.setattr(Operator, "hooks", hooks)
    add_user("ann")

    run("change-role", "ann", role)

    assert calls == seen


@pytest.mark.sec("SESS-05")
def test_change_username(run: Any, add_user: Any, open_session: Any, find: Any, told: Any, monkeypatch: Any) -> None:
    """A renamed user is logged out and found by the new name, and the application is told the old one."""
    calls: list[tuple[str, str]] = []
    hooks = Hooks(change_username_callback=lambda _db, user, old: calls.append((old, user.username)))
    monkeypatch.setattr(Operator, "hooks", hooks)
    open_session(add_user("ann@example.org"))

    result = run("change-username", "ann@example.org", "Ann.Bee@example.org")

    assert (result.exit_code, result.stdout) == (
        0,
        "ann@example.org is called ann.bee@example.org now; sessions ended: 1.\n",
    )
    assert find("ann@example.org") is None
    assert find("ann.bee@example.org").username_key == "ann.bee@example.org"
    assert calls == [("ann@example.org", "ann.bee@example.org")]
    steps = [["username", "ann@example.org became ann.bee@example.org"], ["sessions", "1"]]
    assert told() == [("username_changed", "ann.bee@example.org", steps)]


@pytest.mark.parametrize(
    ("new", "sentence"),
    [
        ("ANN", "ann is called that already."),
        ("bob", "There is a user bob already."),
        ("BOB", "There is a user BOB already."),
        ("", "That can't be a username: a username can't be empty."),
        ("a\x00", "That can't be a username: a username has no control characters and no lone surrogates."),
    ],
)
def test_change_username_to_what_it_cannot_be(run: Any, add_user: Any, find: Any, new: str, sentence: str) -> None:
    """The same name, a taken one and an impossible one are refused, each with its reason."""
    add_user("ann")
    add_user("bob")

    result = run("change-username", "ann", new)

    assert (result.exit_code, result.stderr) == (4, f"Error: {sentence}\n")
    assert find("ann") is not None


def test_change_username_of_somebody_external(run: Any, add_user: Any) -> None:
    """Who comes from a directory is renamed there."""
    add_user("ann", source="staff", source_id="1", password_hash="")

    result = run("change-username", "ann", "bob")

    assert (result.exit_code, result.stderr) == (4, "Error: ann comes from staff and is renamed there.\n")


def test_change_username_of_a_role_that_keeps_it(run: Any, add_user: Any) -> None:
    """Only the roles in ``change_username_roles`` can be renamed."""
    add_user("ann", role="guest")

    result = run("change-username", "ann", "bob")

    assert result.exit_code == 4
    assert result.stderr == "Error: ann is guest, whose names are not changed (change_username_roles).\n"


def test_another_password_may_have_to_be_changed(run: Any, add_user: Any, find: Any) -> None:
    """Whoever was told it chooses another one at the next login; a later change by command takes that back."""
    add_user("ann", email="ann@example.org", email_pending="new@example.org")
    change = ("change-password", "ann", "--no-prompt")
    assert run(*change, "--must-change").exit_code == 0
    assert (find("ann").pending_steps, find("ann").email_pending) == ("change_password", None)
    assert run(*change).exit_code == 0
    assert find("ann").pending_steps is None
