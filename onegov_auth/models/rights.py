"""
Whom a change of rights concerns: one statement moves the stamps of all of them, however many they are.

Rights that were derived are kept under the stamp. A stamp that moves in the transaction of the change makes them
void in every process at once, when it is committed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, or_, select, union_all, update

from onegov_auth.models.base import primary_key

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.models.entities import Entities
    from onegov_auth.models.user import UserMixin

__all__ = ["Concerned", "move_rights"]


def move_rights(session: Session, user: type[UserMixin], where: ColumnElement[bool]) -> None:
    """Move the rights stamp of all users of that class who meet the condition."""
    key = primary_key(user)
    # In one order, so that no two changes at once wait for each other.
    own = select(key).where(where).order_by(key).with_for_update()
    statement = update(user).where(key.in_(own)).values(rights_stamp=user.rights_stamp + 1, modified=user.modified)
    session.execute(statement.execution_options(synchronize_session=False))
    for known in list(session.identity_map.values()):
        if isinstance(known, user):
            session.expire(known, ["rights_stamp"])


@dataclass(slots=True)
class Concerned:
    """
    What has changed, and whom it concerns by that: all who have it, by hand or by a grant, expired or not.

    Attributes:
        entities: The mapped classes.
        users: The keys of single users.
        usernames: The names of single users.
        groups: The keys of groups whose members have other rights now.
        bundles: The keys of bundles that hold something else now.
        permissions: The keys of permissions that are no longer what they were.
        superusers: Whether the catalogue has changed.
    """

    entities: Entities
    users: set[Any] = field(default_factory=set)
    usernames: set[str] = field(default_factory=set)
    groups: set[Any] = field(default_factory=set)
    bundles: set[Any] = field(default_factory=set)
    permissions: set[Any] = field(default_factory=set)
    superusers: bool = False

    def move(self, session: Session) -> None:
        """Move the stamps. Nothing is asked of the database where nobody is concerned."""
        self._lock(session)
        parts = [*self._named(), *self._holders()]
        if parts:
            class_: Any = self.entities.user
            move_rights(session, class_, primary_key(class_).in_(union_all(*parts)))

    def _lock(self, session: Session) -> None:
        # Whoever becomes a member, or is given a bundle, shares a lock on its row until the end of the transaction (a
        # foreign key does that on PostgreSQL): either that is over and seen below, or it waits and sees the change.
        entities = self.entities
        for class_, condition in (
            (entities.permission, _among(primary_key(entities.permission), self.permissions)),
            (entities.bundle, self._of_bundle(primary_key(entities.bundle))),
            (entities.group, self._of_group(primary_key(entities.group))),
        ):
            if condition is not None:
                key = primary_key(class_)
                session.execute(select(key).where(condition).order_by(key).with_for_update())

    def _named(self) -> Iterable[Select[Any]]:
        users, key = self.entities.user, primary_key(self.entities.user)
        conditions = [_among(key, self.users), _among(users.username, self.usernames)]
        if self.superusers:
            conditions.append(users.is_superuser.is_(True))
        return [select(key).where(condition) for condition in conditions if condition is not None]

    def _holders(self) -> Iterable[Select[Any]]:
        entities, grants = self.entities, self.entities.grant
        members, bundles, permissions = (
            entities.user_groups.c,
            entities.user_bundles.c,
            entities.user_permissions.c,
        )
        return [
            select(user).where(condition)
            for user, condition in (
                (members.user_id, self._of_group(members.group_id)),
                (grants.user_id, self._of_group(grants.group_id)),
                (bundles.user_id, self._of_bundle(bundles.bundle_id)),
                (grants.user_id, self._of_bundle(grants.bundle_id)),
                (permissions.user_id, _among(permissions.permission_id, self.permissions)),
                (grants.user_id, _among(grants.permission_id, self.permissions)),
            )
            if condition is not None
        ]

    def _of_bundle(self, column: Any) -> ColumnElement[bool] | None:
        content = self.entities.bundle_permissions.c
        held = _among(content.permission_id, self.permissions)
        return _either(_among(column, self.bundles), column, [(content.bundle_id, held)])

    def _of_group(self, column: Any) -> ColumnElement[bool] | None:
        permissions, bundles = self.entities.group_permissions.c, self.entities.group_bundles.c
        held = _among(permissions.permission_id, self.permissions)
        more = [(permissions.group_id, held), (bundles.group_id, self._of_bundle(bundles.bundle_id))]
        return _either(_among(column, self.groups), column, more)


def _among(column: Any, keys: Collection[Any]) -> ColumnElement[bool] | None:
    return column.in_(keys) if keys else None


def _either(
    own: ColumnElement[bool] | None, column: Any, more: Iterable[tuple[Any, ColumnElement[bool] | None]]
) -> ColumnElement[bool] | None:
    found = [column.in_(select(key).where(condition)) for key, condition in more if condition is not None]
    conditions = [condition for condition in (own, *found) if condition is not None]
    return or_(*conditions) if conditions else None
