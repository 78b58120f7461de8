"""``unlock`` and ``purge-attempts``."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import click.testing
import pytest
from sqlalchemy import func, select

from onegov_auth.attempts import Attempt, Attempts, RedisCounters
from onegov_auth.cli import main
from onegov_auth.clock import utcnow
from onegov_auth.database import Database
from onegov_auth.domain import Client
from onegov_auth.models import AuthEvent, LoginAttempt
from onegov_auth.outcomes import Refused
from onegov_auth.settings import Secret
from onegov_auth.settings.session import Attempts as Budgets

CLIENT = Client(address="192.0.2.1")


@pytest.fixture(name="tries")
def _tries(database: Database) -> Attempts:
    return Attempts(database, Budgets.model_validate({"login": {"limit": 2}, "per_address": {"limit": 3}}))


def add(database: Database, days: int = 0, **values: Any) -> None:
    """An attempt of some days ago."""
    with database.unit() as db:
        known = {"attempt_type": "login", "user_input": "ann", "source_ip": "192.0.2.9", "is_during_lockout": False}
        db.add(LoginAttempt(**{**known, **values}, datetime_utc=utcnow() - timedelta(days=days), success=False))


def count(database: Database) -> int:
    """How many attempts there are."""
    with database.read() as db:
        return db.scalar(select(func.count()).select_from(LoginAttempt)) or 0


@pytest.mark.sec("RATE-08", "RATE-01")
def test_unlock_an_account(run: Any, answer: Any, add_user: Any, tries: Attempts, database: Database) -> None:
    """Who was locked out may try again at once, by every name; who did it is in the log of events."""
    add_user("ann", email="ann@example.org")
    for number, name in enumerate(("ann", "ann", "ann@example.org", "ann@example.org")):
        tries.admit("login", name, Client(address=f"198.51.100.{number}"), covert=True)
    for name in ("ann", "ann@example.org"):
        assert isinstance(tries.admit("login", name, CLIENT, covert=True), Refused)

    result = run("unlock", "Ann")
    assert (result.exit_code, result.stdout) == (0, "Forgave 4 failures of Ann.\n")
    assert isinstance(tries.admit("login", "ann", Client(address="192.0.2.3")), Attempt)
    assert isinstance(tries.admit("login", "ann@example.org", Client(address="192.0.2.3")), Attempt)
    with database.read() as db:
        event = db.scalars(select(AuthEvent)).one()
    assert (event.type, event.username, event.address) == ("unlocked", "ann", "cli")
    assert answer("unlock", "nobody", "--kind", "forgot") == {"failures": 0}


@pytest.mark.sec("RATE-08")
def test_unlock_an_address(run: Any, answer: Any, tries: Attempts) -> None:
    """An address that is locked may try again at once; names stay as they are."""
    for name in ("ann", "ann", "bob"):
        tries.admit("login", name, CLIENT)
    assert isinstance(tries.admit("login", "eve", CLIENT), Refused)

    assert answer("unlock", "--address", CLIENT.address, "--kind", "login") == {"failures": 3}
    assert isinstance(tries.admit("login", "eve", CLIENT), Attempt)
    assert isinstance(tries.admit("login", "ann", CLIENT), Refused)
    assert run("unlock").exit_code == 2


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_unlock_in_redis(tries: Attempts, database: Database, redis_url: str, tmp_path: Path) -> None:
    """Where Redis counts, the command unlocks there."""
    config = tmp_path / "auth.yml"
    config.write_text(
        f"base_url: https://app.example.org\ndatabase: {database.engine.url}\nredis: {redis_url}\n"
        "secrets: [a secret for tests only of 32 and more]\nattempts: {login: {limit: 2}}\n"
    )
    counters = RedisCounters.from_url(Secret(redis_url), "main/app")
    shared = Attempts(database, Budgets.model_validate({"login": {"limit": 2}}), counters=counters)
    for _ in range(2):
        shared.admit("login", "ann", CLIENT)
    assert isinstance(shared.admit("login", "ann", CLIENT), Refused)

    result = click.testing.CliRunner().invoke(main, ["--config", str(config), "unlock", "ann"])

    assert result.exit_code == 0, result.output
    assert isinstance(shared.admit("login", "ann", CLIENT), Attempt)


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        ((), 0),
        (("--username", "ANN "), 1),
        (("--older-than", "7"), 3),
        (("--attempt-type", "recovery"), 3),
        (("--attempt-type", "forgot"), 3),
        (("--attempt-type", "reset", "--username", "bob"), 4),
        (("--username", "ann", "--older-than", "7", "--attempt-type", "login"), 3),
    ],
)
def test_purge_attempts(answer: Any, database: Database, arguments: tuple[str, ...], left: int) -> None:
    """Attempts go by name, age in days and kind, as in the second seed, whose kinds are understood."""
    add(database)
    add(database, days=8)
    add(database, attempt_type="recovery")
    add(database, user_input="bob")

    assert answer("purge-attempts", *arguments) == {"deleted": 4 - left}
    assert count(database) == left


def test_what_was_purged_is_told(run: Any, database: Database) -> None:
    """The sentence says how many, the log of events which."""
    add(database)
    assert run("purge-attempts", "--username", "ann").stdout == "Deleted 1 attempts.\n"
    with database.read() as db:
        event = db.scalars(select(AuthEvent)).one()
    assert (event.type, event.steps) == (
        "attempts_purged",
        [["username", "ann"], ["deleted", "1"]],
    )


def test_a_kind_that_is_none(run: Any) -> None:
    """A slip of the pen deletes and unlocks nothing."""
    assert run("purge-attempts", "--attempt-type", "logins").exit_code == 2
    assert run("unlock", "ann", "--kind", "logins").exit_code == 2
