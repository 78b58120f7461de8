"""
The pytest plugin: ``pytest_plugins = ["onegov_auth.testing.plugin"]`` in the host's top ``conftest.py``, or ``-p`` with
that name on the command line.

Nothing of this framework is imported before a fixture is asked for, so that coverage sees those imports.
A server that isn't installed skips the test on a laptop and fails it where ``CI`` is set.
"""

# ruff: noqa: PLC0415 — imports stand in the fixtures, for the reason above

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from onegov_auth.database import Database
    from onegov_auth.testing.client import AuthClient
    from onegov_auth.testing.clock import FakeClock
    from onegov_auth.testing.outbox import Outbox
    from onegov_auth.testing.servers import (
        OidcProvider,
        PostgreSQL,
        Redis,
        SambaAD,
        ServerProcess,
        Slapd,
        Smtp,
        Yubiserver,
    )

__all__ = ["require_server"]

_Server = TypeVar("_Server", bound="ServerProcess")


def require_server(make: Callable[[], _Server]) -> _Server:
    """
    A started server; the caller closes it.

    Where its program is not installed, the test is skipped and the package named; with ``CI`` set, it fails.
    """
    from onegov_auth.testing.servers import ServerMissingError

    try:
        return make().start()
    except ServerMissingError as error:
        if os.environ.get("CI", "").lower() not in {"", "0", "false"}:
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))


def _served(make: Callable[[], _Server]) -> Iterator[_Server]:
    server = require_server(make)
    yield server
    server.close()


@pytest.fixture(name="clock")
def _clock() -> FakeClock:
    """A clock that stands still: ``clock()``, ``clock.now``, ``clock.advance(seconds)``."""
    from onegov_auth.testing.clock import FakeClock

    return FakeClock()


@pytest.fixture(name="sqlite_url")
def _sqlite_url(tmp_path: Path) -> str:
    """The URL of an SQLite file that doesn't exist yet."""
    return f"sqlite:///{tmp_path / 'test.db'}"


@pytest.fixture(name="postgresql", scope="session")
def _postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL server for the whole session."""
    from onegov_auth.testing.servers import PostgreSQL

    yield from _served(PostgreSQL)


@pytest.fixture(name="postgresql_url")
def _postgresql_url(postgresql: PostgreSQL) -> Iterator[str]:
    """The URL of an empty PostgreSQL database of this test's own."""
    url = postgresql.create_database()
    yield url
    postgresql.drop_database(url)


@pytest.fixture(name="database_url", params=["sqlite", "postgresql"])
def _database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database, once of each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(name="made_sqlite", scope="session")
def _made_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with all tables and nothing in them, to be copied: making tables takes longer."""
    from onegov_auth.database import Database
    from onegov_auth.models import Base

    path = tmp_path_factory.mktemp("sqlite") / "made.db"
    database = Database(f"sqlite:///{path}")
    Base.metadata.create_all(database.engine)
    database.dispose()
    return path


@pytest.fixture(name="made_postgresql_url", scope="session")
def _made_postgresql_url(postgresql: PostgreSQL) -> str:
    """The URL of a PostgreSQL database with all tables, emptied after each test that used it."""
    from onegov_auth.database import Database
    from onegov_auth.models import Base

    url = postgresql.create_database()
    database = Database(url)
    Base.metadata.create_all(database.engine)
    database.dispose()
    return url


def _empty(url: str) -> None:
    """Delete every row, after cutting off whoever the test left connected."""
    from sqlalchemy import text

    from onegov_auth.database import Database

    database = Database(url)
    with database.unit() as db:
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        db.execute(text(f"SELECT pg_terminate_backend(pid) {others}"))
        tables = db.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        db.execute(text(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE"))
    database.dispose()


@pytest.fixture(name="database", params=["sqlite", "postgresql"])
def _database(request: pytest.FixtureRequest, clock: FakeClock, tmp_path: Path) -> Iterator[Database]:
    """A database of each kind with all tables and nothing in them, on this test's ``clock``."""
    from onegov_auth.database import Database

    if request.param == "sqlite":
        copy = shutil.copy(request.getfixturevalue("made_sqlite"), tmp_path / "made.db")
        url = f"sqlite:///{copy}"
    else:
        url = request.getfixturevalue("made_postgresql_url")
    database = Database(url, clock=clock)
    yield database
    database.dispose()
    if request.param == "postgresql":
        _empty(url)


@pytest.fixture(name="application_url")
def _application_url(sqlite_url: str) -> str:
    """The URL of the empty database of ``make_application``; a host may override it by ``postgresql_url``."""
    return sqlite_url


@pytest.fixture(name="make_application")
def _make_application(application_url: str, clock: FakeClock) -> Iterator[Callable[..., Any]]:
    """
    Makes a host's application on a database that is thrown away: ``make_application(App, **settings)``.

    See :func:`onegov_auth.testing.applications.make_application`.
    """
    from onegov_auth.testing.applications import make_application

    made: list[Any] = []

    def make(cls: type[Any], **settings: Any) -> Any:
        made.append(make_application(cls, application_url, clock, **settings))
        return made[-1]

    yield make
    for application in made:
        application.auth.close()


@pytest.fixture(name="make_user")
def _make_user(application: Any) -> Callable[..., Any]:
    """
    Adds users to the host's fixture ``application``: ``make_user(permissions=["invoices.read"])``.

    See :func:`onegov_auth.testing.people.make_user`.
    """
    from onegov_auth.testing.people import make_user

    return partial(make_user, application)


@pytest.fixture(name="outbox")
def _outbox(application: Any) -> Outbox:
    """The mails of the host's fixture ``application``: ``outbox.mails``, ``outbox.link("reset-password")``."""
    outbox: Outbox = application.auth.mailer.outbox
    return outbox


@pytest.fixture(name="auth_client")
def _auth_client(application: Any) -> Callable[..., AuthClient]:
    """Makes browsers at the host's fixture ``application``: ``auth_client()``, ``auth_client(user)``."""
    from onegov_auth.testing.client import AuthClient

    return partial(AuthClient, application)


@pytest.fixture(name="slapd", scope="session")
def _slapd() -> Iterator[Slapd]:
    """An OpenLDAP for the whole session; who adds entries or changes one undoes it."""
    from onegov_auth.testing.servers import Slapd

    yield from _served(Slapd)


@pytest.fixture(name="own_slapd")
def _own_slapd() -> Iterator[Slapd]:
    """An OpenLDAP of this test's own, which may be changed and stopped."""
    from onegov_auth.testing.servers import Slapd

    yield from _served(Slapd)


@pytest.fixture(name="samba_ad", scope="session")
def _samba_ad() -> Iterator[SambaAD]:
    """An Active Directory domain for the whole session; who adds entries or changes one undoes it."""
    from onegov_auth.testing.servers import SambaAD

    yield from _served(SambaAD)


@pytest.fixture(name="oidc_op", scope="session")
def _oidc_op() -> Iterator[OidcProvider]:
    """An OpenID provider for the whole session; clients and redirect URIs may be added, nothing taken away."""
    from onegov_auth.testing.servers import OidcProvider

    yield from _served(OidcProvider)


@pytest.fixture(name="own_oidc_op")
def _own_oidc_op() -> Iterator[OidcProvider]:
    """An OpenID provider of this test's own, which may be changed and stopped."""
    from onegov_auth.testing.servers import OidcProvider

    yield from _served(OidcProvider)


@pytest.fixture(name="redis", scope="session")
def _redis() -> Iterator[Redis]:
    """A Redis server for the whole session."""
    from onegov_auth.testing.servers import Redis

    yield from _served(Redis)


@pytest.fixture(name="redis_url")
def _redis_url(redis: Redis) -> str:
    """The URL of an empty Redis database."""
    redis.flush()
    return redis.url


@pytest.fixture(name="smtp")
def _smtp() -> Iterator[Smtp]:
    """A mail server of this test's own, in the clear, which may be stopped; see :class:`Smtp` for others."""
    from onegov_auth.testing.servers import Smtp

    yield from _served(Smtp)


@pytest.fixture(name="yubiserver", scope="session")
def _yubiserver() -> Iterator[Yubiserver]:
    """A validation server for YubiKeys for the whole session; ``new_yubikey()`` makes keys it knows."""
    from onegov_auth.testing.servers import Yubiserver

    yield from _served(Yubiserver)


@pytest.fixture(name="own_yubiserver")
def _own_yubiserver() -> Iterator[Yubiserver]:
    """A validation server of this test's own, which may be stopped."""
    from onegov_auth.testing.servers import Yubiserver

    yield from _served(Yubiserver)
