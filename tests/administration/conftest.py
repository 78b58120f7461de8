"""Somebody who administers, somebody who is looked after, and what was written of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import Client, Identity
from onegov_auth.models import AuthEvent, User
from onegov_auth.outcomes import LoggedIn

PASSWORD = "correct horse battery staple"


@dataclass
class Office:
    """The application, and who works in it."""

    auth: Auth
    database: Database
    client: Client
    add: Callable[..., User]
    maildir: Path

    def person(self, username: str, role: str = "member", **values: Any) -> Any:
        """Add somebody; returns the key."""
        return self.add(username, role=role, **values).id

    def session(self, username: str) -> Identity:
        """A session of somebody."""
        outcome = self.auth.login(username, PASSWORD, self.client)
        assert isinstance(outcome, LoggedIn), outcome
        found = self.auth.sessions.lookup(outcome.token)
        assert found is not None
        return found

    def user(self, username: str) -> User | None:
        """Somebody, as the table has them now."""
        with self.database.read() as db:
            user = self.auth.users(db).by_username(username)
            if user is not None:
                _loaded = (user.data, user.groups, user.permissions, user.bundles, user.factors)
            return user

    def events(self, *types: str) -> list[tuple[str, str | None, str | None, dict[str, str]]]:
        """Type, code, whom it is about and what is said of every event of these types."""
        with self.database.read() as db:
            rows = db.scalars(select(AuthEvent).order_by(AuthEvent.id)).all()
            return [
                (row.type, row.code, row.username, dict(row.steps)) for row in rows if not types or row.type in types
            ]

    def mails(self) -> list[str]:
        """What is mailed: receiver and text of each."""
        self.auth.mailer.deliver()
        arrived = sorted((self.maildir / "new").glob("*"), key=lambda path: path.stat().st_mtime_ns)
        found: list[Any] = [message_from_bytes(path.read_bytes(), policy=default) for path in arrived]
        return [f"{mail['To']}\n{mail.get_body(('plain',)).get_content()}" for mail in found]


@pytest.fixture(name="make_office")
def _make_office(make_auth: Any, database: Any, client: Any, add: Any, tmp_path: Any) -> Callable[..., Office]:
    """Make the application, with an administrator called "root"."""

    def make(*providers: Any, **changes: Any) -> Office:
        office = Office(make_auth(*providers, **changes), database, client, add, tmp_path / "mail")
        office.person("root@example.org", "admin")
        return office

    return make


@pytest.fixture(name="office")
def _office(make_office: Callable[..., Office]) -> Office:
    """The application with local accounts."""
    return make_office()


@pytest.fixture(name="root")
def _root(office: Office) -> Identity:
    """The session of the administrator."""
    return office.session("root@example.org")
