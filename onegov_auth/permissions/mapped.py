"""
Rights that a provider's groups give: they come and go with what the provider says, and only with that.

What was given by hand, and what other providers gave, is never touched here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import bindparam, delete, exists, func, insert, or_, select

from onegov_auth.clock import Clock, utcnow
from onegov_auth.domain import Step
from onegov_auth.models import DEFAULT, column_values, move_rights, primary_key
from onegov_auth.permissions.grants import KINDS, Right, Tables

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from onegov_auth.models import Entities

__all__ = ["Change", "MappedGrants", "Wanted"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    What a provider's groups give somebody.

    Attributes:
        rules: Each right, and the group that gives it.
        keep: Whether what is there stays: the source said nothing of groups.
    """

    rules: Mapping[Right, str]
    keep: bool = False

    def fits(self, held: Mapping[Right, str | None]) -> bool:
        """Whether somebody who has *held* by that provider needs no change."""
        if self.keep:
            return self.rules.keys() <= held.keys()
        return self.rules == held


@dataclass(frozen=True, slots=True)
class Change:
    """
    What became of somebody's mapped rights.

    Attributes:
        given: What they have now and had not by that provider.
        taken: What they have no more by that provider.
        missing: What the settings give and isn't there.
    """

    given: tuple[Right, ...] = ()
    taken: tuple[Right, ...] = ()
    missing: tuple[Right, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.given or self.taken)

    @property
    def detail(self) -> str:
        """What was given and taken, in one line."""
        return ", ".join([*(f"+ {right}" for right in self.given), *(f"- {right}" for right in self.taken)])

    @property
    def steps(self) -> tuple[Step, ...]:
        """The same for the event log."""
        return tuple(self._steps())

    def _steps(self) -> Iterator[Step]:
        if self:
            yield Step("grants", self.detail)
        for right in self.missing:
            yield Step("grants", f"there is no {right}")


@dataclass(frozen=True, slots=True)
class _Row:
    """What somebody has by the provider, or had by hand until it ended."""

    id: Any
    rule: str | None
    origin: str | None
    right: Right


class MappedGrants:
    """
    Brings the rights of people up to what a provider's groups give.

    Args:
        entities: The mapped classes.
        clock: The time.
    """

    def __init__(self, entities: Entities = DEFAULT, clock: Clock = utcnow) -> None:
        self._tables = Tables(entities)
        self._clock = clock

    def held(self) -> Select[Any]:
        """The rules, kinds and names of what ``:user`` has by ``:by``, for whoever asks that often."""
        rows = self._tables.grant
        return self._tables.listed([rows.rule]).where(rows.user_id == bindparam("user"), rows.origin == bindparam("by"))

    def apply(self, db: Session, source: str, people: Mapping[Any, Wanted]) -> dict[Any, Change]:
        """
        Bring these people's rights up to what the provider gives them; as many statements for many as for one.

        Args:
            db: What to write in.
            source: The provider.
            people: The users' keys, and what each is to have by it.

        Returns:
            The changes of those who have one, or who were to have what isn't there.
        """
        held = self._held(db, source, people.keys())
        ended = [row.id for rows in held.values() for row in rows if row.origin != source]
        self._delete(db, ended)
        others = _unlike(people, held, source)
        if not others:
            return {}
        # A login and a sync of the same person, at once: the second waits, and sees what the first wrote.
        self._lock(db, others)
        held = self._held(db, source, others.keys())
        others = _unlike(others, held, source)
        there = self._tables.keys(db, {right for wanted in others.values() for right in wanted.rules})
        changes: dict[Any, Change] = {}
        stale: list[Any] = []
        fresh: list[dict[str, Any]] = []
        for key, wanted in others.items():
            rows = [row for row in held.get(key, ()) if row.origin == source]
            kept = {row.right for row in rows if wanted.keep or wanted.rules.get(row.right) == row.rule}
            new = [right for right in sorted(wanted.rules) if right in there and right not in kept]
            stale += [row.id for row in rows if row.right not in kept]
            fresh += [self._row(source, key, right, there[right], wanted.rules[right]) for right in new]
            changes[key] = _change(wanted, {row.right for row in rows}, kept | set(new))
        self._delete(db, stale)
        self._insert(db, fresh)
        self._move(db, [key for key, change in changes.items() if change])
        return changes

    def held_by(self, source: str, key: Any) -> ColumnElement[bool]:
        """Whether the user whose key is in the column *key* has anything by the provider."""
        rows = self._tables.grant
        return exists().where(rows.user_id == key, rows.origin == source)

    def any(self, db: Session, source: str) -> bool:
        """Whether anybody has anything by the provider."""
        rows = self._tables.grant
        return db.scalar(select(rows.id).where(rows.origin == source).limit(1)) is not None

    def held_of(self, db: Session, source: str, keys: Collection[Any] | None = None) -> dict[Any, int]:
        """Who has something by the provider, and how much; *keys* as for :meth:`take_away`."""
        rows = self._tables.grant
        counted = select(rows.user_id, func.count()).where(self._theirs(source, keys)).group_by(rows.user_id)
        return dict(iter(db.execute(counted)))

    def take_away(self, db: Session, source: str, keys: Collection[Any] | None = None) -> dict[Any, int]:
        """
        Take away what the provider gave.

        Args:
            db: What to write in.
            source: The provider.
            keys: The users' keys; ``None`` for everybody.

        Returns:
            From whom it was taken, and how much.
        """
        rows = self._tables.grant
        theirs = self._theirs(source, keys)
        had = {} if keys is not None and not keys else self.held_of(db, source, keys)
        if had:
            users = self._tables.user
            own = select(rows.user_id).where(theirs)
            # First of all, while it is still known whose they are: not a list of keys, of which a database takes only
            # so many.
            move_rights(db, users, primary_key(users).in_(own))
            db.execute(delete(rows).where(theirs).execution_options(synchronize_session=False))
        return had

    def missing(self, db: Session, rights: Collection[Right]) -> list[Right]:
        """Which of these don't exist."""
        there = self._tables.keys(db, rights)
        return sorted(right for right in rights if right not in there)

    def _theirs(self, source: str, keys: Collection[Any] | None) -> ColumnElement[bool]:
        rows = self._tables.grant
        theirs: ColumnElement[bool] = rows.origin == source
        return theirs if keys is None else theirs & rows.user_id.in_(keys)

    def _held(self, db: Session, source: str, keys: Collection[Any]) -> dict[Any, list[_Row]]:
        rows = self._tables.grant
        mine = (rows.user_id.in_(keys), or_(rows.origin == source, rows.expires <= self._clock()))
        listed = self._tables.listed([rows.user_id, rows.id, rows.rule, rows.origin]).where(*mine)
        held: dict[Any, list[_Row]] = {}
        for user_id, id_, rule, origin, kind, name in db.execute(listed):
            held.setdefault(user_id, []).append(_Row(id_, rule, origin, Right(kind, name)))
        return held

    def _lock(self, db: Session, keys: Collection[Any]) -> None:
        key = primary_key(self._tables.user)
        # In one order everywhere: two runs of different directories never wait for each other in a circle.
        db.execute(select(key).where(key.in_(keys)).order_by(key).with_for_update())

    def _row(self, source: str, key: Any, right: Right, points: Any, rule: str) -> dict[str, Any]:
        blank: dict[str, Any] = {f"{kind}_id": None for kind in KINDS}
        which = {f"{right.kind}_id": points}
        return {**blank, **which, "id": uuid4(), "user_id": key, "origin": source, "rule": rule}

    def _delete(self, db: Session, ids: Sequence[Any]) -> None:
        if ids:
            rows = self._tables.grant
            db.execute(delete(rows).where(rows.id.in_(ids)).execution_options(synchronize_session=False))

    def _insert(self, db: Session, rows: list[dict[str, Any]]) -> None:
        if rows:
            # Not of the class: that would send a statement of its own for each kind of right.
            grant, now = self._tables.grant, self._clock()
            db.execute(insert(grant.__table__), [column_values(grant, {**row, "created": now}) for row in rows])

    def _move(self, db: Session, keys: Sequence[Any]) -> None:
        if keys:
            users = self._tables.user
            move_rights(db, users, primary_key(users).in_(keys))


def _unlike(people: Mapping[Any, Wanted], held: Mapping[Any, list[_Row]], source: str) -> dict[Any, Wanted]:
    """Those who are to have something else than they have."""

    def rules(key: Any) -> dict[Right, str | None]:
        return {row.right: row.rule for row in held.get(key, ()) if row.origin == source}

    return {key: wanted for key, wanted in people.items() if not wanted.fits(rules(key))}


def _change(wanted: Wanted, before: set[Right], after: set[Right]) -> Change:
    missing = wanted.rules.keys() - after
    return Change(*(tuple(sorted(rights)) for rights in (after - before, before - after, missing)))
