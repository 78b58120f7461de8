"""The record of attempts: who looks at it, what ends a lockout, and what goes when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, false, func, insert, or_, select, true

from onegov_auth.attempts.limits import GUESSED, KINDS
from onegov_auth.attempts.networks import network
from onegov_auth.attempts.rows import as_person
from onegov_auth.domain import Step, hexadecimal
from onegov_auth.events import Event
from onegov_auth.models import SECOND_SEEDS_KINDS, Columns, account_key, as_key, canonical_username, key_of, primary_key

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.attempts.redis import RedisCounters
    from onegov_auth.clock import Clock
    from onegov_auth.domain import Client
    from onegov_auth.events import EventLog
    from onegov_auth.models import Entities, LoginAttempt, User

__all__ = ["KEEP", "UNLOCKED", "Records"]

#: How long attempts are kept by ``onegov-auth cleanup`` unless told otherwise.
KEEP = timedelta(days=30)

#: The code of the row that ends a lockout.
UNLOCKED = "unlocked"


class Records:
    """
    What may be done with the table of attempts.

    Args:
        entities: The mapped classes.
        clock: The time.
        counters: What counts in place of the database.
        events: Where is written who unlocked whom.
    """

    def __init__(self, entities: Entities, clock: Clock, counters: RedisCounters | None, events: EventLog) -> None:
        self._rows: Any = entities.attempt
        self._users: Any = entities.user
        self._clock = clock
        self._counters = counters
        self._events = events

    def list(
        self,
        db: Session,
        *,
        kind: str | None = None,
        name: str | None = None,
        address: str | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> Sequence[LoginAttempt]:
        """
        Attempts, the newest first.

        Args:
            db: A session.
            kind: Of that kind only; the second seed's names are understood.
            name: With that name, or another name of the same person.
            address: From that address, or the /64 of IPv6 it is in.
            before: Only those with a smaller number: the next page.
            limit: How many at most.
        """
        rows = self._rows
        found = select(rows).order_by(rows.id.desc()).limit(limit)
        if kind is not None:
            found = found.where(rows.attempt_type == SECOND_SEEDS_KINDS.get(kind, kind))
        if name is not None:
            user = self._owner(db, name)
            mine = rows.user_input == account_key(name)
            found = found.where(mine if user is None else or_(mine, rows.person == hexadecimal(key_of(user))))
        if address is not None:
            found = found.where(rows.source_ip == network(address))
        if before is not None:
            found = found.where(rows.id < before)
        return db.scalars(found).all()

    def unlock(
        self,
        db: Session,
        name: str | None = None,
        address: str | None = None,
        kind: str | None = None,
        client: Client | None = None,
    ) -> int:
        """
        Forgive failures, so that nothing they locked is locked any more (RATE-08). The record stays.

        Args:
            db: The unit of work.
            name: A name of the account; all names of the same person are unlocked.
            address: A network address.
            kind: Of that kind only; the second seed's names are understood.
            client: Who does that: an event is written in the same unit. Without it the caller writes one.

        Returns:
            How many failures were forgiven that counted until now.

        Raises:
            ValueError: If there is no such kind.
        """
        kinds = _kinds(kind)
        user = None if name is None else self._owner(db, name)
        person = None if user is None else hexadecimal(key_of(user))
        names = set() if name is None else self._names(db, name, user)
        forgiven = 0
        for each in kinds:
            for one in sorted(names):
                forgiven += self._forgive(db, each, person, user_input=one)
            if address is not None:
                forgiven += self._forgive(db, each, None, source_ip=network(address))
        if self._counters is not None:
            self._counters.unlock(kinds, names, person, None if address is None else network(address))
        if client is not None:
            self._tell(db, client, user, name or address or "", kinds, forgiven)
        return forgiven

    def purge(
        self,
        db: Session,
        username: str | None = None,
        older_than: int | None = None,
        attempt_type: str | None = None,
    ) -> int:
        """
        Delete attempts: see :meth:`onegov_auth.models.AttemptMixin.purge_attempts`.

        What is deleted counts no more.
        """
        purged: int = self._rows.purge_attempts(db, username, older_than, attempt_type)
        if self._counters is not None and older_than is None:
            kinds = _kinds(attempt_type)
            if username is None:
                self._counters.drop(kinds)
            else:
                user = self._owner(db, username)
                person = None if user is None else hexadecimal(key_of(user))
                self._counters.unlock(kinds, {account_key(username)}, person, None)
        return purged

    def cleanup(self, db: Session, keep: timedelta = KEEP) -> int:
        """
        Delete attempts older than *keep*; returns how many.

        Failures in a row of people there are stay until one succeeds, no more than a hundred each: an account must
        not come back into reach by waiting (NIST 800-63B-4 §3.2.2).
        """
        rows = self._rows
        later = Columns(self._rows, self._rows.__table__.alias())
        succeeded = select(later.id).where(
            later.person == rows.person,
            later.attempt_type == rows.attempt_type,
            later.is_during_lockout == false(),
            later.success == true(),
            later.id > rows.id,
        )
        in_a_row = (
            rows.person.in_(select(as_person(primary_key(self._users)))),
            rows.attempt_type.in_(sorted(GUESSED)),
            rows.is_during_lockout == false(),
            or_(rows.success.is_(False), rows.success.is_(None) & rows.code.is_(None)),
            ~succeeded.exists(),
        )
        kept = select(rows.id).where(rows.datetime_utc < self._clock() - keep, *in_a_row)
        gone = delete(rows).where(rows.datetime_utc < self._clock() - keep, rows.id.not_in(kept))
        result = db.execute(gone.execution_options(synchronize_session=False))
        return int(getattr(result, "rowcount", 0))

    def _owner(self, db: Session, name: str) -> User | None:
        """Whose name it is, as :mod:`onegov_auth.attempts.rows` finds out."""
        users, rows = self._users, self._rows
        try:
            key = canonical_username(name)
        except ValueError:
            return None
        mine: User | None = db.scalar(select(users).where(users.username_key == key))
        if mine is None:
            mine = db.scalars(select(users).where(users.email == key, users.password_hash != "").limit(1)).first()
        if mine is not None:
            return mine
        before = (
            select(rows.person)
            .where(
                rows.attempt_type == "login",
                rows.user_input == account_key(name),
                rows.success == true(),
                rows.person.is_not(None),
            )
            .order_by(rows.id.desc())
            .limit(1)
        )
        person = db.scalar(before)
        return None if person is None else db.get(users, as_key(users, person))

    def _names(self, db: Session, name: str, user: User | None) -> set[str]:
        """Every name that is known to be the same person's."""
        names = {account_key(name)}
        if user is None:
            return names
        rows = self._rows
        tried = select(rows.user_input).where(rows.person == hexadecimal(key_of(user)), rows.attempt_type.in_(KINDS))
        own = {account_key(one) for one in (user.username, user.email) if one}
        return names | own | {one for one in db.scalars(tried.distinct()) if one is not None}

    def _forgive(self, db: Session, kind: str, person: str | None, **who: str) -> int:
        """Write the row that a budget begins with; returns how many failures were before it."""
        rows = self._rows
        mine = [rows.attempt_type == kind, *(getattr(rows, name) == value for name, value in who.items())]
        last = select(func.coalesce(func.max(rows.id), 0)).where(
            *mine, rows.success == true(), *([] if "user_input" in who else [rows.code == UNLOCKED])
        )
        failed = or_(rows.success.is_(False), rows.success.is_(None) & rows.code.is_(None))
        counted = select(func.count()).where(
            *mine, failed, rows.is_during_lockout == false(), rows.id > last.scalar_subquery()
        )
        values = {"attempt_type": kind, "datetime_utc": self._clock(), "is_during_lockout": False, "person": person}
        forgiven = int(db.scalar(counted) or 0)
        db.execute(insert(rows).values(**values, **who, success=True, code=UNLOCKED))
        return forgiven

    def _tell(
        self, db: Session, client: Client, user: User | None, what: str, kinds: Iterable[str], forgiven: int
    ) -> None:
        steps = (Step("kinds", ", ".join(kinds)), Step("failures", str(forgiven)))
        event = Event(type=UNLOCKED, client=client, username=what, steps=steps)
        if user is not None:
            event = Event(type=UNLOCKED, client=client, user_id=key_of(user), username=user.username, steps=steps)
        self._events.record(db, event)


def _kinds(kind: str | None) -> tuple[str, ...]:
    if kind is None:
        return KINDS
    kind = SECOND_SEEDS_KINDS.get(kind, kind)
    if kind not in KINDS:
        raise ValueError(f"no kind of attempt: {kind}; there are {', '.join(KINDS)}")
    return (kind,)
