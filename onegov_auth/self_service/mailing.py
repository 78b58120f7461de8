"""What all self-service has in common: finding whom an address belongs to, and writing down what was done."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import func, or_, select
from sqlalchemy.orm import undefer

from onegov_auth.errors import InsecurePasswordError, InvalidPasswordError
from onegov_auth.events import Event
from onegov_auth.models import as_key, canonical_username, primary_key
from onegov_auth.outcomes import Refused
from onegov_auth.parts import Parts
from onegov_auth.statements import savepoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from onegov_auth.attempts import Attempt
    from onegov_auth.domain import Client, Step
    from onegov_auth.models import User

__all__ = ["SelfService", "token_name", "told"]

T = TypeVar("T")

#: Where a mail to nobody would go; never stored.
_NOBODY = "nobody@example.org"


def told(event: Event, *steps: Step, code: str = "ok") -> Event:
    """*event* with what was decided on the way."""
    return replace(event, steps=steps, code=code)


def token_name(token: str) -> str:
    """What tries with a mailed token are counted by: by address, anybody could use up somebody else's."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()[:32]


class SelfService(Parts):
    """What the parts of :class:`onegov_auth.auth.Auth` for people's own accounts have in common."""

    def named(self, db: Session, address: str) -> list[User]:
        """
        Everybody whose name or address this is, however it is spelt, locked until the unit of work ends.

        Compared in canonical form on both sides, and by nothing a database's collation thinks alike (UNI-01).
        """
        try:
            key = canonical_username(address)
        except ValueError:
            return []
        if self.database.dialect == "postgresql":
            # SQLite has one writer at a time; here two at once would both find that nobody has the address (RACE-10).
            number = int.from_bytes(
                hashlib.sha256(b"onegov_auth address " + key.encode()).digest()[:8], "big", signed=True
            )
            db.execute(select(func.pg_advisory_xact_lock(number)))
        users: Any = self.entities.user
        either = or_(users.username_key == key, users.email == key)
        found = select(users).where(either).order_by(users.created).options(undefer(users.data)).with_for_update()
        return list(db.scalars(found))

    def send_nothing(self, db: Session, kind: str, client: Client) -> None:
        """As much work as a mail to somebody, and none afterwards: whoever waits can't tell by the time (ENUM-04)."""
        values = {
            "username": _NOBODY,
            "name": _NOBODY,
            "time": self.clock(),
            "address": client.address,
            "device": client.user_agent,
            "url": self.notices.url("login"),
            "until": self.clock(),
        }
        before = savepoint(db)
        self.notices.mail(db, kind, _NOBODY, values)
        db.flush()
        before.rollback()

    def locked(self, db: Session, user_id: object) -> User | None:
        """The user of that id, as the last committed change left it, and nobody else's to change for now."""
        users: Any = self.entities.user
        key = as_key(users, user_id)
        found: User | None = db.scalar(
            select(users).where(primary_key(users) == key).with_for_update().execution_options(populate_existing=True)
        )
        return found

    def do(
        self,
        event: Event,
        work: Callable[[Session], tuple[T | Refused, Event]],
        attempt: Attempt | None = None,
        *,
        every_use_counts: bool = False,
    ) -> T | Refused:
        """
        One unit of work with its event: committed together, or for a refusal rolled back before the event.

        Args:
            event: What is written of a refusal, with its code.
            work: Does it, and says what is written of that; may be called again after a lost race.
            attempt: The reserved attempt to settle.
            every_use_counts: Whether the budget is spent by a success as well.
        """

        def unit(db: Session) -> tuple[T | Refused, Event]:
            before = savepoint(db)
            result, done = work(db)
            if isinstance(result, Refused):
                before.rollback()
                steps = (*event.steps, *result.steps)
                done = replace(event, code=result.code, steps=steps, user_id=done.user_id, username=done.username)
            db.flush()
            if attempt is not None:
                good = not isinstance(result, Refused) and not every_use_counts
                self.attempts.settle(db, attempt, done.code, success=good)
            self.events.record(db, done)
            return result, done

        result, done = self.database.once(unit)
        self.events.announce(done)
        self.notices.wake()
        return result

    def prepared(
        self, attempt: Attempt, password: str, username: str, *also: str | None, user_id: object = None
    ) -> str:
        """
        The hash of a new password; see :meth:`onegov_auth.new_passwords.NewPasswords.prepare`.

        Raises:
            InsecurePasswordError: If the policy forbids it.
            InvalidPasswordError: If it can't be hashed.
        """
        try:
            return self.passwords.prepare(password, username, *also, user_id=user_id)
        except (InsecurePasswordError, InvalidPasswordError) as error:
            # Who looks for a good password doesn't guess one.
            code = error.code
            self.database.once(lambda db: self.attempts.settle(db, attempt, code, success=None))
            raise

    def refused(self, refusal: Refused, event: Event) -> Refused:
        """Write down a refusal that was decided before anything was done."""
        done = replace(event, code=refusal.code, steps=refusal.steps)
        self.database.once(lambda db: self.events.record(db, done))
        self.events.announce(done)
        return refusal

    def event(self, type_: str, client: Client, username: str | None = None, user: User | None = None) -> Event:
        """An event of self-service."""
        if user is None:
            return Event(type=type_, client=client, username=username)
        return Event(type=type_, client=client, user_id=user.id, username=user.username)
