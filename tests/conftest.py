"""What many tests of the core need: settings, a cheap hash, an ``Auth`` on both databases."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

from onegov_auth.database import Database
from onegov_auth.domain import Client
from onegov_auth.mail.background import Background
from onegov_auth.models import User
from onegov_auth.passwords import Hasher
from onegov_auth.providers import ProviderSettings
from onegov_auth.settings import Settings, settings_from
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.providers import KnownIssuer, KnownPeople, person

if TYPE_CHECKING:
    from onegov_auth.auth import Auth

PASSWORD = "correct horse battery staple"
BLOCK = ProviderSettings(kind="known-people", roles={"member": ("*",)})
DORA = person("staff", "id-dora", "dora@example.org", realname="Dora", groups=frozenset({"staff"}))
SECRET = "a secret for tests only, of more than 32 characters"


@pytest.fixture(name="hasher")
def _hasher() -> Hasher:
    """Hashes at a cost that suits tests."""
    return Hasher.cheap()


@pytest.fixture(name="make_settings")
def _make_settings() -> Callable[..., Settings]:
    def make(**changes: Any) -> Settings:
        raw: dict[str, Any] = {
            "base_url": "https://app.example.org",
            "database": "sqlite://",
            "secrets": [SECRET],
        }
        return settings_from({**raw, **changes})

    return make


@pytest.fixture(name="client")
def _client() -> Client:
    return Client(address="192.0.2.1", user_agent="A Browser", request_id="r-1", browser="browser-one")


@pytest.fixture(name="make_auth")
def _make_auth(
    database: Database,
    clock: FakeClock,
    hasher: Hasher,
    make_settings: Callable[..., Settings],
    tmp_path: Path,
) -> Callable[..., Auth]:
    def make(*providers: Any, hooks: Any = None, factors: Any = None, **changes: Any) -> Auth:
        from onegov_auth.auth import Auth  # noqa: PLC0415 - only tests that ask for it load it

        auth = Auth(
            make_settings(**{"mail": {"url": f"maildir:{tmp_path}/mail"}, **changes}),
            database,
            clock=clock,
            hasher=hasher,
            hooks=hooks,
            factors=factors,
        )
        # Mails are delivered where a test says so, and by no thread beside it.
        auth.mailer.close()
        if providers:
            auth.providers = {**auth.providers, **{provider.name: provider for provider in providers}}
        return auth

    return make


@pytest.fixture(name="add")
def _add(database: Database, hasher: Hasher) -> Callable[..., User]:
    def add(username: str = "ann", **values: Any) -> User:
        with database.unit() as db:
            user = User(**{"username": username, "password_hash": hasher.hash(PASSWORD), "role": "member", **values})
            db.add(user)
        return user

    return add


@pytest.fixture(
    name="inactive", params=[{"active": False}, {"disabled_utc": datetime(2000, 1, 1, tzinfo=UTC)}], ids=str
)
def _inactive(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Both ways in which somebody may be in no more, as the attributes that say so."""
    values: dict[str, Any] = request.param
    return values


@pytest.fixture(name="shut_out")
def _shut_out(inactive: dict[str, Any]) -> Callable[[User], None]:
    """Lets a user in no more, by each way."""

    def shut_out(user: User) -> None:
        for name, value in inactive.items():
            setattr(user, name, value)

    return shut_out


@pytest.fixture(name="staff")
def _staff() -> KnownPeople:
    return KnownPeople(name="staff", settings=BLOCK, people={"dora": ("dora's password", DORA)})


@pytest.fixture(name="company")
def _company() -> KnownIssuer:
    return KnownIssuer(
        name="company",
        settings=BLOCK.model_copy(update={"kind": "known-issuer"}),
        people={"code-1": person("company", "sub-1", "eve@example.org", email="eve@example.org")},
    )


def _end_background() -> None:
    """End the threads that send mails: SQLite crashes where a connection is closed under a thread that uses it."""
    for thread in threading.enumerate():
        work = getattr(thread, "_target", None)
        if isinstance(background := getattr(work, "__self__", None), Background):
            background.close()


@pytest.fixture(autouse=True)
def _close_sqlite() -> Iterator[None]:
    """
    Close the SQLite connections that a test opened and an application it made still holds.

    An application keeps its pool for as long as it lives; Python 3.13 warns of each that is collected open.
    """
    opened: list[sqlite3.Connection] = []

    def note(connection: object, _record: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            opened.append(connection)

    event.listen(Pool, "connect", note)
    yield
    event.remove(Pool, "connect", note)
    _end_background()
    for connection in opened:
        # A database in memory belongs to the thread that made it, and ends with it.
        with contextlib.suppress(sqlite3.ProgrammingError):
            connection.close()
