"""A throw-away validation server for YubiKeys."""

from __future__ import annotations

import base64
import http.client
import os
import secrets
import shutil
import signal
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from onegov_auth.testing.servers.process import LOOPBACK, ServerMissingError, ServerProcess
from onegov_auth.testing.yubikey import SoftwareYubiKey

__all__ = ["Yubiserver"]

#: Debian's package brings an empty database.
_EMPTY = Path("/etc/yubiserver/yubiserver.sqlite.init")


class Yubiserver(ServerProcess):
    """
    Debian's ``yubiserver``, with keys that are made of software.

    It listens on all addresses, because it knows no option for that. What it validates are the one-time passwords of
    :class:`onegov_auth.testing.yubikey.SoftwareYubiKey`, which are worth nothing anywhere else.
    """

    name = "yubiserver"
    program = "yubiserver"
    package = "yubiserver"

    def __init__(self, *, timeout: float = 30.0) -> None:
        super().__init__(timeout=timeout)
        self.client_id = "1"
        # Twenty characters: what yubiserver-admin asks for. They are the key, and people are told them in base64.
        self._secret = secrets.token_hex(10)
        self._keys = 0

    @property
    def secret_key(self) -> str:
        """What the answers are signed with, in base64, as for ``second_factors.yubikey.secret_key``."""
        return base64.b64encode(self._secret.encode()).decode()

    @property
    def url(self) -> str:
        """For ``second_factors.yubikey.urls``."""
        return f"http://{LOOPBACK}:{self.port}/wsapi/2.0/verify"

    @property
    def database(self) -> Path:
        """Its database."""
        return self.directory / "yubiserver.sqlite"

    def new_yubikey(self) -> SoftwareYubiKey:
        """A YubiKey that the server knows, with a public id of its own; may be called while it runs."""
        self._keys += 1
        key = SoftwareYubiKey(serial=1_000_000 + self._keys)
        row = (
            f"key-{self._keys}",
            key.public_id,
            "2026-01-01T00:00:00",
            key.private_id.hex(),
            key.key.hex(),
            "1",
            0,
            0,
        )
        self._insert("yubikeys", row)
        return key

    def prepare(self) -> None:
        """Copy the empty database. Raises ServerMissingError."""
        if self.database.exists():
            return
        if not _EMPTY.exists():
            raise ServerMissingError(self.program, self.package)
        shutil.copy(_EMPTY, self.database)
        # It runs as an account of its own when root starts it, and writes counters.
        self.directory.chmod(0o777)
        self.database.chmod(0o666)
        self._insert("apikeys", ("test", self._secret, int(self.client_id)))

    def command(self) -> Sequence[str]:
        """The server, kept in the foreground. Raises ServerMissingError."""
        options = ["--database", str(self.database), "--port", str(self.port), "--logfile", str(self.directory / "log")]
        wrapper = "onegov_auth.testing.servers.yubiserver_process"
        return [sys.executable, "-m", wrapper, str(self._pid_file), str(self.find()), *options]

    def is_ready(self) -> bool:
        """Whether it answers a request."""
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=3)
        try:
            connection.request("GET", "/wsapi/2.0/verify?id=0")
            return b"status=" in connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def pause(self) -> None:
        """Let it hang: connections are accepted by the kernel, and nobody answers."""
        os.kill(int(self._pid_file.read_text("ascii")), signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after :meth:`pause`."""
        os.kill(int(self._pid_file.read_text("ascii")), signal.SIGCONT)

    @property
    def _pid_file(self) -> Path:
        return self.directory / "daemon.pid"

    def _insert(self, table: str, row: tuple[object, ...]) -> None:
        places = ", ".join("?" * len(row))
        with closing(sqlite3.connect(self.database, timeout=10)) as connection, connection:
            connection.execute(f"INSERT INTO {table} VALUES ({places})", row)  # noqa: S608 - both names are ours
