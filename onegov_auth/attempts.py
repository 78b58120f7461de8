"""
Who tries too often: the budget every attempt is taken from before anything is asked.

An attempt is *reserved* and committed before the password is looked at, and settled afterwards: of any
number of guesses at once, only as many are looked at as the limit allows, and no rollback gives one
back (RACE-09). What is reserved and never settled counts as a failure.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, text, update

from onegov_auth.clock import Clock, utcnow
from onegov_auth.models import DEFAULT, canonical_username
from onegov_auth.outcomes import Refused

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.database import Database
    from onegov_auth.domain import Client
    from onegov_auth.models import Entities

__all__ = ["Attempt", "Attempts", "Budgets", "Limit"]


class Limit(Protocol):
    """So many failures within a time lead to a lockout of that length."""

    @property
    def limit(self) -> int:
        """How many failures are allowed."""

    @property
    def within(self) -> timedelta:
        """The time they are counted in."""

    @property
    def lockout(self) -> timedelta:
        """How long nothing is answered after the last of them."""


class Budgets(Protocol):
    """The part of the settings this module needs (``attempts:``)."""

    @property
    def login(self) -> Limit:
        """The budget of an account, for logins."""

    @property
    def per_address(self) -> Limit | None:
        """The budget of a network address, whatever the account; ``None`` for no limit."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A reserved attempt, to be settled: see :meth:`Attempts.settle`."""

    id: Any


class Attempts:
    """
    Reserves, counts and settles attempts.

    Args:
        database: Where they are kept; reserving commits a transaction of its own.
        budgets: How many are allowed.
        clock: The time.
        entities: The mapped classes.
    """

    def __init__(
        self, database: Database, budgets: Budgets, *, clock: Clock = utcnow, entities: Entities = DEFAULT
    ) -> None:
        self._database = database
        self._budgets = budgets
        self._clock = clock
        self._rows: Any = entities.attempt

    def admit(self, kind: str, name: str, client: Client) -> Attempt | Refused:
        """
        Reserve an attempt, or refuse it because there were too many.

        An attempt during a lockout is stored as such and doesn't prolong it.

        Args:
            kind: What is tried; its budget is ``attempts.<kind>``.
            name: The account as typed; spellings of one name share a budget (UNI-11).
            client: From where.

        Returns:
            The attempt to settle, or ``Refused("locked")`` with the seconds to wait.
        """
        account, address = _key(name), network(client.address)
        now = self._clock()

        def reserve(db: Session) -> Attempt | Refused:
            self._serialise(db, account, address)
            wait = max(self._locked_for(db, kind, account, now), self._address_locked_for(db, kind, address, now))
            row = self._rows(
                attempt_type=kind,
                user_input=account,
                source_ip=address,
                datetime_utc=now,
                is_during_lockout=wait > timedelta(0),
                success=None,
                code=None,
            )
            if wait > timedelta(0):
                row.success, row.code = False, "locked"
            db.add(row)
            db.flush()
            if wait > timedelta(0):
                return Refused("locked", retry_after=int(wait.total_seconds()) + 1)
            return Attempt(row.id)

        return self._database.once(reserve)

    def settle(self, db: Session, attempt: Attempt, code: str, *, success: bool | None) -> None:
        """
        Write down how an attempt went, in the unit of work that ends it.

        Args:
            db: The unit of work to write in.
            attempt: What :meth:`admit` returned.
            code: The outcome.
            success: ``True`` gives the account its budget back; ``None`` takes the attempt out of the
                count, because nobody could say (a directory that is down guesses no password).
        """
        rows = self._rows
        db.execute(
            update(rows)
            .where(rows.id == attempt.id)
            .values(success=success, code=code)
            .execution_options(synchronize_session=False)
        )

    def cleanup(self, db: Session, keep: timedelta = timedelta(days=30)) -> int:
        """Delete attempts older than *keep*; returns how many."""
        result = db.execute(delete(self._rows).where(self._rows.datetime_utc < self._clock() - keep))
        return int(getattr(result, "rowcount", 0))

    def _serialise(self, db: Session, *keys: str) -> None:
        # SQLite has one writer at a time anyway; PostgreSQL counts under a lock per key, in a fixed order.
        if self._database.dialect == "postgresql":
            for number in sorted(_lock_number(key) for key in keys):
                db.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})

    def _locked_for(self, db: Session, kind: str, account: str, now: datetime) -> timedelta:
        limit: Limit = getattr(self._budgets, kind)
        rows = self._rows
        last_success = db.scalar(
            select(func.max(rows.datetime_utc)).where(
                rows.user_input == account, rows.attempt_type == kind, rows.success.is_(True)
            )
        )
        conditions = [rows.user_input == account, rows.attempt_type == kind]
        if last_success is not None:
            conditions.append(rows.datetime_utc > last_success)
        return self._wait(db, limit, conditions, now)

    def _address_locked_for(self, db: Session, kind: str, address: str, now: datetime) -> timedelta:
        limit = self._budgets.per_address
        if limit is None or not address:
            return timedelta(0)
        # A success of one account doesn't give the address its budget back (RATE-02).
        rows = self._rows
        return self._wait(db, limit, [rows.source_ip == address, rows.attempt_type == kind], now)

    def _wait(self, db: Session, limit: Limit, conditions: list[ColumnElement[bool]], now: datetime) -> timedelta:
        rows = self._rows
        failures = db.scalars(
            select(rows.datetime_utc)
            .where(
                *conditions,
                or_(rows.success.is_(False), and_(rows.success.is_(None), rows.code.is_(None))),
                rows.is_during_lockout.is_(False),
                rows.datetime_utc > now - limit.lockout - limit.within,
            )
            .order_by(rows.datetime_utc.desc())
            .limit(limit.limit)
        ).all()
        if len(failures) < limit.limit:
            return timedelta(0)
        newest: datetime = failures[0]
        oldest: datetime = failures[-1]
        if newest - oldest > limit.within:
            return timedelta(0)
        return max(newest + limit.lockout - now, timedelta(0))


def network(address: str) -> str:
    """The network an address is counted by: itself, or the /64 of IPv6, which one household owns."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if parsed.version == 4:
        return str(parsed)
    mapped = parsed.ipv4_mapped
    return str(mapped) if mapped is not None else str(ipaddress.ip_network((parsed, 64), strict=False))


def _key(name: str) -> str:
    try:
        return canonical_username(name)
    except ValueError:
        return "?" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def _lock_number(key: str) -> int:
    return int.from_bytes(hashlib.sha256(b"onegov_auth attempts " + key.encode()).digest()[:8], "big", signed=True)
