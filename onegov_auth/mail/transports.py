"""How a mail leaves the house: over SMTP, onto the console, into a folder."""

from __future__ import annotations

import mailbox
import smtplib
import ssl
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.policy import SMTPUTF8
from pathlib import Path
from typing import Protocol, TextIO

from onegov_auth.errors import OnegovAuthError
from onegov_auth.settings.mail_server import MailServer

__all__ = ["SMTP", "Console", "Maildir", "NotSentError", "Send", "Transport", "transport_for"]

#: Seconds until a server that says nothing is given up; RFC 5321 §4.5.3.2 allows minutes, and people wait.
TIMEOUT = 20.0


class NotSentError(OnegovAuthError):
    """
    Raised when a message could not be handed over.

    Args:
        reason: A stable word for the event log.
        final: Whether trying again makes no sense, because this message was refused for good.
        alone: Whether others may have more luck: the server is there, and refused this one.
    """

    code = "not_sent"

    def __init__(self, reason: str, *, final: bool = False, alone: bool = False) -> None:
        self.reason = reason
        self.final = final
        self.alone = alone or final
        super().__init__(f"the message was not sent: {reason}")


class Send(Protocol):
    """Hands one mail over; raises :class:`NotSentError`."""

    def __call__(self, message: EmailMessage) -> None:
        """Hand *message* over."""


class Transport(ABC):
    """A way for mails to leave."""

    @abstractmethod
    def connected(self) -> AbstractContextManager[Send]:
        """
        What several mails can be handed over with.

        Raises:
            NotSentError: If there is nobody to hand them to; nothing was sent.
        """


class Console(Transport):
    """
    Prints mails, for development.

    Args:
        stream: Where to; standard error unless told otherwise.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def connected(self) -> AbstractContextManager[Send]:
        """The stream."""
        return nullcontext(self._print)

    def _print(self, message: EmailMessage) -> None:
        stream = self._stream or sys.stderr
        body = message.get_body(("plain",))
        heads = [f"{name}: {message[name]}" for name in ("From", "To", "Subject")]
        text = body.get_content() if body is not None else ""
        stream.write("\n".join(["-" * 72, *heads, "", text.rstrip(), "-" * 72, ""]))
        stream.flush()


class Maildir(Transport):
    """
    Puts mails into a folder (https://cr.yp.to/proto/maildir.html), for development and tests.

    Args:
        path: The folder, made when it is missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def connected(self) -> AbstractContextManager[Send]:
        """The folder."""
        return nullcontext(self._add)

    def _add(self, message: EmailMessage) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            box = mailbox.Maildir(self.path, create=True)
            try:
                box.add(message.as_bytes(policy=SMTP_POLICY if str(message["To"]).isascii() else SMTPUTF8))
            finally:
                box.close()
        except OSError as error:
            raise NotSentError("folder") from error


class SMTP(Transport):
    """
    Hands mails to a mail server (RFC 5321, TLS by RFC 8314 and RFC 3207).

    Args:
        server: Where and how.
        timeout: Seconds until a server that says nothing is given up.
    """

    def __init__(self, server: MailServer, timeout: float = TIMEOUT) -> None:
        self._server = server
        self._timeout = timeout

    @contextmanager
    def connected(self) -> Iterator[Send]:
        """
        A connection, encrypted and logged in as the settings say; raises NotSentError.

        No mail and no password goes to a server whose certificate does not hold (ASVS 12.3.1, 12.3.2).
        """
        with _told(connecting=True):
            client = self._connect()
            try:
                self._begin(client)
            except BaseException:
                client.close()
                raise

        def send(message: EmailMessage) -> None:
            with _told(connecting=False):
                client.send_message(message)

        try:
            yield send
        finally:
            # What was sent is sent, however the server says goodbye.
            with suppress(OSError, smtplib.SMTPException):
                client.quit()

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        if server.tls == "implicit":
            return smtplib.SMTP_SSL(server.host, server.port, timeout=self._timeout, context=self._context())
        return smtplib.SMTP(server.host, server.port, timeout=self._timeout)

    def _begin(self, client: smtplib.SMTP) -> None:
        server = self._server
        if server.tls == "starttls":
            client.starttls(context=self._context())
        if server.user is not None:
            client.login(server.user, server.password or "")

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self._server.ca_file)
        # RFC 8996 forbids what is older, ASVS 12.1.1 asks for it.
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


#: The first that fits, in this order: they are subclasses of each other.
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (smtplib.SMTPAuthenticationError, "login"),
    (smtplib.SMTPNotSupportedError, "not_supported"),
    (smtplib.SMTPRecipientsRefused, "recipient"),
    (smtplib.SMTPSenderRefused, "sender"),
    (smtplib.SMTPResponseException, "refused"),
    (ssl.SSLError, "tls"),
    (TimeoutError, "timeout"),
    (OSError, "unreachable"),
    (smtplib.SMTPException, "unreachable"),
    (UnicodeError, "host"),
)

#: About this message, not about the server or us.
_ONE_MESSAGE = (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError, smtplib.SMTPNotSupportedError)


@contextmanager
def _told(*, connecting: bool) -> Iterator[None]:
    """Every way in which SMTP fails, as :class:`NotSentError`. No server's own words, which may repeat an address."""
    try:
        yield
    except (OSError, smtplib.SMTPException, UnicodeError) as error:
        # smtplib says "disconnected" of a time-out while it reads.
        told = error.__context__ if isinstance(error.__context__, TimeoutError) else error
        reason = next(word for kind, word in _REASONS if isinstance(told, kind))
        alone = not connecting and isinstance(error, _ONE_MESSAGE)
        raise NotSentError(reason, final=alone and _is_final(error), alone=alone) from error


def _is_final(error: Exception) -> bool:
    """
    Whether the address is no good (RFC 3463 §3.2).

    Other refusals for good, such as "relaying denied", are the server's or our own setting, which somebody may put
    right while the mail waits.
    """
    return isinstance(error, smtplib.SMTPRecipientsRefused) and all(
        text.startswith(b"5.1.") or code == 553 for code, text in error.recipients.values()
    )


def transport_for(url: str) -> Transport:
    """
    What ``mail.url`` names.

    Raises:
        ValueError: If it names nothing we know; the settings were not checked then.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "console":
        return Console()
    if scheme == "maildir":
        return Maildir(Path(rest))
    return SMTP(MailServer.parse(url))
