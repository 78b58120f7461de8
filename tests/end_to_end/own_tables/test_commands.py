"""The commands work on the tables of the application that ``--app`` names."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click.testing
import pytest
import yaml
from sqlalchemy import inspect

from onegov_auth.cli import main
from onegov_auth.domain import Client
from onegov_auth.testing.people import PASSWORD, find_user, open_session

Answer = Callable[..., Any]


@pytest.fixture(name="answer")
def _answer(application: Any, application_url: str, tmp_path: Path, staff_app: Any) -> Answer:
    """``answer("list")`` calls the command with the host's settings, and returns what it says."""
    config = tmp_path / "auth.yml"
    secret = [secret.reveal() for secret in application.auth.settings.secrets]
    values = {"base_url": "https://app.example.org", "database": application_url, "secrets": secret}
    config.write_text(yaml.safe_dump(values | {"mail": {"url": f"maildir:{tmp_path}/mail"}}))

    def answer(*arguments: str) -> Any:
        common = ["--config", str(config), "--app", "staff_app:App", "--json"]
        result = click.testing.CliRunner().invoke(main, [*common, *arguments])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return answer


def test_users_are_the_hosts(answer: Answer, application: Any, staff_app: Any) -> None:
    """Added, found, listed, changed and deleted, all in the host's own table."""
    added = answer("add", "member", "ann@example.org", "--no-prompt", "--password", PASSWORD, "--realname", "Ann")

    ann = find_user(application, "ann@example.org")
    assert isinstance(ann, staff_app.Employee)
    assert (added["id"], ann.id, ann.realname) == ("1", 1, "Ann")
    assert answer("exists", "ann@example.org")["exists"]
    assert [row["username"] for row in answer("list")] == ["ann@example.org"]
    answer("change-role", "ann@example.org", "editor")
    answer("change-username", "ann@example.org", "anna@example.org")
    answer("deactivate", "anna@example.org")
    anna = find_user(application, "anna@example.org")
    assert (anna.role, anna.email, anna.is_active) == ("editor", "anna@example.org", False)
    answer("activate", "anna@example.org")
    assert answer("delete", "anna@example.org", "--yes")["deleted"]
    assert find_user(application, "anna@example.org") is None


def test_sessions_are_the_hosts(answer: Answer, application: Any) -> None:
    """They are listed by name, and ended."""
    answer("add", "member", "ann@example.org", "--no-prompt", "--password", PASSWORD)
    open_session(application, "ann@example.org", Client(address="192.0.2.1"))

    assert [row["username"] for row in answer("list-sessions", "ann@example.org")] == ["ann@example.org"]
    assert answer("change-password", "ann@example.org", "--password", "eleven quiet otters under it")["sessions"] == 1
    open_session(application, "ann@example.org", Client(address="192.0.2.1"))
    assert answer("logout", "ann@example.org")["sessions"] == 1
    assert answer("logout-all")["sessions"] == 0


def test_rights_are_the_hosts(answer: Answer, application: Any, staff_app: Any) -> None:
    """A permission is given and taken away in the host's tables."""
    answer("add", "member", "ann@example.org", "--no-prompt", "--password", PASSWORD)

    answer("grant", "ann@example.org", "--permission", "payroll.read")
    with application.auth.database.read() as db:
        ann = application.auth.users(db).by_username("ann@example.org")
        assert [row.token for row in ann.permissions] == ["payroll.read"]
        assert ann.get_all_permission_tokens() == {"payroll.read"}
    answer("withdraw", "ann@example.org", "--permission", "payroll.read")
    with application.auth.database.read() as db:
        assert application.auth.users(db).by_username("ann@example.org").permissions == []


@pytest.mark.parametrize("command", [["cleanup"], ["deliver"], ["rotate-keys"], ["check", "local"]])
def test_the_rest_works_as_well(answer: Answer, command: list[str]) -> None:
    """Whatever looks through tables looks through the host's."""
    assert answer(*command) is not None


def test_no_table_of_ours_is_made(answer: Answer, application: Any) -> None:
    """What the host named otherwise has no other table beside it."""
    answer("list")
    tables = set(inspect(application.auth.database.engine).get_table_names())

    assert {"employees", "teams", "abilities", "kits", "knocks"} <= tables
    assert not {"users", "groups", "permissions", "bundles", "login_attempts"} & tables
