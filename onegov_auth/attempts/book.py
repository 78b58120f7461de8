"""Reserving an attempt, and settling it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from onegov_auth.attempts.limits import ROWS, Attempt, Tried, Verdict, bounds, judge, limits_of
from onegov_auth.attempts.networks import network
from onegov_auth.attempts.records import Records
from onegov_auth.attempts.rows import Statements
from onegov_auth.clock import Clock, utcnow
from onegov_auth.domain import hexadecimal
from onegov_auth.events import EventLog
from onegov_auth.models import DEFAULT, account_key, canonical_username
from onegov_auth.outcomes import Refused
from onegov_auth.statements import once_committed

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.attempts.limits import Budgets
    from onegov_auth.attempts.redis import RedisCounters
    from onegov_auth.database import Database
    from onegov_auth.devices import Devices
    from onegov_auth.domain import Client
    from onegov_auth.models import Entities

__all__ = ["Attempts"]

#: Kinds whose name is no account's: who registers has none yet, and tokens are counted by where they come from.
NAMELESS = frozenset({"signup", "token"})


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is tried, before anybody looked whose name it is."""

    tried: Tried
    lookup: str | None
    cookie: str

    @property
    def who(self) -> dict[str, object]:
        """For the statements; the browser is believed later, if at all."""
        tried = self.tried
        device = _device(self.cookie) if self.cookie else ""
        return {
            "kind": tried.kind,
            "account": tried.account,
            "lookup": self.lookup,
            "address": tried.address,
            "device": device,
        }


class Attempts(Records):
    """
    Reserves, counts and settles attempts.

    Args:
        database: Where they are kept; reserving commits a transaction of its own.
        budgets: How many are allowed.
        clock: The time.
        entities: The mapped classes.
        devices: Know browsers again; without them, none is known.
        counters: Count in place of the database, which keeps the record then.
    """

    def __init__(
        self,
        database: Database,
        budgets: Budgets,
        *,
        clock: Clock = utcnow,
        entities: Entities = DEFAULT,
        devices: Devices | None = None,
        counters: RedisCounters | None = None,
    ) -> None:
        super().__init__(entities, clock, counters, EventLog(database, clock=clock, entities=entities))
        self._database = database
        self._budgets = budgets
        self._devices = devices
        self._statements = Statements(database, entities)

    def admit(self, kind: str, name: str | None, client: Client, *, covert: bool = False) -> Attempt | Refused:
        """
        Reserve an attempt, or refuse it because there were too many.

        An attempt during a lockout is stored as such and doesn't prolong it.

        Args:
            kind: What is tried; its budget is ``attempts.<kind>``.
            name: The account as typed; spellings of one name share a budget (UNI-11). ``None`` where none is named
                yet: then it counts for the address only.
            client: From where. A browser that the account's owner logged in with before has a budget of its own.
            covert: The caller can fail without saying why: a lock that is due to another name of the same person
                makes the attempt void (:attr:`Attempt.void`), because it would tell that there is such a person.

        Returns:
            The attempt to settle; ``Refused`` with ``locked`` and the seconds to wait, or with ``locked_out`` if
            there were so many failures in a row that nothing but an unlock or a new password helps.

        Raises:
            CountersUnavailableError: If attempts are counted in a Redis that doesn't answer.
        """
        return self._reserve(self._asked(kind, name, client), covert=covert)

    def fail(self, kind: str, name: str | None, client: Client, code: str) -> Refused | None:
        """
        Count an attempt that is not looked at: a form that was not ours, or not filled in.

        Args:
            kind: What was tried.
            name: The account as typed; ``None`` if none was: then it counts for the address only.
            client: From where.
            code: ``csrf`` or ``form``.

        Returns:
            ``Refused`` as :meth:`admit`, if there were too many.

        Raises:
            CountersUnavailableError: As :meth:`admit`.
        """
        refused = self._reserve(self._asked(kind, name, client), code=code, covert=True)
        return refused if isinstance(refused, Refused) else None

    def settle(self, db: Session, attempt: Attempt, code: str, *, success: bool | None, user_id: object = None) -> None:
        """
        Write down how an attempt went, in the unit of work that ends it.

        Args:
            db: The unit of work to write in.
            attempt: What :meth:`admit` returned.
            code: The outcome.
            success: ``True`` gives the account its budget back; ``None`` takes the attempt out of the
                count, because nobody could say (a directory that is down guesses no password).
            user_id: Who came in, if anybody did.
        """
        success = False if attempt.void and success else success
        person = None if user_id is None or not success else hexadecimal(user_id)
        self._statements.settle.later(db, which=attempt.id, how=success, why=code, whose=person)
        if self._counters is not None and attempt.tried is not None and success is not False:
            tried = attempt.tried if person is None else replace(attempt.tried, person=person)
            # A success that comes to nothing, because somebody was deactivated meanwhile, gives no budget back.
            settle = partial(self._counters.settle, tried, attempt.entry, success=success is True)
            once_committed(db, settle)

    def _asked(self, kind: str, name: str | None, client: Client) -> _Asked:
        account = None if name is None else account_key(name)
        lookup = None if name is None or kind in NAMELESS else _lookup(name)
        return _Asked(Tried(kind, account, network(client.address)), lookup, client.device or "")

    def _reserve(self, asked: _Asked, *, code: str | None = None, covert: bool) -> Attempt | Refused:
        if self._counters is not None:
            return self._reserve_there(asked, self._counters, code=code, covert=covert)
        now = self._clock()
        limits = bounds(self._budgets, asked.tried.kind, now.timestamp())

        def reserve(driver: Any) -> Attempt | Refused:
            here = bool(asked.cookie) and self._devices is not None
            person, failures = self._statements.state(driver, limits, here=here, **asked.who)
            tried = self._known(asked, person)
            if here and tried.device is None:
                # Another person's browser, or a forged cookie: as if there were none.
                person, failures = self._statements.state(driver, limits, here=False, **asked.who)
            verdict = judge(self._limits(tried, code, covert=covert), failures, now.timestamp())
            row = self._statements.write(driver, **_row(tried, verdict, code, now))
            return _answer(verdict, Attempt(row, verdict.void))

        return self._database.once_on_driver(reserve)

    def _reserve_there(
        self, asked: _Asked, counters: RedisCounters, *, code: str | None, covert: bool
    ) -> Attempt | Refused:
        """Count in Redis; failures in a row are read from the table as well, which forgets nothing."""
        now = self._clock()
        bound = bounds(self._budgets, asked.tried.kind, now.timestamp())
        person, failures = self._database.once_on_driver(
            lambda driver: self._statements.in_a_row(driver, bound, **asked.who), single=True
        )
        tried = self._known(asked, person)
        limits = self._limits(tried, code, covert=covert)
        floor = judge([limit for limit in limits if limit.name in ROWS], failures, now.timestamp())
        verdict, entry = counters.reserve(tried, limits, now.timestamp(), floor)
        row = _row(tried, verdict, code, now)
        number = self._database.once_on_driver(lambda driver: self._statements.record(driver, **row), single=True)
        return _answer(verdict, Attempt(number, verdict.void, tried, entry))

    def _limits(self, tried: Tried, code: str | None, *, covert: bool) -> list[Any]:
        return limits_of(self._budgets, tried, covert=covert, unseen=code is not None)

    def _known(self, asked: _Asked, person: str | None) -> Tried:
        """The attempt, with whose it is, and with the browser if it is known for that person."""
        device = None
        if person is not None and asked.cookie and self._devices is not None:
            device = _device(asked.cookie) if self._devices.knows(asked.cookie, person) else None
        return replace(asked.tried, person=person, device=device)


def _row(tried: Tried, verdict: Verdict, code: str | None, now: datetime) -> Mapping[str, object]:
    outcome = code
    if code is None and verdict.locked:
        outcome = _code(verdict)
    return {
        "attempt_type": tried.kind,
        "user_input": tried.account,
        "source_ip": tried.address,
        "datetime_utc": now,
        "is_during_lockout": verdict.locked,
        "success": False if outcome is not None else None,
        "code": outcome,
        # What is void is an attempt during a lockout of that person, which it must not prolong.
        "person": None if verdict.void else tried.person,
        "device": tried.device,
    }


def _answer(verdict: Verdict, attempt: Attempt) -> Attempt | Refused:
    if not verdict.locked:
        return attempt
    wait = None if math.isinf(verdict.wait) else int(verdict.wait) + 1
    return Refused(_code(verdict), retry_after=wait)


def _code(verdict: Verdict) -> str:
    return "locked_out" if math.isinf(verdict.wait) else "locked"


def _lookup(name: str) -> str | None:
    """The name as users have it."""
    try:
        return canonical_username(name)
    except ValueError:
        return None


def _device(cookie: str) -> str:
    """Names a browser without being its cookie, which would let anybody be that browser."""
    return hashlib.sha256(b"onegov_auth device " + cookie.partition(".")[0].encode()).hexdigest()[:32]
