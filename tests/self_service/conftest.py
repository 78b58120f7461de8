"""What tests of self-service need: mails that arrived and the links in them, somebody who is logged in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import event, select

from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import Client, Identity
from onegov_auth.models import AuthEvent, User
from onegov_auth.outcomes import LoggedIn

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Mail:
    """A mail that arrived."""

    to: str
    subject: str
    text: str

    @property
    def query(self) -> Mapping[str, str]:
        """What the link in it carries."""
        queries = [urlsplit(url).query for url in re.findall(r"https://[^\s<>\"]+", self.text)]
        return {key: values[0] for query in queries for key, values in parse_qs(query).items()}

    @property
    def token(self) -> str:
        """The token of the link."""
        (token,) = self.query.values()
        return token


@pytest.fixture(name="mails")
def _mails(tmp_path: Path) -> Callable[[Auth], list[Mail]]:
    """``mails(auth)`` delivers what waits, and returns what has not been looked at yet, by receiver."""
    seen: set[Path] = set()

    def deliver(auth: Auth) -> list[Mail]:
        auth.mailer.deliver()
        new = sorted(set((tmp_path / "mail" / "new").glob("*")) - seen)
        seen.update(new)
        return sorted((_read(path) for path in new), key=lambda mail: mail.to)

    return deliver


def _read(path: Path) -> Mail:
    message = message_from_bytes(path.read_bytes(), policy=default)
    assert isinstance(message, EmailMessage)
    body = message.get_body(("plain",))
    assert body is not None
    return Mail(str(message["To"]), str(message["Subject"]), body.get_content())


@pytest.fixture(name="form")
def _form() -> Callable[..., Any]:
    """``form("ann@example.org")`` is what somebody typed, in the shape of a form."""

    def form(username: str, password: str = PASSWORD, **more: str) -> Any:
        fields = {"username": username, "password": password, **more}
        return SimpleNamespace(**{name: SimpleNamespace(data=value) for name, value in fields.items()})

    return form


@pytest.fixture(name="log_in")
def _log_in(client: Client) -> Callable[..., Identity]:
    """``log_in(auth, "ann")`` is the session of a login."""

    def log_in(auth: Auth, username: str = "ann", password: str = PASSWORD) -> Identity:
        outcome = auth.login(username, password, client)
        assert isinstance(outcome, LoggedIn), outcome
        found = auth.sessions.lookup(outcome.token)
        assert found is not None
        return found

    return log_in


@pytest.fixture(name="one")
def _one(database: Database) -> Callable[..., User]:
    """``one(username="ann")`` is the one user like that, as the table has it now."""

    def one(**filters: Any) -> User:
        with database.read() as db:
            user = db.scalars(select(User).filter_by(**filters)).one()
            assert user.data is not None
            return user

    return one


@pytest.fixture(name="told")
def _told(database: Database) -> Callable[[], list[tuple[str, str | None]]]:
    """``told()`` is the type and code of every event so far."""

    def told() -> list[tuple[str, str | None]]:
        with database.read() as db:
            return [(row.type, row.code) for row in db.scalars(select(AuthEvent).order_by(AuthEvent.id))]

    return told


@pytest.fixture(name="statements")
def _statements(database: Database) -> Callable[..., list[str]]:
    """``statements(call)`` is the kind and table of every statement that *call* runs."""

    def statements(call: Callable[[], object]) -> list[str]:
        seen: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
            words = statement.replace('"', "").split()
            table = words[words.index("FROM") + 1] if "FROM" in words else " ".join(words[1:3])
            seen.append(f"{words[0]} {table}")

        event.listen(database.engine, "before_cursor_execute", note)
        call()
        event.remove(database.engine, "before_cursor_execute", note)
        return sorted(line for line in seen if "SAVEPOINT" not in line)

    return statements
