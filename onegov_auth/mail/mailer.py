"""The mailer: queues mails and text messages, and sends them."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from onegov_auth.clock import Clock, utcnow
from onegov_auth.events import EventLog
from onegov_auth.mail.background import Background
from onegov_auth.mail.delivery import Delivered, Delivery, mails, texts
from onegov_auth.mail.messages import Messages, is_address, one_line
from onegov_auth.mail.outbox import Outbox
from onegov_auth.mail.sms import MAX_TEXT, SMSSender, check_number, sender_for
from onegov_auth.mail.transports import Transport, transport_for
from onegov_auth.models import DEFAULT

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.database import Database
    from onegov_auth.keys import Keys
    from onegov_auth.models import Entities
    from onegov_auth.settings import Settings

__all__ = ["GIVE_UP", "Mailer"]

#: How long a mail is tried; RFC 5321 §4.5.4.1 asks for at least four to five days.
GIVE_UP = timedelta(days=5)


class Mailer:
    """
    Queues messages in the caller's unit of work, and sends them from outside of it.

    Args:
        settings: The checked configuration.
        database: Where messages wait.
        keys: Encrypt them.
        clock: The time.
        chance: Makes a number from 0 to 1, for the time of a retry.
        transport: How mails leave; by default as ``mail.url`` says.
        sms: How text messages leave; by default as ``sms.url`` says.
        directories: Where an application's own templates lie.
        entities: The mapped classes.

    Raises:
        RegistryError: If ``sms.url`` names a sender that isn't installed.
        SettingsError: If that sender can't work as configured.
    """

    def __init__(  # noqa: PLR0913 - collaborators, handed in once
        self,
        settings: Settings,
        database: Database,
        keys: Keys,
        *,
        clock: Clock = utcnow,
        chance: Callable[[], float] = random.random,
        transport: Transport | None = None,
        sms: SMSSender | None = None,
        directories: Sequence[Path] = (),
        entities: Entities = DEFAULT,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._transport = transport
        self.sms = sms or _configured_sms(settings)
        self._messages = Messages(settings.title, settings.base_url, settings.mail.sender, directories)
        self._outbox = Outbox(database, keys, clock=clock, chance=chance, entities=entities)
        channels = {"mail": mails(self._outbox, self._messages, self._way_out)}
        if self.sms is not None:
            channels["sms"] = texts(self._outbox, self.sms)
        events = EventLog(database, clock=clock, entities=entities)
        self._delivery = Delivery(database, self._outbox, events, channels, clock)
        self._background = Background(self._work)

    # -- queueing ------------------------------------------------------------------------------

    def queue(self, db: Session, kind: str, to: str, values: Mapping[str, object], language: str | None = None) -> None:
        """
        Have a mail sent, once the unit of work *db* is committed and :meth:`wake` was called.

        Args:
            db: The unit of work; if it is rolled back, nothing is sent.
            kind: A template's name.
            to: The receiver's address, and nothing but.
            values: What the template shows: texts, numbers, times, lists of them. ``url`` is an address on this
                site; ``until`` is when it stops working, after which the mail is not sent any more.
            language: The receiver's language; that of the settings unless told otherwise.

        Raises:
            ValueError: If there is no such kind, *to* is no address, or ``url`` leads elsewhere (HOST-01).
        """
        if not self._messages.has(kind):
            raise ValueError(f"there is no template mail/{one_line(kind)}.jinja2")
        if not is_address(to):
            raise ValueError("the receiver is not an e-mail address")
        url = values.get("url")
        if url is not None and not str(url).startswith(f"{self._settings.base_url}/"):
            raise ValueError("a link in a mail must begin with base_url")
        until = values.get("until")
        expires = self._clock() + GIVE_UP
        body = {"to": to, "language": language or self._settings.language, "values": dict(values)}
        self._outbox.add(db, "mail", kind, body, min(until, expires) if isinstance(until, datetime) else expires)

    def queue_sms(self, db: Session, kind: str, number: str, text: str, valid: timedelta) -> None:
        """
        Have a text message sent, once the unit of work *db* is committed and :meth:`wake` was called.

        Args:
            db: The unit of work.
            kind: What it is, for the event log.
            number: In the form of E.164, from the stored factor and never from the request (SMS-03).
            text: What it says, in the receiver's language.
            valid: How long it is worth sending, such as the life of the code in it.

        Raises:
            ValueError: If *number* is none, *text* is too long, or no sender is configured.
        """
        if self.sms is None:
            raise ValueError("sms: is not configured")
        if len(text) > MAX_TEXT:
            raise ValueError(f"a text message has at most {MAX_TEXT} characters")
        body = {"to": check_number(number), "text": text}
        self._outbox.add(db, "sms", kind, body, self._clock() + valid)

    # -- sending -------------------------------------------------------------------------------

    def wake(self) -> None:
        """Have sent what was committed, by a thread: whoever waits for a page does not wait for a mail server."""
        self._background.wake()

    def close(self) -> None:
        """End that thread; what waits is sent by others, or after the next start."""
        self._background.close()

    @property
    def waiting(self) -> int:
        """How many messages wait."""
        return self._outbox.waiting()[0]

    def deliver(self, told: Callable[[], object] | None = None) -> Delivered:
        """
        Send what is due now, in this thread; others may do so at the same time.

        Args:
            told: Called after each message that was tried.
        """
        return self._delivery.run(told or (lambda: None))

    def cleanup(self, db: Session) -> int:
        """Delete messages that nobody sent in time; returns how many."""
        return self._outbox.cleanup(db)

    def _way_out(self) -> Transport:
        return self._transport or transport_for(self._settings.mail.url.reveal())

    def _work(self) -> timedelta | None:
        self.deliver()
        _waiting, due = self._outbox.waiting()
        return None if due is None else due - self._clock()


def _configured_sms(settings: Settings) -> SMSSender | None:
    return None if settings.sms is None else sender_for(settings.sms.url.reveal(), settings.sms.sender)
