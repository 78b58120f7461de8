"""
The statements over the table of attempts, compiled once.

On PostgreSQL an attempt is reserved in two round trips, however many limits it is held against: one takes the locks
and reads every failure that counts, one writes the row and commits.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Double,
    Text,
    Uuid,
    and_,
    bindparam,
    cast,
    func,
    insert,
    inspect,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy import false as no
from sqlalchemy import true as yes
from sqlalchemy.sql import union, union_all

from onegov_auth.attempts.limits import ROWS, UNSEEN
from onegov_auth.models import Columns, parameters, primary_key
from onegov_auth.statements import Prepared

if TYPE_CHECKING:
    from sqlalchemy import CTE, ColumnElement, Select

    from onegov_auth.database import Database
    from onegov_auth.models import Entities

__all__ = ["Statements", "as_person", "together"]

#: The scopes of an attempt from a browser its owner logged in with before, and of any other.
_HERE, _ELSEWHERE = ("device", "device_row"), ("name", "pair", "address", "row", "person", "person_row")


class Statements:
    """
    What :class:`onegov_auth.attempts.Attempts` does in the database.

    Args:
        database: Which.
        entities: The mapped classes.
    """

    def __init__(self, database: Database, entities: Entities) -> None:
        dialect = database.engine.dialect
        class_: Any = entities.attempt
        table, rows = class_.__table__, Columns(class_)
        names = [name for name in inspect(class_).columns.keys() if name != "id"]  # noqa: SIM118 - no dictionary
        whom = _whom(entities)
        self.insert = Prepared(dialect, insert(table).values(parameters(class_, names)).returning(rows.id))
        self.settle = Prepared(
            dialect,
            update(table)
            .where(rows.id == bindparam("which"))
            .values(
                {
                    rows.success: bindparam("how"),
                    rows.code: bindparam("why"),
                    rows.person: func.coalesce(bindparam("whose", type_=Text), rows.person),
                }
            ),
        )
        self._here = Prepared(dialect, _state(class_, whom, _HERE))
        self._elsewhere = Prepared(dialect, _state(class_, whom, _ELSEWHERE))
        self._rows = Prepared(dialect, _state(class_, whom, ROWS))
        self._lock = Prepared(dialect, _locks(_whom(entities))) if database.dialect == "postgresql" else None

    def state(
        self, driver: Any, limits: Mapping[str, object], *, here: bool, **who: object
    ) -> tuple[str | None, dict[str, Any]]:
        """
        Whose name it is, and the failures that count against each scope, the newest first.

        Until this transaction ends, nobody else counts the same name, person or address: SQLite has one writer at a
        time anyway; PostgreSQL takes a lock per key, in a fixed order.

        Args:
            driver: The driver's connection, in a transaction.
            limits: Per scope, ``…_most`` of the newest, and ``…_since`` when.
            here: Whether the browser seems to be one the owner logged in with before.
            who: ``kind``, ``account``, ``lookup``, ``address``, ``device``.
        """
        state = self._here if here else self._elsewhere
        if self._lock is None:
            return _read(state.run(driver, **limits, **who))
        first, second = _lock_number(who["account"]), _lock_number(who["address"])
        with together(driver, self._lock):
            self._lock.run(driver, first=first, second=second, account=who["account"], lookup=who["lookup"])
            cursor = state.run(driver, **limits, **who)
        return _read(cursor)

    def in_a_row(self, driver: Any, limits: Mapping[str, object], **who: object) -> tuple[str | None, dict[str, Any]]:
        """The same of the failures in a row only, and without locks: where the others are counted elsewhere."""
        wanted = {name: value for name, value in limits.items() if name.rpartition("_")[0] in ROWS}
        return _read(self._rows.run(driver, **wanted, **who))

    def record(self, driver: Any, **values: object) -> Any:
        """Insert a row; returns its number."""
        return self.insert.run(driver, **values).fetchone()[0]

    def write(self, driver: Any, **values: object) -> Any:
        """Insert a row and commit; returns its number."""
        with together(driver, self.insert):
            cursor = self.insert.run(driver, **values)
            if self._lock is not None:
                driver.commit()
        return cursor.fetchone()[0]


@contextlib.contextmanager
def together(driver: Any, first: Prepared) -> Iterator[None]:
    """
    Send what is run here at once, where the driver can; its results are there afterwards.

    Raises:
        sqlalchemy.exc.DBAPIError: As :meth:`Prepared.run`.
    """
    pipeline = getattr(driver, "pipeline", None)
    if pipeline is None:
        yield
        return
    try:
        with pipeline():
            yield
    except first.error as error:
        raise first.told(driver, error) from error


def as_person(key: Any) -> ColumnElement[str]:
    """A user's key as attempts have it: in hexadecimal, as :func:`onegov_auth.domain.hexadecimal` writes it."""
    text = cast(key, Text)
    return func.replace(text, "-", "") if isinstance(key.type, Uuid) else text


def _whom(entities: Entities) -> CTE:
    """
    Whose name it is: a user's own, an address that a local password belongs to, or one somebody came in with before.

    The last one knows the names of a directory that our own table has not.
    """
    users: Any = entities.user
    mine, rows = Columns(users), Columns(entities.attempt)
    person = as_person(primary_key(users))
    lookup = bindparam("lookup", type_=Text)
    by_name = select(person).where(mine.username_key == lookup).limit(1)
    by_email = select(person).where(mine.email == lookup, mine.password_hash != "").limit(1)
    before = (
        select(rows.person)
        .where(
            rows.attempt_type == "login",
            rows.user_input == bindparam("account", type_=Text),
            rows.is_during_lockout == no(),
            rows.success == yes(),
            rows.person.is_not(None),
            lookup.is_not(None),
        )
        .order_by(rows.id.desc())
        .limit(1)
    )
    known = [one.scalar_subquery() for one in (by_name, by_email, before)]
    return select(func.coalesce(*known).label("person")).cte("whom")


def _locks(whom: CTE) -> Select[Any]:
    person = select(func.hashtextextended("onegov_auth person " + whom.c.person, 0).label("number"))
    keys = union(
        select(bindparam("first", type_=BigInteger).label("number")),
        select(bindparam("second", type_=BigInteger)),
        person,
    )
    # By number, so that no two wait for each other; without a name there is nothing to lock, and NULL locks nothing.
    ordered = keys.order_by("number").subquery()
    return select(func.pg_advisory_xact_lock(ordered.c.number))


def _state(class_: Any, whom: CTE, names: Sequence[str]) -> Any:
    rows = Columns(class_)
    scopes = _Scopes(class_, select(whom.c.person).scalar_subquery())
    parts: list[Select[Any]] = [
        select(literal("whom").label("scope"), whom.c.person, cast(null(), BigInteger), cast(null(), Double))
    ]
    for name in names:
        counted = select(rows.id, rows.datetime_utc).where(*scopes.failures(name)).order_by(rows.id.desc())
        newest = counted.limit(bindparam(f"{name}_most")).subquery()
        parts.append(select(literal(name), null(), newest.c.id, newest.c.datetime_utc))
    return union_all(*parts)


class _Scopes:
    """Which rows count against each scope."""

    def __init__(self, class_: Any, person: Any) -> None:
        self._class = class_
        self._person = person

    def failures(self, name: str) -> list[Any]:
        """The conditions for the failures of a scope since its last success, or since it was unlocked."""
        rows = Columns(self._class)
        failed = or_(rows.success.is_(False), rows.success.is_(None) & rows.code.is_(None))
        # By number: a clock that goes back must not hide what is tried now behind what was tried "later" (RATE-06).
        counted = [
            *self._of(rows),
            failed,
            *getattr(self, _FAILED[name])(rows),
            rows.id > func.coalesce(self._last_success(name), 0),
        ]
        if name in ROWS:
            return [*counted, or_(rows.code.is_(None), and_(*(rows.code != code for code in UNSEEN)))]
        return [*counted, rows.datetime_utc > bindparam(f"{name}_since", type_=Double)]

    def _of(self, rows: Any) -> list[Any]:
        return [rows.attempt_type == bindparam("kind"), rows.is_during_lockout == no()]

    def _last_success(self, name: str) -> Any:
        earlier = Columns(self._class, self._class.__table__.alias())
        newest = select(earlier.id).where(
            *self._of(earlier), earlier.success == yes(), *getattr(self, _RESET[name])(earlier)
        )
        return newest.order_by(earlier.id.desc()).limit(1).scalar_subquery()

    # -- whose failures ------------------------------------------------------------------------

    def _name(self, rows: Any) -> list[Any]:
        return [rows.user_input == bindparam("account", type_=Text), rows.device.is_(None)]

    def _pair(self, rows: Any) -> list[Any]:
        return [*self._name(rows), rows.source_ip == bindparam("address")]

    def _address(self, rows: Any) -> list[Any]:
        return [rows.source_ip == bindparam("address")]

    def _all_names(self, rows: Any) -> list[Any]:
        return [rows.person == self._person, rows.device.is_(None)]

    def _device(self, rows: Any) -> list[Any]:
        return [rows.person == self._person, rows.device == bindparam("device")]

    def _devices(self, rows: Any) -> list[Any]:
        return [rows.person == self._person, rows.device.is_not(None)]

    # -- what gives the budget back ------------------------------------------------------------

    def _reset_name(self, rows: Any) -> list[Any]:
        return [rows.user_input == bindparam("account", type_=Text)]

    def _reset_pair(self, rows: Any) -> list[Any]:
        # A success elsewhere is the owner's, and whoever guesses here gets no more tries by it.
        return [*self._reset_name(rows), or_(rows.source_ip == bindparam("address"), rows.code == "unlocked")]

    def _reset_address(self, rows: Any) -> list[Any]:
        # A success of one account doesn't give the address its budget back (RATE-02).
        since = rows.datetime_utc > bindparam("address_since", type_=Double)
        return [rows.source_ip == bindparam("address"), rows.code == "unlocked", rows.user_input.is_(None), since]

    def _reset_person(self, rows: Any) -> list[Any]:
        return [rows.person == self._person]

    def _reset_device(self, rows: Any) -> list[Any]:
        return [rows.person == self._person, or_(rows.device == bindparam("device"), rows.code == "unlocked")]


#: Which rows count as failures of a scope, and which give its budget back.
_FAILED = {
    "name": "_name",
    "pair": "_pair",
    "address": "_address",
    "row": "_name",
    "person": "_all_names",
    "person_row": "_all_names",
    "device": "_device",
    "device_row": "_devices",
}
_RESET = {
    "name": "_reset_name",
    "pair": "_reset_pair",
    "address": "_reset_address",
    "row": "_reset_name",
    "person": "_reset_person",
    "person_row": "_reset_person",
    "device": "_reset_device",
    "device_row": "_reset_person",
}


def _read(cursor: Any) -> tuple[str | None, dict[str, Any]]:
    person: str | None = None
    found: dict[str, list[tuple[int, float]]] = {}
    for scope, whose, number, when in cursor.fetchall():
        if scope == "whom":
            person = whose
        else:
            found.setdefault(scope, []).append((number, when))
    # A database need not keep the order of what was put together.
    return person, {scope: [when for _, when in sorted(rows, reverse=True)] for scope, rows in found.items()}


def _lock_number(key: object) -> int:
    digest = hashlib.sha256(b"onegov_auth attempts " + str(key or "").encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
