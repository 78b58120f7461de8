"""A throw-away mail server."""

from __future__ import annotations

import smtplib
import socket
import sys
import time
from collections.abc import Sequence
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from importlib.util import find_spec
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from onegov_auth.testing.servers.certificates import Authority
from onegov_auth.testing.servers.process import LOOPBACK, ServerFailedError, ServerMissingError, ServerProcess

__all__ = ["Smtp"]


class Smtp(ServerProcess):
    """
    A mail server on loopback that keeps every mail it is given, over restarts too.

    It refuses the receivers ``nobody@`` (no such user), ``denied@`` (relaying denied) and ``later@`` (for now), and
    mails whose subject begins with "Spam".

    Args:
        tls: ``starttls`` or ``implicit``; ``None`` for a server that knows no encryption.
        user: Whom to log in as, before anything else is taken.
        password: With which password.
        names: The hosts its certificate is for.
    """

    name = "smtp"
    program = "aiosmtpd"
    package = "onegov-auth[testing]"

    def __init__(
        self,
        *,
        tls: Literal["starttls", "implicit"] | None = None,
        user: str | None = None,
        password: str = "a secret / of: the server@",
        names: Sequence[str] = ("localhost", LOOPBACK),
        timeout: float = 30.0,
    ) -> None:
        super().__init__(timeout=timeout)
        self.tls = tls
        self.user = user
        self.password = password
        self.names = tuple(names)

    @property
    def ca_file(self) -> Path:
        """The authority that issued the server's certificate."""
        return self.directory / "ca.pem"

    @property
    def mails(self) -> Path:
        """Where the mails lie, one a file."""
        return self.directory / "mails"

    @property
    def url(self) -> str:
        """For ``mail.url``, with user, password and authority where they are needed."""
        scheme = "smtps" if self.tls == "implicit" else "smtp"
        login = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}@" if self.user else ""
        options = {None: "", "starttls": "?tls=starttls&ca_file=", "implicit": "?ca_file="}[self.tls]
        ca_file = quote(str(self.ca_file)) if self.tls else ""
        return f"{scheme}://{login}localhost:{self.port}{options}{ca_file}"

    @property
    def messages(self) -> list[EmailMessage]:
        """The mails, in the order they came; ``X-Envelope-To`` says who was to get one."""
        contents = [file.read_bytes().replace(b"\r\n", b"\n") for file in sorted(self.mails.glob("*.eml"))]
        return [message_from_bytes(content, EmailMessage, policy=default) for content in contents]

    def wait_for(self, count: int, timeout: float = 10.0) -> list[EmailMessage]:
        """
        The mails, as soon as there are *count*.

        Raises:
            ServerFailedError: If there are fewer after *timeout* seconds.
        """
        deadline = time.monotonic() + timeout
        while len(found := self.messages) < count:
            if time.monotonic() > deadline:
                raise ServerFailedError(f"{len(found)} of {count} mails came within {timeout:g} s")
            time.sleep(0.02)
        return found

    def forget(self) -> None:
        """Delete the mails that came so far."""
        for file in self.mails.glob("*.eml"):
            file.unlink()

    def prepare(self) -> None:
        """Make the folder and, once, the certificate."""
        self.mails.mkdir(exist_ok=True)
        if self.tls and not self.ca_file.exists():
            Authority(self.directory).issue(*self.names)

    def command(self) -> Sequence[str]:
        """Our own process around aiosmtpd. Raises ServerMissingError."""
        if find_spec("aiosmtpd") is None:
            raise ServerMissingError(self.program, self.package)
        options = [str(self.mails), str(self.port)]
        if self.tls:
            options += ["--tls", self.tls]
            options += ["--certificate", str(self.directory / f"ca-{self.names[0]}.pem")]
            options += ["--key", str(self.directory / f"ca-{self.names[0]}.key")]
        if self.user:
            options += ["--user", self.user, "--password", self.password]
        return [sys.executable, "-m", "onegov_auth.testing.servers.smtp_process", *options]

    def is_ready(self) -> bool:
        """Whether the port answers; in the clear a greeting is waited for."""
        try:
            if self.tls == "implicit":
                socket.create_connection((LOOPBACK, self.port), timeout=3).close()
            else:
                smtplib.SMTP(LOOPBACK, self.port, timeout=3).quit()
        except (OSError, smtplib.SMTPException):
            return False
        return True
