"""A throw-away Redis that writes nothing to disk."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from onegov_auth.testing.servers.process import LOOPBACK, ServerFailedError, ServerProcess

__all__ = ["Redis"]


class Redis(ServerProcess):
    """Redis on loopback, without persistence."""

    name = "redis"
    program = "redis-server"
    package = "redis-server"

    @property
    def url(self) -> str:
        """The URL of database 0."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    def command(self) -> Sequence[str]:
        """The server without persistence."""
        options = {"--port": str(self.port), "--bind": LOOPBACK, "--save": "", "--appendonly": "no"}
        return [str(self.find()), *(part for option in options.items() for part in option)]

    def is_ready(self) -> bool:
        """Whether PING is answered."""
        try:
            return self._ask("PING") == "+PONG"
        except OSError:
            return False

    def flush(self) -> None:
        """Empty all databases."""
        answer = self._ask("FLUSHALL")
        if answer != "+OK":
            raise ServerFailedError(f"FLUSHALL: {answer}")

    def _ask(self, command: str) -> str:
        """The first line of the answer to an inline command (Redis serialization protocol)."""
        with socket.create_connection((LOOPBACK, self.port), timeout=3) as connection:
            connection.sendall(f"{command}\r\n".encode())
            return connection.makefile("r", encoding="utf-8", newline="\r\n").readline().rstrip()
