"""What the tests of the commands share: running one on this test's database, users, sessions, what was told."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import click.testing
import pytest
from sqlalchemy import select

from onegov_auth.cli import main
from onegov_auth.database import Database
from onegov_auth.domain import AuthnContext, Client, UserInfo, VerifiedIdentity
from onegov_auth.keys import Keys
from onegov_auth.models import AuthEvent, User
from onegov_auth.sessions import Sessions
from onegov_auth.settings import Secret
from onegov_auth.settings.session import Sessions as Limits

Run = Callable[..., click.testing.Result]


@pytest.fixture(name="run")
def _run(database: Database) -> Run:
    """``run("exists", "ann")`` calls the command on this test's database."""
    url = database.engine.url.render_as_string(hide_password=False)

    def run(*arguments: str, typed: str | None = None) -> click.testing.Result:
        return click.testing.CliRunner().invoke(main, ["--dsn", url, *arguments], input=typed)

    return run


@pytest.fixture(name="terminal")
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """What click's runner types is typed on a terminal."""
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _self: True, raising=False)


@pytest.fixture(name="answer")
def _answer(run: Run) -> Callable[..., Any]:
    """``answer("list")`` calls the command with ``--json``, makes sure that it worked, and returns what it said."""

    def answer(*arguments: str) -> Any:
        result = run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return answer


@pytest.fixture(name="add_user")
def _add_user(database: Database) -> Callable[..., User]:
    """``add_user("ann", role="admin")`` puts a user into the table, without a command and without a slow hash."""

    def add_user(username: str, role: str = "member", **attributes: Any) -> User:
        with database.unit() as db:
            user = User(**{"username": username, "role": role, "password_hash": "a hash", **attributes})
            db.add(user)
        return user

    return add_user


@pytest.fixture(name="open_session")
def _open_session(database: Database) -> Callable[..., str]:
    """``open_session(user)`` opens a session for that user and returns its token."""
    sessions = Sessions(database, Limits(), Keys([Secret("for tests only")], "main/app"), application="main/app")

    def open_session(user: User, agent: str = "A Browser", *, hint: str | None = None) -> str:
        identity = VerifiedIdentity(
            source="company",
            issuer=None,
            source_id="1",
            username=user.username,
            authn=AuthnContext(logout_hint=hint),
        )
        with database.unit() as db:
            who = UserInfo(id=user.id, username=user.username, role=user.role)
            token, _ = sessions.open(db, who, identity, Client(address="192.0.2.7", user_agent=agent))
        return token

    return open_session


@pytest.fixture(name="told")
def _told(database: Database) -> Callable[[], list[tuple[str, str | None, Sequence[Any]]]]:
    """``told()`` is every event so far: type, username, steps."""

    def told() -> list[tuple[str, str | None, Sequence[Any]]]:
        with database.read() as db:
            rows = db.scalars(select(AuthEvent).order_by(AuthEvent.id)).all()
            return [(row.type, row.username, [list(step) for step in row.steps]) for row in rows]

    return told


@pytest.fixture(name="find")
def _find(database: Database) -> Callable[[str], User | None]:
    """``find("ann")`` is the user of that name as the table has it now."""

    def find(username: str) -> User | None:
        with database.read() as db:
            return db.scalar(select(User).filter_by(username=username))

    return find
