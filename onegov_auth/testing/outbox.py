"""Mails of an application under test, caught on their way out."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, nullcontext
from email.message import EmailMessage
from typing import Any

from onegov_auth.mail import Mailer
from onegov_auth.mail.transports import Send, Transport

__all__ = ["CaughtMailer", "Outbox"]


class Outbox(Transport):
    """
    Keeps the mails it is given.

    Attributes:
        mails: All of them, the oldest first.
    """

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    def connected(self) -> AbstractContextManager[Send]:
        """The list."""
        return nullcontext(self._keep)

    def _keep(self, message: EmailMessage) -> None:
        self.mails.append(message)

    def to(self, address: str) -> list[EmailMessage]:
        """The mails to an address."""
        return [mail for mail in self.mails if mail["To"] == address]

    def link(self, page: str, to: str | None = None) -> str:
        """
        The path, with its query, of the last mailed link to a page.

        Args:
            page: How the page's path ends, such as ``reset-password``.
            to: Whom it was mailed to; ``None`` for anybody.

        Raises:
            AssertionError: If there is none.
        """
        for mail in reversed(self.mails if to is None else self.to(to)):
            body = mail.get_body(("plain",))
            found = re.search(rf"https?://[^/\s]+(/\S*{page}[?]\S+)", body.get_content() if body else "")
            if found:
                return found[1]
        raise AssertionError(f"no mail to {to or 'anybody'} leads to {page}")


class CaughtMailer(Mailer):
    """
    A mailer whose mails end in :attr:`outbox`, before the page is answered: a test need not wait for a thread.

    Args:
        args, kwargs: As for :class:`onegov_auth.mail.Mailer`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.outbox = Outbox()
        super().__init__(*args, transport=self.outbox, **kwargs)

    def wake(self) -> None:
        """Send what was committed."""
        self.deliver()
