"""
What happens with every flush, so that no caller can forget it.

- A change of ``role``, ``active``, ``username`` or ``password_hash`` ends the user's sessions (SESS-05).
- A change of ``role``, ``active`` or of groups, and the deletion of a group, moves ``rights_stamp``.
- Secrets of second factors are encrypted.
- ``created`` and ``modified`` are set by the session's clock.

It listens on SQLAlchemy's own session class, because an application may use sessions of its own. What
goes past the objects goes past it: an ``update()`` of many users at once has to call
:func:`end_sessions` or :func:`move_rights` itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, event, inspect, select, update
from sqlalchemy.orm import Session

from onegov_auth.models.base import TimestampMixin, key_of, primary_key
from onegov_auth.models.context import clock_of
from onegov_auth.models.factor import UserFactorMixin
from onegov_auth.models.group import GroupMixin
from onegov_auth.models.user import UserMixin

__all__ = ["KEEP_SESSION", "end_sessions", "move_rights"]

#: Where a unit of work names, in ``Session.info``, the one session that its change doesn't end: the one of the person
#: who makes the change, and whose token is rotated instead.
KEEP_SESSION = "onegov_auth.keep_session"

#: Whoever has a session has it under these, whose columns have an ``active_history``: assigning what is there
#: already ends nothing, even when the object was not loaded. ASVS 7.4.2 (deactivation), 7.4.3 (password), 7.2.4 (role).
ENDS_SESSIONS = ("active", "password_hash", "role", "username")

#: What a user may do depends on these.
MOVES_RIGHTS = ("active", "groups", "role")


def end_sessions(
    session: Session, user: type[UserMixin], where: ColumnElement[bool], *, keep: UUID | None = None
) -> None:
    """End the sessions of all users of that class who meet the condition, but the one to *keep*."""
    rows = user.__entities__.session
    own = select(primary_key(user)).where(where)
    ended = delete(rows).where(rows.user_id.in_(own))
    if keep is not None:
        ended = ended.where(rows.id != keep)
    session.execute(ended.execution_options(synchronize_session="fetch"))


def move_rights(session: Session, user: type[UserMixin], where: ColumnElement[bool]) -> None:
    """Move the rights stamp of all users of that class who meet the condition."""
    statement = update(user).where(where).values(rights_stamp=user.rights_stamp + 1)
    session.execute(statement.execution_options(synchronize_session="fetch"))


def _before_flush(session: Session, _context: object, _instances: object) -> None:
    now = clock_of(session)
    for new in session.new:
        if isinstance(new, TimestampMixin) and new.created is None:
            new.created = now()
        _seal(new)
    for moved in _with_other_rights(session):
        # The database counts: two changes at once move it twice.
        moved.rights_stamp = type(moved).rights_stamp + 1
    for changed in session.dirty:
        _seal(changed)
        if isinstance(changed, TimestampMixin) and _is_changed(session, changed):
            changed.modified = now()
    for deleted in session.deleted:
        if isinstance(deleted, GroupMixin):
            _group_deleted(session, deleted)


def _after_flush(session: Session, _context: object) -> None:
    # After the row was changed, not before: on PostgreSQL that waits for a login that holds the row, and the
    # session it opened is there to be ended only then (RACE-13).
    for changed in session.dirty:
        if isinstance(changed, UserMixin) and _changed(changed, ENDS_SESSIONS):
            class_ = changed.__entities__.user
            end_sessions(session, class_, primary_key(class_) == key_of(changed), keep=session.info.get(KEEP_SESSION))


def _seal(instance: object) -> None:
    if isinstance(instance, UserFactorMixin):
        instance.seal()


def _is_changed(session: Session, instance: TimestampMixin) -> bool:
    is_told = inspect(instance).attrs.modified.history.has_changes()
    return not is_told and session.is_modified(instance, include_collections=False)


def _with_other_rights(session: Session) -> set[UserMixin]:
    moved: set[UserMixin] = set()
    for instance in [*session.new, *session.dirty]:
        if isinstance(instance, UserMixin) and _changed(instance, MOVES_RIGHTS):
            moved.add(instance)
        elif isinstance(instance, GroupMixin):
            # A member added here is not seen on a user whose groups were never loaded.
            history = inspect(instance).attrs.users.history
            moved.update([*history.added, *history.deleted])
    return {user for user in moved if inspect(user).persistent}


def _changed(instance: object, names: Iterable[str]) -> bool:
    attributes = inspect(instance).attrs
    return any(attributes[name].history.has_changes() for name in names)


def _group_deleted(session: Session, group: GroupMixin) -> None:
    entities = group.__entities__
    members: Any = entities.user_groups.c
    own = select(members.user_id).where(members.group_id == key_of(group))
    move_rights(session, entities.user, primary_key(entities.user).in_(own))


event.listen(Session, "before_flush", _before_flush)
event.listen(Session, "after_flush", _after_flush)
