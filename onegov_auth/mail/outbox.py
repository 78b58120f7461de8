"""
What is to be sent, kept until it is.

A message is written in the unit of work that it tells of: it is there if and only if that was committed. Whoever
sends one takes it first, by one conditional statement, for as long as sending may take: two processes never send the
same message, unless one of them dies between handing it over and noting so.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from sqlalchemy import delete, func, select, update

from onegov_auth.clock import Clock, utcnow
from onegov_auth.models import DEFAULT

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.database import Database
    from onegov_auth.keys import Keys
    from onegov_auth.models import Entities

__all__ = ["Outbox", "Taken"]

#: How long one try may take at most; longer than ten time-outs of :mod:`onegov_auth.mail.transports`.
LEASE = timedelta(minutes=5)

#: Seconds until the second try; every further one waits twice as long (RFC 5321 §4.5.4.1 asks for less haste).
FIRST_RETRY = 30

#: And at most that long.
SLOWEST_RETRY = timedelta(hours=1)

_TIME = "$time"


@dataclass(frozen=True, slots=True)
class Taken:
    """
    A message that the caller, and nobody else, is to send now.

    Attributes:
        id: Its id.
        channel: ``mail`` or ``sms``.
        kind: What kind of message.
        created: When it was queued.
        expires: When it is given up.
        tries: How often it was tried, with this one.
        sealed: What it says, encrypted.
    """

    id: UUID
    channel: str
    kind: str
    created: datetime
    expires: datetime
    tries: int
    sealed: str = field(repr=False)


class Outbox:
    """
    Keeps messages.

    Args:
        database: Where.
        keys: Encrypt what a message says, and to whom.
        clock: The time.
        chance: Makes a number from 0 to 1, for retries that don't come all at once.
        entities: The mapped classes.
    """

    def __init__(
        self,
        database: Database,
        keys: Keys,
        *,
        clock: Clock = utcnow,
        chance: Callable[[], float] = random.random,
        entities: Entities = DEFAULT,
    ) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._chance = chance
        self._rows: Any = entities.message

    def add(self, db: Session, channel: str, kind: str, body: Mapping[str, object], expires: datetime) -> UUID:
        """
        Keep a message in the unit of work *db*.

        Args:
            db: The unit of work.
            channel: ``mail`` or ``sms``.
            kind: What kind of message.
            body: What it says to whom: texts, numbers, times, and lists of them.
            expires: When it is given up.

        Returns:
            Its id.
        """
        id_, now = uuid4(), self._clock()
        sealed = self._keys.encrypt("outbox", json.dumps(body, default=_encoded), str(id_))
        row = {"channel": channel, "kind": kind, "body": sealed, "created": now, "due": now, "expires": expires}
        db.add(self._rows(id=id_, tries=0, **row))
        return id_

    def take(self, channel: str) -> Taken | None:
        """The message that has waited longest, for the caller alone; ``None`` if nothing is due."""
        return self._database.once(lambda db: self._take(db, channel))

    def _take(self, db: Session, channel: str) -> Taken | None:
        rows, now = self._rows, self._clock()
        is_due = (rows.channel == channel, rows.due <= now)
        while (
            found := db.execute(select(rows.id, rows.due).where(*is_due).order_by(rows.due).limit(1)).first()
        ) is not None:
            # Who is first moves the time; the others don't find it any more.
            taken = db.execute(
                update(rows)
                .where(rows.id == found.id, rows.due == found.due)
                .values(due=now + LEASE, tries=rows.tries + 1)
                .returning(rows.id, rows.channel, rows.kind, rows.created, rows.expires, rows.tries, rows.body)
                .execution_options(synchronize_session=False)
            ).first()
            if taken is not None:
                return Taken(*taken)
        return None

    def read(self, taken: Taken) -> dict[str, Any]:
        """
        What a message says.

        Raises:
            DecryptionError: If its secret is no longer in the settings.
        """
        body: dict[str, Any] = json.loads(
            self._keys.decrypt("outbox", taken.sealed, str(taken.id)), object_hook=_decoded
        )
        return body

    def done(self, db: Session, taken: Taken) -> None:
        """It was sent, or is given up; nothing of it is kept."""
        db.execute(delete(self._rows).where(self._rows.id == taken.id))

    def postpone(self, db: Session, taken: Taken, code: str) -> None:
        """
        It was not sent, and is tried again: after half a minute, then twice as long each time, up to an hour.

        Args:
            db: The unit of work.
            taken: The message.
            code: Why.
        """
        longest = min(timedelta(seconds=FIRST_RETRY * 2 ** min(taken.tries - 1, 20)), SLOWEST_RETRY)
        # From half of it to all of it, so that what failed together does not come back together.
        due = self._clock() + longest * (0.5 + self._chance() / 2)
        db.execute(update(self._rows).where(self._rows.id == taken.id).values(due=due, code=code))

    def waiting(self) -> tuple[int, datetime | None]:
        """How many messages wait, and when the next of them is due."""
        with self._database.read() as db:
            count, due = db.execute(select(func.count(), func.min(self._rows.due)).select_from(self._rows)).one()
        return int(count), due

    def cleanup(self, db: Session) -> int:
        """Delete what nobody sent in time; returns how many."""
        result = db.execute(delete(self._rows).where(self._rows.expires <= self._clock()))
        return int(getattr(result, "rowcount", 0))


def _encoded(value: object) -> object:
    if isinstance(value, datetime):
        return {_TIME: value.timestamp()}
    raise TypeError(f"a message can't hold {type(value).__name__}")


def _decoded(value: dict[str, Any]) -> object:
    return datetime.fromtimestamp(value[_TIME], UTC) if value.keys() == {_TIME} else value
