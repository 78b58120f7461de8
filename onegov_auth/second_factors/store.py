"""The second factors of users, and that what works once is used once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from sqlalchemy import bindparam, func, or_, select, update

from onegov_auth.factors import Enrolled, Enrolment, Factor, Used
from onegov_auth.models import as_key, key_of, primary_key
from onegov_auth.outcomes import Refused
from onegov_auth.statements import Prepared, driver_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from onegov_auth.clock import Clock
    from onegov_auth.database import Database
    from onegov_auth.models import Entities, User, UserFactor

__all__ = ["FactorInfo", "FactorStore"]

#: Longer names are nobody's.
MAX_NAME = 60


@dataclass(frozen=True, slots=True)
class FactorInfo:
    """
    A second factor as its owner sees it.

    Attributes:
        id: The row's id.
        type: Its type.
        title: What its type is called; marked for translation.
        name: What the person calls it.
        created: When it was added.
        last_used: When it was proven last.
        spare: Whether it only stands in for another one.
        left: How many answers are left, of one that has so many.
    """

    id: UUID
    type: str
    title: str
    name: str
    created: datetime
    last_used: datetime | None
    spare: bool
    left: int | None = None


class FactorStore:
    """
    Keeps second factors.

    Args:
        database: Where they are kept.
        factors: The configured ones by their types.
        clock: The time.
        entities: The mapped classes.
    """

    def __init__(self, database: Database, factors: Mapping[str, Factor], clock: Clock, entities: Entities) -> None:
        self._factors = factors
        self._clock = clock
        self._rows: Any = entities.factor
        self._users: Any = entities.user
        table: Any = self._rows.__table__
        mine = select(table.c.type).where(table.c.user_id == bindparam("user_id"))
        self._types = Prepared(database.engine.dialect, mine)

    def types(self, db: Session, user_id: Any) -> frozenset[str]:
        """The types of factor that a user has; one statement, asked at every login."""
        return frozenset(row[0] for row in self._types.all(driver_of(db), user_id=user_id))

    def primary(self, types: frozenset[str]) -> frozenset[str]:
        """Those of *types* that are no mere spares; one that isn't configured is none."""
        return frozenset(type_ for type_ in types if type_ not in self._factors or not self._factors[type_].spare)

    def rows(self, db: Session, user_id: Any, type_: str | None = None) -> list[UserFactor]:
        """A user's factors, the oldest first."""
        rows = self._rows
        mine = select(rows).where(rows.user_id == user_id).order_by(rows.created, rows.id)
        return list(db.scalars(mine if type_ is None else mine.where(rows.type == type_)))

    def enrolled(self, db: Session, user_id: Any, type_: str) -> list[Enrolled]:
        """
        A user's factors of one type, as its own code sees them.

        Raises:
            DecryptionError: If a secret can't be decrypted with any of today's secrets.
        """
        return [
            Enrolled(row.id, row.key, dict(row.data), row.clear_secret, row.last_used, row.counter)
            for row in self.rows(db, user_id, type_)
        ]

    def find(self, db: Session, type_: str, key: str) -> UserFactor | None:
        """The factor that has this key, whosever it is."""
        rows = self._rows
        found: UserFactor | None = db.scalars(select(rows).where(rows.type == type_, rows.key == key).limit(1)).first()
        return found

    def use(self, db: Session, used: Used) -> Refused | None:
        """
        Write down that an answer was used: one conditional statement, so that one of any number of callers succeeds.

        Returns:
            ``None``, or ``Refused("code_used")`` if it was used before or the factor is gone (ASVS 6.5.1).
        """
        rows = self._rows
        values: dict[str, Any] = {} if used.refused else {"last_used": self._clock()}
        unused = [rows.id == used.factor]
        if used.counter is not None:
            unused.append(or_(rows.counter.is_(None), rows.counter < used.counter))
            values["counter"] = used.counter
        if used.once is not None:
            before, mark = func.coalesce(rows.uses, ""), _mark(used.once)
            unused.append(before.not_like(f"%{mark}%"))
            values["uses"] = before + mark
        stored = db.execute(update(rows).where(*unused).values(values).execution_options(synchronize_session=False))
        if getattr(stored, "rowcount", 0) != 1:
            return Refused("code_used")
        if used.data:
            row = db.get_one(rows, used.factor, populate_existing=True)
            row.data = {**row.data, **used.data}
            db.flush()
        return None

    def add(
        self, db: Session, user: User, factor: Factor, enrolment: Enrolment, name: str | None
    ) -> UserFactor | Refused:
        """
        Store a factor that was set up; the user's row is locked by the caller.

        Returns:
            The row; ``Refused`` with ``too_many_factors`` or ``factor_taken``.
        """
        mine = self.rows(db, key_of(user), factor.type)
        if len(mine) >= factor.most:
            return Refused("too_many_factors")
        if enrolment.key is not None:
            self._alone(db, factor.type, enrolment.key)
            if self.find(db, factor.type, enrolment.key) is not None:
                return Refused("factor_taken")
        row: UserFactor = self._rows(
            id=uuid4(),
            user_id=key_of(user),
            type=factor.type,
            key=enrolment.key,
            name=clean_name(name) or clean_name(enrolment.name),
            data=dict(enrolment.data),
            counter=enrolment.counter,
            created=self._clock(),
        )
        row.clear_secret = enrolment.secret
        db.add(row)
        db.flush()
        self._touch(db, key_of(user))
        return row

    def _touch(self, db: Session, user_id: Any) -> None:
        """Have a login that has read the user already begin anew: it has not seen this factor (MFA-16)."""
        users = self._users
        same = update(users).where(primary_key(users) == user_id).values(modified=users.modified)
        db.execute(same.execution_options(synchronize_session=False))

    def _alone(self, db: Session, type_: str, key: str) -> None:
        """Let nobody else set up what has this key until the unit ends."""
        if db.get_bind().dialect.name == "postgresql":
            # SQLite has one writer at a time; here two people at once would both find that nobody has it. No unique
            # index: a row is stored anew before the old one goes when a user's factors are assigned.
            digest = hashlib.sha256(f"onegov_auth factor {type_} {key}".encode("utf-8", "surrogatepass")).digest()
            db.execute(select(func.pg_advisory_xact_lock(int.from_bytes(digest[:8], "big", signed=True))))

    def own(self, db: Session, user_id: Any, factor_id: object) -> UserFactor | None:
        """The factor of that id, if it is this user's."""
        key = as_key(self._rows, factor_id)
        row: UserFactor | None = None if key is None else db.get(self._rows, key)
        return row if row is not None and row.user_id == user_id else None

    def state(self, db: Session, user_id: Any) -> str | None:
        """A text that changes with the password and with any of the factors; ``None`` if there is no such user."""
        hashed = db.scalar(select(self._users.password_hash).where(primary_key(self._users) == user_id))
        ids = sorted(str(row.id) for row in self.rows(db, user_id))
        return None if hashed is None else " ".join([hashed, *ids])

    def info(self, row: UserFactor) -> FactorInfo:
        """What its owner sees of a factor."""
        factor = self._factors.get(row.type)
        title = row.type if factor is None else factor.title or row.type
        spare = factor is not None and factor.spare
        count = row.data.get("count")
        left = count - used_up(row) if isinstance(count, int) else None
        return FactorInfo(row.id, row.type, title, row.name or "", row.created, row.last_used, spare, left)


def used_up(row: UserFactor) -> int:
    """How many answers that work once were used."""
    return len((row.uses or "").split())


def clean_name(name: str | None) -> str | None:
    """A name without what can't be seen: names end up in mails (HOST-06)."""
    return "".join(char for char in (name or "")[:MAX_NAME] if char.isprintable()).strip() or None


def _mark(once: str) -> str:
    return hashlib.sha256(once.encode("utf-8", "surrogatepass")).hexdigest() + " "
