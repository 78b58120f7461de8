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

from sqlalchemy import BigInteger, and_, bindparam, delete, func, insert, or_, select, update

from onegov_auth.clock import Clock, utcnow
from onegov_auth.models import DEFAULT, canonical_username
from onegov_auth.outcomes import Refused
from onegov_auth.statements import Prepared

if TYPE_CHECKING:
    from sqlalchemy import Select
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
        self._statements = _Statements(database, self._rows.__table__)

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

        def reserve(driver: Any) -> Attempt | Refused:
            self._statements.serialise(driver, account, address)
            wait = max(
                self._account_locked_for(driver, kind, account, now),
                self._address_locked_for(driver, kind, address, now),
            )
            locked = wait > timedelta(0)
            row = self._statements.insert.one(
                driver,
                attempt_type=kind,
                user_input=account,
                source_ip=address,
                datetime_utc=now,
                is_during_lockout=locked,
                success=False if locked else None,
                code="locked" if locked else None,
                person=None,
                device=None,
            )
            if locked or row is None:
                return Refused("locked", retry_after=int(wait.total_seconds()) + 1)
            return Attempt(row[0])

        return self._database.once_on_driver(reserve)

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
        self._statements.settle.later(db, which=attempt.id, how=success, why=code)

    def cleanup(self, db: Session, keep: timedelta = timedelta(days=30)) -> int:
        """Delete attempts older than *keep*; returns how many."""
        result = db.execute(delete(self._rows).where(self._rows.datetime_utc < self._clock() - keep))
        return int(getattr(result, "rowcount", 0))

    def _account_locked_for(self, driver: Any, kind: str, account: str, now: datetime) -> timedelta:
        limit: Limit = getattr(self._budgets, kind)
        return _wait(limit, now, self._statements.of_account, driver, kind=kind, account=account)

    def _address_locked_for(self, driver: Any, kind: str, address: str, now: datetime) -> timedelta:
        limit = self._budgets.per_address
        if limit is None or not address:
            return timedelta(0)
        # A success of one account doesn't give the address its budget back (RATE-02).
        return _wait(limit, now, self._statements.of_address, driver, kind=kind, address=address)


class _Statements:
    """What :class:`Attempts` does in the database, compiled once."""

    def __init__(self, database: Database, table: Any) -> None:
        rows, dialect = table.c, database.engine.dialect
        counted = (
            or_(rows.success.is_(False), and_(rows.success.is_(None), rows.code.is_(None))),
            rows.is_during_lockout.is_(False),
            rows.attempt_type == bindparam("kind"),
            rows.datetime_utc > bindparam("since"),
        )
        # By number: a clock that goes back must not hide what is tried now behind what was tried "later" (RATE-06).
        failures = select(rows.datetime_utc).where(*counted).order_by(rows.id.desc()).limit(bindparam("most"))
        self.of_account = Prepared(dialect, _since_last_success(table, failures))
        self.of_address = Prepared(dialect, failures.where(rows.source_ip == bindparam("address")))
        self.insert = Prepared(
            dialect, insert(table).returning(rows.id), [column.key for column in rows if column.key != "id"]
        )
        self.settle = Prepared(
            dialect,
            update(table).where(rows.id == bindparam("which")).values(success=bindparam("how"), code=bindparam("why")),
        )
        self._lock = (
            Prepared(
                dialect,
                select(
                    *(func.pg_advisory_xact_lock(bindparam(name, type_=BigInteger)) for name in ("first", "second"))
                ),
            )
            if database.dialect == "postgresql"
            else None
        )

    def serialise(self, driver: Any, account: str, address: str) -> None:
        """
        Let nobody else count the same account or address until this transaction ends.

        SQLite has one writer at a time anyway; PostgreSQL takes a lock per key, in a fixed order.
        """
        if self._lock is not None:
            first, second = sorted((_lock_number(account), _lock_number(address)))
            self._lock.run(driver, first=first, second=second)


def _since_last_success(table: Any, failures: Select[Any]) -> Select[Any]:
    """Those of an account. A success gives it its budget back: what was before doesn't count."""
    rows, earlier = table.c, table.alias().c
    last_success = (
        select(func.max(earlier.id))
        .where(
            earlier.user_input == bindparam("account"),
            earlier.attempt_type == bindparam("kind"),
            earlier.success.is_(True),
        )
        .scalar_subquery()
    )
    return failures.where(rows.user_input == bindparam("account"), rows.id > func.coalesce(last_success, 0))


def _wait(limit: Limit, now: datetime, failures: Prepared, driver: Any, **which: object) -> timedelta:
    """How long nothing is answered any more, from the failures that count."""
    since = now - limit.lockout - limit.within
    found = failures.all(driver, since=since, most=limit.limit, **which)
    if len(found) < limit.limit:
        return timedelta(0)
    newest, oldest = found[0][0], found[-1][0]
    if newest - oldest > limit.within.total_seconds():
        return timedelta(0)
    return max(timedelta(seconds=newest - now.timestamp()) + limit.lockout, timedelta(0))


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
        # Directories ignore how many spaces stand in a name (RFC 4518 §2.6.1), and so does the budget.
        return " ".join(canonical_username(name).split())
    except ValueError:
        return "?" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def _lock_number(key: str) -> int:
    return int.from_bytes(hashlib.sha256(b"onegov_auth attempts " + key.encode()).digest()[:8], "big", signed=True)
