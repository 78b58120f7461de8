"""One unit of work of somebody who administers, with its events."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import func, select

from onegov_auth.administration.rules import Rules
from onegov_auth.domain import Step
from onegov_auth.events import Event
from onegov_auth.models import key_of
from onegov_auth.outcomes import Refused
from onegov_auth.self_service.own_account import OwnAccount
from onegov_auth.statements import savepoint

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.domain import Client, Identity
    from onegov_auth.models import User

__all__ = ["Administering", "Deed"]

T = TypeVar("T")

#: After every end that somebody gives an account.
_EVENTUALLY = datetime(9999, 12, 31, tzinfo=UTC)


@dataclass(slots=True)
class Deed:
    """
    What somebody is doing, in one unit of work.

    Attributes:
        db: The unit of work.
        actor: Who does it.
        by: The actor's session.
        client: From where.
        events: What will be written of it.
    """

    db: Session
    actor: User
    by: Identity
    client: Client
    events: list[Event] = field(default_factory=list)

    def tell(self, type_: str, user: User | None = None, *steps: Step) -> None:
        """Write an event: of what type, about whom, and what was changed; who did it is always part of it."""
        self.events.append(
            Event(
                type=type_,
                client=self.client,
                user_id=None if user is None else key_of(user),
                username=None if user is None else user.username,
                steps=(Step("by", self.actor.username), *steps),
            )
        )

    def is_about_actor(self, user: User) -> bool:
        """Whether *user* is who does it."""
        return bool(key_of(user) == key_of(self.actor))


class Administering(OwnAccount):
    """The part of :class:`onegov_auth.auth.Auth` that all of the administration stands on."""

    @property
    def rules(self) -> Rules:
        """Who may change whom."""
        return Rules(self.settings, self.entities.user)

    def administer(self, type_: str, by: Identity, client: Client, work: Callable[[Deed], T | Refused]) -> T | Refused:
        """
        Do *work* in the name of somebody, together with its events; a refusal is written down and leaves nothing.

        All of the administration stands in one queue, so that each sees what the others did: of two administrators who
        take away each other's role at once, one remains. Whatever is done, somebody who may log in administers.

        Args:
            type_: The type of the event that a refusal is written as.
            by: Who; may have lost the right to by now.
            client: From where.
            work: Takes the :class:`Deed`; may be called again after a lost race.

        Returns:
            What *work* returned; ``Refused`` with ``not_allowed`` for who may not act any more, and with
            ``last_administrator``.
        """

        def unit(db: Session) -> tuple[T | Refused, list[Event]]:
            self._stand_in_line(db)
            actor = self.locked(db, by.uid)
            before = savepoint(db)
            if actor is None or not actor.is_active or actor.role != by.role:
                refused: T | Refused = Refused("not_allowed")
                deed = None
            else:
                deed = Deed(db, actor, by, client)
                refused = self._done(deed, work)
            if isinstance(refused, Refused):
                before.rollback()
                steps = (Step("by", by.userid), *refused.steps)
                events = [Event(type=type_, client=client, code=refused.code, steps=steps, failed=True)]
            else:
                events = [] if deed is None else deed.events
            self.events.record_all(db, events)
            return refused, events

        result, events = self.database.once(unit)
        for event in events:
            self.events.announce(event)
        self.notices.wake()
        return result

    def _done(self, deed: Deed, work: Callable[[Deed], T | Refused]) -> T | Refused:
        # Of two who give each other an end, nobody would be left after it.
        db, moments = deed.db, (self.clock(), _EVENTUALLY)
        before = [self.rules.somebody_administers(db, moment) for moment in moments]
        result = work(deed)
        if isinstance(result, Refused):
            return result
        db.flush()
        after = [self.rules.somebody_administers(db, moment) for moment in moments]
        if any(was and not is_ for was, is_ in zip(before, after, strict=True)):
            return Refused("last_administrator")
        return result

    def _stand_in_line(self, db: Session) -> None:
        if self.database.dialect == "postgresql":
            # SQLite has one writer at a time by itself.
            name = f"onegov_auth administration {self.database.schema or ''}".encode()
            number = int.from_bytes(hashlib.sha256(name).digest()[:8], "big", signed=True)
            db.execute(select(func.pg_advisory_xact_lock(number)))

    def managed(self, deed: Deed, user_id: Any) -> User | Refused:
        """
        Somebody whom the actor may change, as the last committed change left them, and nobody else's to change.

        Returns:
            The user; ``Refused`` with ``unknown_user`` or ``above_you``.
        """
        if deed.db.get(self.entities.user, user_id) is deed.actor:
            return deed.actor
        user = self.locked(deed.db, user_id)
        if user is None:
            return Refused("unknown_user")
        return user if self.rules.may_manage(deed.actor, user) else Refused("above_you")
