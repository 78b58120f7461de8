from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click.testing
import pytest
import yaml
from sqlalchemy import select

from onegov_auth.cli import main
from onegov_auth.database import Database
from onegov_auth.models import ApiToken, AuthEvent, PermissionRow


@pytest.fixture(name="configured")
def _configured(database: Database, tmp_path: Path) -> Callable[..., click.testing.Result]:
    """Call a command with settings."""
    path = tmp_path / "auth.yml"
    url = database.engine.url.render_as_string(hide_password=False)
    secret = "a secret for tests only, of more than 32 characters"
    tokens = {"api": {"expires": "90d", "prefix": "town"}}
    mapping = {"base_url": "https://app.example.org", "database": url, "secrets": [secret], "tokens": tokens}
    path.write_text(yaml.safe_dump(mapping))

    def run(*arguments: str) -> click.testing.Result:
        return click.testing.CliRunner().invoke(main, ["--config", str(path), *arguments])

    return run


@pytest.mark.sec("TOK-01", "TOK-08")
def test_a_token_is_made_listed_and_revoked(configured: Any, add_user: Any, database: Database) -> None:
    """It is printed once, stands in no list and no event, and is gone when it is revoked."""
    add_user("ann")
    scope = ("--scope", "invoices.read", "--scope", "Personal")
    made = json.loads(configured("create-token", "ann", "--name", "Backup", *scope, "--json").stdout)
    listed = configured("list-tokens", "ann")
    (row,) = json.loads(configured("list-tokens", "ann", "--json").stdout)

    assert made["token"].startswith("town_")
    assert made["token"] not in listed.output + str(row)
    assert "Backup (Personal invoices.read) [ends " in listed.stdout
    assert "never used" in listed.stdout
    assert row["scope"] == ["Personal", "invoices.read"]
    assert "The token Backup is revoked." in configured("revoke-token", row["id"]).stdout
    with database.read() as db:
        assert db.scalars(select(ApiToken)).all() == []
        events = db.scalars(select(AuthEvent).order_by(AuthEvent.created)).all()
    assert [event.type for event in events] == ["api_token_created", "api_token_revoked"]
    assert made["token"] not in str([event.steps for event in events])


def test_a_permission_that_nobody_declared(configured: Any, add_user: Any, database: Database) -> None:
    """A scope with a typing error is pointed out; the token is made, for it is good for less and not for more."""
    add_user("ann")
    with database.unit() as db:
        db.add(PermissionRow(token="invoices.read"))
    made = configured("create-token", "ann", "--name", "a", "--scope", "invoices.raed", "--scope", "invoices.read")
    right = configured("create-token", "ann", "--name", "b", "--scope", "invoices.read", "--scope", "Secret")

    assert (made.exit_code, right.exit_code) == (0, 0)
    assert made.stderr == "There is no permission invoices.raed yet: is it spelled like that?\n"
    assert right.stderr == ""


@pytest.mark.sec("TOK-04")
def test_a_token_ends(configured: Any, add_user: Any, database: Database) -> None:
    """After the time that was asked for, and never later than the settings say."""
    add_user("ann")
    for expires in ((), ("--expires", "7d"), ("--expires", "900d")):
        assert configured("create-token", "ann", "--name", "x", *expires).exit_code == 0
    with database.read() as db:
        ages = [round((row.expires - row.created).total_seconds() / 86400) for row in db.scalars(select(ApiToken))]
    assert sorted(ages) == [7, 90, 90]


def test_what_does_not_work(configured: Any, run: Any, add_user: Any) -> None:
    """No such user, no such token, no name, no settings, no time: each has its sentence and its exit code."""
    add_user("ann")
    nobody = "6b1f8a52-3c57-4b9e-9d0c-5d7a5a3f1e11"

    assert configured("create-token", "bob", "--name", "x").exit_code == 1
    assert configured("list-tokens", "bob").exit_code == 1
    assert configured("revoke-token", nobody).exit_code == 1
    assert configured("create-token", "ann", "--name", " ").exit_code == 2
    assert configured("create-token", "ann", "--name", "x", "--expires", "soon").exit_code == 2
    assert run("create-token", "ann", "--name", "x").exit_code == 3


def test_there_is_an_end_to_it(configured: Any, add_user: Any, database: Database) -> None:
    """So many tokens of one user and no more; the list says which were used."""
    user = add_user("ann")
    with database.unit() as db:
        for number in range(50):
            row = ApiToken(user_id=user.id, key=str(number), token_hash="", name="old")
            row.created = row.expires = row.last_used = user.created
            db.add(row)

    assert "too many tokens" in configured("create-token", "ann", "--name", "x").output
    assert "last used" in configured("list-tokens", "ann").stdout
