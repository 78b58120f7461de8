"""What is told to people about their accounts: to which address, with which links."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from onegov_auth.addresses import as_address
from onegov_auth.clock import Clock, utcnow

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.domain import Client
    from onegov_auth.mail import Mailer
    from onegov_auth.models import User

__all__ = ["Notices", "address_of"]


def address_of(user: User) -> str | None:
    """
    The address that is surely the user's own; ``None`` if there is none.

    That is the verified one. A username that is an address was given by an operator, who vouches for it, unless
    there is an address beside it that nobody has verified (RESET-07, LINK-24).
    """
    if user.email is not None:
        return as_address(user.email) if user.email_verified else None
    return as_address(user.username)


class Notices:
    """
    Tells people by mail.

    Args:
        mailer: Keeps and sends the mails.
        base_url: Where people find the application: links are made of it, and never of a request (HOST-01).
        mount: The path of the pages.
        clock: The time.
    """

    def __init__(self, mailer: Mailer, base_url: str, mount: str, clock: Clock = utcnow) -> None:
        self._mailer = mailer
        self._pages = f"{base_url}{mount}"
        self._clock = clock

    def url(self, page: str, **query: str) -> str:
        """The absolute address of one of our pages."""
        return f"{self._pages}/{page}" + (f"?{urlencode(query)}" if query else "")

    def mail(self, db: Session, kind: str, to: str, values: Mapping[str, object], language: str | None = None) -> None:
        """Send a mail to an address, once the unit of work is committed and :meth:`wake` is called."""
        self._mailer.queue(db, kind, to, values, language)

    def tell(self, db: Session, user: User, kind: str, client: Client, **values: object) -> None:
        """Send a mail to a user, if there is an address that is surely theirs."""
        to = address_of(user)
        if to is not None:
            self.mail(db, kind, to, self.about(user, client, **values), user.language)

    def about(self, user: User, client: Client, **values: object) -> dict[str, object]:
        """What a mail about an account says in any case: whose, when, and from where."""
        known: dict[str, object] = {
            "username": user.username,
            "name": user.title,
            "time": self._clock(),
            "address": client.address,
            "device": client.user_agent,
            "url": self.url("account"),
        }
        return {**known, **values}

    def wake(self) -> None:
        """Have sent what was committed."""
        self._mailer.wake()
