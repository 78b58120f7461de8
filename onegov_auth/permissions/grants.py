"""
Rights that somebody gives to single users by hand, with or without an end.

One without an end is a row of an association table, one with an end a row of ``grants``; a user has a thing by hand
once, whichever of the two it is. What a provider's groups give lies beside it and is not touched here: see
:mod:`onegov_auth.permissions.mapped`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import case, delete, func, insert, literal, or_, select, union_all
from sqlalchemy.dialects import postgresql, sqlite

from onegov_auth.clock import Clock, utcnow
from onegov_auth.errors import UnknownRightError
from onegov_auth.models import DEFAULT, key_of, move_rights, primary_key
from onegov_auth.settings.providers import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from onegov_auth.models import Entities, User

__all__ = ["KINDS", "Granted", "Grants", "Right", "Tables"]

#: Every kind of thing that may be given.
KINDS: tuple[Kind, ...] = ("permission", "bundle", "group")


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """
    Something that may be given: a permission by its token, a bundle or a group by its name.

    Attributes:
        kind: What it is.
        name: What it is called.
    """

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Granted:
    """
    What a user was given.

    Attributes:
        right: What.
        origin: The provider that gave it; ``None`` for a person.
        rule: The provider's group by which it was given.
        expires: When it ends; ``None`` for no end.
    """

    right: Right
    origin: str | None = None
    rule: str | None = None
    expires: datetime | None = None


class Tables:
    """
    Where things that may be given are, and who has them.

    Args:
        entities: The mapped classes.
    """

    def __init__(self, entities: Entities) -> None:
        self.user: Any = entities.user
        self.grant: Any = entities.grant
        self.classes: Mapping[Kind, Any] = {
            "permission": entities.permission,
            "bundle": entities.bundle,
            "group": entities.group,
        }
        self.names: Mapping[Kind, Any] = {
            "permission": entities.permission.token,
            "bundle": entities.bundle.name,
            "group": entities.group.name,
        }
        self.given: Mapping[Kind, Any] = {
            "permission": entities.user_permissions,
            "bundle": entities.user_bundles,
            "group": entities.user_groups,
        }
        self.points: Mapping[Kind, Any] = {kind: getattr(entities.grant, f"{kind}_id") for kind in KINDS}

    def keys(self, db: Session, rights: Iterable[Right]) -> dict[Right, Any]:
        """The keys of those that exist; of two groups of one name, the older one's."""
        found: dict[Right, Any] = {}
        wanted: dict[Kind, list[str]] = {}
        for right in rights:
            wanted.setdefault(right.kind, []).append(right.name)
        for kind, names in wanted.items():
            class_, name = self.classes[kind], self.names[kind]
            key = primary_key(class_)
            rows = select(name, key).where(name.in_(names))
            if kind == "group":
                # Only their names need not be unique: the oldest one is found last.
                rows = rows.order_by(class_.created.desc(), key)
            found |= {Right(kind, called): id_ for called, id_ in db.execute(rows)}
        return found

    def listed(self, columns: Iterable[Any]) -> Select[Any]:
        """The rows of ``grants``: *columns*, then the kind and the name of what is given."""
        rows = self.grant
        kind = case(*[(self.points[kind].is_not(None), kind) for kind in KINDS])
        # A group may have lost its name.
        name = func.coalesce(case(*[(self.points[kind].is_not(None), self.names[kind]) for kind in KINDS]), "")
        listed = select(*columns, kind, name).select_from(rows)
        for kind_ in KINDS:
            listed = listed.outerjoin(self.classes[kind_], self.points[kind_] == primary_key(self.classes[kind_]))
        return listed


class Grants:
    """
    Gives and withdraws what is given by hand.

    Args:
        entities: The mapped classes.
        clock: The time.
    """

    def __init__(self, entities: Entities = DEFAULT, clock: Clock = utcnow) -> None:
        self._tables = Tables(entities)
        self._clock = clock

    def give(
        self,
        db: Session,
        user: User,
        *,
        permission: str | None = None,
        bundle: str | None = None,
        group: str | None = None,
        until: datetime | None = None,
    ) -> bool:
        """
        Give *user* a permission, a bundle or a membership; the later word on its end counts.

        Args:
            db: What to write in.
            user: Who.
            permission: The token of a permission, or
            bundle: the name of a bundle, or
            group: the name of a group.
            until: When it ends; ``None`` for no end.

        Returns:
            Whether anything changed. Of several who give the same at once, one is told so.

        Raises:
            UnknownRightError: If there is no such thing.
            ValueError: If not exactly one is named, or *until* has passed.
        """
        if until is not None and until <= self._clock():
            raise ValueError("it would be over already")
        right = _right(permission, bundle, group)
        key = self._key(db, right)
        self._lock(db, user)
        held = self._held(db, user, right, key)
        if held == [until]:
            return False
        self._drop(db, user, right, key)
        if until is None:
            given = self._tables.given[right.kind]
            # Application code may put the same into the relationship at this moment.
            insert_: Any = postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert
            row = {"user_id": key_of(user), f"{right.kind}_id": key}
            db.execute(insert_(given).values(row).on_conflict_do_nothing())
        else:
            values = {"user_id": key_of(user), f"{right.kind}_id": key, "expires": until, "created": self._clock()}
            db.execute(insert(self._tables.grant), [{"id": uuid4(), **values}])
        self._forget(db, user)
        return True

    def withdraw(
        self,
        db: Session,
        user: User,
        *,
        permission: str | None = None,
        bundle: str | None = None,
        group: str | None = None,
    ) -> bool:
        """
        Take away what was given by hand; what a provider gave stays.

        Args:
            db: What to write in.
            user: Whose it is.
            permission: The token of a permission, or
            bundle: the name of a bundle, or
            group: the name of a group.

        Returns:
            Whether there was anything to take away.

        Raises:
            UnknownRightError: If there is no such thing.
            ValueError: If not exactly one is named.
        """
        right = _right(permission, bundle, group)
        key = self._key(db, right)
        self._lock(db, user)
        had = bool(self._held(db, user, right, key))
        self._drop(db, user, right, key)
        self._forget(db, user)
        return had

    def of(self, db: Session, user: User) -> list[Granted]:
        """What the user was given alone and still has, by hand and by providers; not what bundles and groups bring."""
        db.flush()
        tables, rows, now = self._tables, self._tables.grant, self._clock()
        mine = (rows.user_id == key_of(user), or_(rows.expires.is_(None), rows.expires > now))
        listed = tables.listed((rows.origin, rows.rule, rows.expires)).where(*mine)
        found = [Granted(Right(kind, name), *row) for *row, kind, name in db.execute(listed)]
        by_hand = [
            select(literal(kind), func.coalesce(tables.names[kind], ""))
            .join_from(tables.given[kind], class_, self._points(kind) == primary_key(class_))
            .where(tables.given[kind].c.user_id == key_of(user))
            for kind, class_ in tables.classes.items()
        ]
        found += [Granted(Right(kind, name)) for kind, name in db.execute(union_all(*by_hand))]
        return sorted(found, key=lambda one: (KINDS.index(one.right.kind), one.right.name, one.origin or ""))

    def cleanup(self, db: Session) -> int:
        """Delete what has ended; returns how many."""
        rows = self._tables.grant
        # Nobody's rights move by it: from its last second on it did not count.
        ended = delete(rows).where(rows.expires <= self._clock()).execution_options(synchronize_session=False)
        return int(getattr(db.execute(ended), "rowcount", 0))

    def _key(self, db: Session, right: Right) -> Any:
        db.flush()
        key = self._tables.keys(db, [right]).get(right)
        if key is None:
            raise UnknownRightError(right.kind, right.name)
        return key

    def _lock(self, db: Session, user: User) -> None:
        # The first statement writes: whoever gives the same user something at once waits here, on every database.
        users = self._tables.user
        move_rights(db, users, primary_key(users) == key_of(user))

    def _points(self, kind: Kind) -> ColumnElement[Any]:
        column: ColumnElement[Any] = self._tables.given[kind].c[f"{kind}_id"]
        return column

    def _held(self, db: Session, user: User, right: Right, key: Any) -> list[datetime | None]:
        """Until when the user has it by hand: nothing or one moment, ``None`` for no end."""
        tables = self._tables
        rows = tables.grant
        dated = (rows.user_id == key_of(user), tables.points[right.kind] == key, rows.origin.is_(None))
        held: list[datetime | None] = list(db.scalars(select(rows.expires).where(*dated, rows.expires > self._clock())))
        mine = (tables.given[right.kind].c.user_id == key_of(user), self._points(right.kind) == key)
        return held + [None for _ in db.execute(select(self._points(right.kind)).where(*mine))]

    def _drop(self, db: Session, user: User, right: Right, key: Any) -> None:
        tables = self._tables
        rows, given = tables.grant, tables.given[right.kind]
        dated = (rows.user_id == key_of(user), tables.points[right.kind] == key, rows.origin.is_(None))
        db.execute(delete(rows).where(*dated).execution_options(synchronize_session=False))
        db.execute(delete(given).where(given.c.user_id == key_of(user), self._points(right.kind) == key))

    def _forget(self, db: Session, user: User) -> None:
        if user in db:
            db.expire(user, ["permissions", "bundles", "groups"])


def _right(permission: str | None, bundle: str | None, group: str | None) -> Right:
    named: dict[Kind, str | None] = {"permission": permission, "bundle": bundle, "group": group}
    found = [Right(kind, name) for kind, name in named.items() if name is not None]
    if len(found) != 1:
        raise ValueError("name one permission, bundle or group")
    return found[0]
