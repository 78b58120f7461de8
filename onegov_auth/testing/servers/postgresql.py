"""A throw-away PostgreSQL: nothing is synced to disk, every test may have a database of its own."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, LiteralString

from onegov_auth.errors import MissingDependencyError
from onegov_auth.testing.servers.process import LOOPBACK, ServerProcess, find_program

if TYPE_CHECKING:
    import psycopg

__all__ = ["PostgreSQL"]

_SUPERUSER = "postgres"


class PostgreSQL(ServerProcess):
    """PostgreSQL on loopback; as root it runs as ``postgres`` or ``nobody``, because it refuses to run as root."""

    name = "postgresql"
    program = "postgres"
    package = "postgresql"
    stop_signal = signal.SIGINT  # "fast": doesn't wait for clients to leave
    run_as = ("postgres", "nobody")

    def __init__(self, *, timeout: float = 60.0) -> None:
        super().__init__(timeout=timeout)
        self.password = secrets.token_urlsafe(12)

    def find(self, program: str | None = None) -> Path:
        """From the newest version installed: Debian keeps each in a folder of its own, outside the search path."""
        folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version)
        return find_program(program or self.program, self.package, folders)

    def command(self) -> Sequence[str]:
        """The server, over TCP only, with durability off."""
        settings = {
            "listen_addresses": LOOPBACK,
            "unix_socket_directories": "",
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "max_connections": "200",
            "shared_buffers": "64MB",
            "autovacuum": "off",
            "timezone": "UTC",
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return [str(self.find()), "-D", str(self._data), "-p", str(self.port), *options]

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    def prepare(self) -> None:
        """Make the cluster."""
        if self._data.exists():
            return
        password_file = self.directory / "password"
        password_file.write_text(self.password)
        self.hand_over(password_file)
        self.run(
            self.find("initdb"),
            f"--pgdata={self._data}",
            f"--username={_SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        )

    def _connect(self) -> psycopg.Connection:
        connection: psycopg.Connection = _driver().connect(
            host=LOOPBACK,
            port=self.port,
            user=_SUPERUSER,
            password=self.password,
            dbname="postgres",
            connect_timeout=3,
            autocommit=True,
        )
        return connection

    def is_ready(self) -> bool:
        """Whether a query is answered."""
        try:
            with self._connect() as connection:
                return connection.execute("SELECT 1").fetchone() == (1,)
        except _driver().OperationalError:
            return False

    def _execute(self, statement: LiteralString, database: str) -> None:
        sql = _driver().sql
        with self._connect() as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(database)))

    def url(self, database: str = "postgres") -> str:
        """The SQLAlchemy URL of a database on this server."""
        return f"postgresql+psycopg://{_SUPERUSER}:{self.password}@{LOOPBACK}:{self.port}/{database}"

    def create_database(self, name: str | None = None) -> str:
        """Make an empty database, of a fresh name unless one is given; returns its URL."""
        database = name or f"test_{secrets.token_hex(8)}"
        self._execute("CREATE DATABASE {}", database)
        return self.url(database)

    def drop_database(self, url: str) -> None:
        """Drop the database of this URL, cutting off who is still connected; an absent one is no error."""
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", url.rpartition("/")[2])


def _driver() -> ModuleType:
    try:
        import psycopg  # noqa: PLC0415 — an optional library, asked for when it is needed
    except ImportError as error:
        raise MissingDependencyError("a throw-away PostgreSQL", "onegov-auth[postgresql]") from error
    return psycopg


def _version(folder: Path) -> tuple[int, ...]:
    """``/usr/lib/postgresql/9.6/bin`` is older than ``…/15/bin``."""
    return tuple(int(part) for part in folder.parent.name.split(".") if part.isdigit())
