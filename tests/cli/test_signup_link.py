"""``onegov-auth signup-link``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click.testing
import pytest
from sqlalchemy import select

from onegov_auth.cli import main
from onegov_auth.collections import UserGroupCollection
from onegov_auth.database import Database
from onegov_auth.models import SignupLink, User

Run = Callable[..., click.testing.Result]
SECRET = "a secret for tests only, of more than 32 characters"


@pytest.fixture(name="run")
def _run(database: Database, tmp_path: Path) -> Run:
    """Calls the command with settings: a link has to be signed."""
    url = database.engine.url.render_as_string(hide_password=False)
    settings = {"base_url": "https://app.example.org", "database": url, "secrets": [SECRET]}
    (tmp_path / "auth.yml").write_text(json.dumps(settings))

    def run(*arguments: str) -> click.testing.Result:
        return click.testing.CliRunner().invoke(main, ["--config", str(tmp_path / "auth.yml"), *arguments])

    return run


def test_a_link_is_printed_once(run: Run, database: Database, told: Any) -> None:
    """The address is all that is printed; the table has no token, and the event no more than its id."""
    with database.unit() as db:
        UserGroupCollection(db).add(name="club")
    link = ("editor", "--max-age", "1w", "--max-uses", "7", "--group", "club", "--domain", "Example.org")
    result = run("signup-link", *link)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("https://app.example.org/auth/register?token=")
    with database.read() as db:
        row = db.scalars(select(SignupLink)).one()
        assert (row.role, row.max_uses, row.domain, row.group_id is not None) == ("editor", 7, "example.org", True)
        assert (row.expires - row.created).days == 7
    assert told() == [("signup_link", None, [["link", str(row.id)], ["role", "editor"], ["uses", "7"]])]


def test_links_are_listed_and_revoked(run: Run, answer: Any, told: Any) -> None:
    """One that is revoked says so, and can't be revoked again."""
    made = json.loads(run("signup-link", "member", "--domain", "example.org", "--json").stdout)
    assert made["url"].endswith(made["token"])
    result = run("signup-link", "--list")
    assert result.stdout.startswith(f"{made['id']} member 0/1 until ")
    assert result.stdout.endswith(" @example.org\n")
    assert run("signup-link", "--revoke", made["id"]).exit_code == 0
    assert run("signup-link", "--list").stdout.endswith(" @example.org revoked\n")
    (row,) = answer("signup-link", "--list")
    assert row["id"] == made["id"]
    assert (row["group"], row["made_by"], row["people"]) == (None, None, [])
    again = run("signup-link", "--revoke", made["id"])
    assert (again.exit_code, again.stderr) == (1, f"Error: There is no signup link {made['id']} in force.\n")
    assert run("signup-link", "--revoke", "nonsense").exit_code == 1
    assert [type_ for type_, *_ in told()] == ["signup_link", "signup_link_revoked"]


def test_a_list_says_by_whom_and_who_came(run: Run, answer: Any, database: Database) -> None:
    """The maker and the group on the line, the people in JSON."""
    with database.unit() as db:
        UserGroupCollection(db).add(name="club")
        maker = User(username="maker", password_hash="", role="admin")
        db.add(maker)
    run("signup-link", "member", "--group", "club")
    with database.unit() as db:
        link = db.scalars(select(SignupLink)).one()
        link.made_by = maker.id
        db.add(User(username="guest", password_hash="", role="member", signup_token=link.token_hash))
    assert run("signup-link", "--list").stdout.endswith(" group club by maker\n")
    (row,) = answer("signup-link", "--list")
    assert (row["group"], row["made_by"], row["people"]) == ("club", "maker", ["guest"])


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        ([], 2, "Name a role"),
        (["member", "--list"], 2, "Name a role"),
        (["nobody"], 4, "nobody"),
        (["anonymous"], 4, "no role anonymous"),
        (["member", "--group", "club"], 1, "no group club"),
        (["member", "--max-age", "400d"], 4, "a year at most"),
        (["member", "--max-uses", "0"], 2, "max-uses"),
    ],
)
def test_what_makes_no_sense_is_refused(run: Run, arguments: list[str], code: int, sentence: str) -> None:
    """With a sentence that says why, and no link."""
    result = run("signup-link", *arguments)
    assert (result.exit_code, sentence in result.stderr) == (code, True), result.stderr
    assert run("signup-link", "--list").stdout == ""


def test_two_groups_of_one_name_are_told_apart_by_nobody(run: Run, database: Database) -> None:
    """Nobody is put into the wrong one."""
    with database.unit() as db:
        UserGroupCollection(db).add(name="club")
        UserGroupCollection(db).add(name="club")
    result = run("signup-link", "member", "--group", "club")
    assert (result.exit_code, result.stderr) == (1, "Error: There are several groups club.\n")


def test_a_database_alone_signs_no_link(database: Database) -> None:
    """Without the settings there is no secret that anybody would know again."""
    url = database.engine.url.render_as_string(hide_password=False)
    result = click.testing.CliRunner().invoke(main, ["--dsn", url, "signup-link", "member"])
    assert result.exit_code == 3
    assert "--config" in result.stderr
