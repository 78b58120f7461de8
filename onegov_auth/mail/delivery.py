"""Sending what waits in the outbox."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from jinja2 import TemplateError

from onegov_auth.clock import Clock, utcnow
from onegov_auth.domain import Client, Step
from onegov_auth.errors import DecryptionError
from onegov_auth.events import Event, EventLog
from onegov_auth.mail.messages import Letter, Messages
from onegov_auth.mail.outbox import Outbox, Taken
from onegov_auth.mail.transports import NotSentError, Transport

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.database import Database
    from onegov_auth.mail.sms import SMSSender

__all__ = ["Connected", "Delivered", "Delivery", "Hand", "mails", "texts"]

log = logging.getLogger("onegov_auth.mail")

#: Hands one message over; raises NotSentError.
Hand: TypeAlias = Callable[[Taken], None]

#: What several messages can be handed over with; raises NotSentError if there is nobody to hand them to.
Connected: TypeAlias = Callable[[], AbstractContextManager[Hand]]


@dataclass(frozen=True, slots=True)
class Delivered:
    """
    What a delivery came to.

    Attributes:
        sent: How many messages were handed over.
        failed: How many were given up.
        waiting: How many are still there, to be tried again.
    """

    sent: int = 0
    failed: int = 0
    waiting: int = 0


def mails(outbox: Outbox, messages: Messages, transport: Callable[[], Transport]) -> Connected:
    """
    The way of mails.

    Args:
        outbox: Where they wait.
        messages: Makes them.
        transport: How they leave; asked each time, because a setting may be read from a file.
    """

    @contextmanager
    def connected() -> Iterator[Hand]:
        with transport().connected() as send:

            def hand(taken: Taken) -> None:
                body = _read(outbox, taken)
                letter = Letter(taken.kind, body["to"], body["language"], body["values"])
                try:
                    message = messages.make(letter, taken.id, taken.created)
                except TemplateError as error:
                    # Somebody may put it right while the mail waits.
                    log.exception("The template of the mail %s does not work", taken.kind)
                    raise NotSentError("template", alone=True) from error
                send(message)

            yield hand

    return connected


def texts(outbox: Outbox, sender: SMSSender) -> Connected:
    """The way of text messages."""

    @contextmanager
    def connected() -> Iterator[Hand]:
        def hand(taken: Taken) -> None:
            body = _read(outbox, taken)
            sender.send(body["to"], body["text"])

        yield hand

    return connected


def _read(outbox: Outbox, taken: Taken) -> dict[str, Any]:
    try:
        return outbox.read(taken)
    except DecryptionError as error:
        raise NotSentError("key", final=True) from error


class Delivery:
    """
    Sends what is due, each message once.

    Args:
        database: Where messages wait.
        outbox: The messages.
        events: Where it is noted that one was given up.
        channels: A channel's name to its way out.
        clock: The time.
    """

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        events: EventLog,
        channels: dict[str, Connected],
        clock: Clock = utcnow,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._events = events
        self._channels = channels
        self._clock = clock

    def run(self, told: Callable[[], object]) -> Delivered:
        """Send what is due now, calling *told* after each that was tried, and say what came of it."""
        counts = [self._send_all(channel, connected, told) for channel, connected in self._channels.items()]
        waiting, _due = self._outbox.waiting()
        return Delivered(sum(sent for sent, _ in counts), sum(failed for _, failed in counts), waiting)

    def _send_all(self, channel: str, connected: Connected, told: Callable[[], object]) -> tuple[int, int]:
        """How many of a channel were sent, and how many given up."""
        taken = self._outbox.take(channel)
        if taken is None:
            return 0, 0
        sent = failed = 0
        try:
            with connected() as hand:
                while taken is not None:
                    error = self._tried(hand, taken)
                    if error is not None and not error.alone:
                        raise error
                    sent, failed = sent + (error is None), failed + self._settle(taken, error)
                    told()
                    taken = self._outbox.take(channel)
        except NotSentError as error:
            # Nobody else would have more luck now: the others stay due.
            failed += self._settle(taken, error) if taken is not None else 0
        return sent, failed

    def _tried(self, hand: Hand, taken: Taken) -> NotSentError | None:
        if self._clock() >= taken.expires:
            return NotSentError("expired", final=True)
        try:
            hand(taken)
        except NotSentError as error:
            return error
        return None

    def _settle(self, taken: Taken, error: NotSentError | None) -> bool:
        """Note how it went; says whether the message is given up."""
        if error is None:
            self._database.once(lambda db: self._outbox.done(db, taken))
            return False
        if error.final or self._clock() >= taken.expires:
            self._give_up(taken, error)
            return True
        self._database.once(lambda db: self._outbox.postpone(db, taken, error.reason))
        log.warning("A message (%s, %s) is tried again later: %s", taken.kind, taken.id, error.reason)
        return False

    def _give_up(self, taken: Taken, error: NotSentError) -> None:
        # To whom is not said: an event outlives the user (and the receiver may be none).
        steps = (Step(taken.kind, str(taken.id)), Step("tries", str(taken.tries)))
        event = Event(type=f"{taken.channel}_failed", client=Client(), code=error.reason, steps=steps, failed=True)

        def work(db: Session) -> None:
            self._outbox.done(db, taken)
            self._events.record(db, event)

        self._database.once(work)
        log.error("A message (%s, %s) is given up: %s", taken.kind, taken.id, error.reason)
        self._events.announce(event)
