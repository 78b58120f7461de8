"""
What happens with every flush, so that no caller can forget it.

- A change of ``role``, ``is_superuser``, ``active``, ``username`` or ``password_hash`` ends the user's sessions, and
  so does a ``disabled_utc`` that is past (SESS-05).
- A change of what a user may do moves ``rights_stamp`` of all whom it concerns, whoever holds the object that changed:
  see :mod:`onegov_auth.models.concerned`.
- A user who is enabled again is no longer disabled by a date that is past.
- Attempts to log in as a user who is deleted are nobody's.
- Secrets of second factors are encrypted.
- ``created`` and ``modified`` are set by the session's clock.

It listens on SQLAlchemy's own session class, because an application may use sessions of its own. What
goes past the objects goes past it: an ``update()`` of many users at once has to call
:func:`end_sessions` or :func:`move_rights` itself, one of other tables :meth:`Concerned.move`.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import ColumnElement, delete, event, inspect, select, update
from sqlalchemy.orm import Session

from onegov_auth.domain import hexadecimal
from onegov_auth.models.base import TimestampMixin, key_of, primary_key
from onegov_auth.models.concerned import move_concerned
from onegov_auth.models.context import clock_of
from onegov_auth.models.factor import UserFactorMixin
from onegov_auth.models.user import UserMixin

__all__ = ["KEEP_SESSION", "end_sessions"]

#: Where a unit of work names, in ``Session.info``, the one session that its change doesn't end: the one of the person
#: who makes the change, and whose token is rotated instead.
KEEP_SESSION = "onegov_auth.keep_session"

#: Whoever has a session has it under these, whose columns have an ``active_history``: assigning what is there
#: already ends nothing, even when the object was not loaded. ASVS 7.4.2 (deactivation), 7.4.3 (password), 7.2.4 (role).
ENDS_SESSIONS = ("active", "is_superuser", "password_hash", "role", "username")

#: Whoever has a token has it under these: a password that somebody else may have known vouches for no token (TOK-09).
ENDS_TOKENS = ("active", "password_hash")

#: The kinds of attempts that may be somebody's; the index on persons begins with the kind.
_OF_PERSONS = ("login", "factor", "recovery")


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


def _before_flush(session: Session, _context: object, _instances: object) -> None:
    now = clock_of(session)
    for new in session.new:
        if isinstance(new, TimestampMixin) and new.created is None:
            new.created = now()
        _seal(new)
    for changed in session.dirty:
        if isinstance(changed, UserMixin):
            _enable(changed)
    move_concerned(session)
    for changed in session.dirty:
        _seal(changed)
        if isinstance(changed, TimestampMixin) and _is_changed(session, changed):
            changed.modified = now()


def _after_flush(session: Session, _context: object) -> None:
    # After the row was changed, not before: on PostgreSQL that waits for a login that holds the row, and the
    # session it opened is there to be ended only then (RACE-13).
    for changed in session.dirty:
        if isinstance(changed, UserMixin) and _ends_sessions(changed):
            class_ = changed.__entities__.user
            end_sessions(session, class_, primary_key(class_) == key_of(changed), keep=session.info.get(KEEP_SESSION))
        if isinstance(changed, UserMixin) and (_changed(changed, ENDS_TOKENS) or _is_disabled_now(changed)):
            _end_tokens(session, changed)
    for gone in session.deleted:
        if isinstance(gone, UserMixin):
            _part_from_attempts(session, gone)


def _part_from_attempts(session: Session, user: UserMixin) -> None:
    """A database may give a number to somebody else, who is to answer for no failures, and to be locked by none."""
    rows = user.__entities__.attempt
    parted = (
        update(rows)
        .where(rows.attempt_type.in_(_OF_PERSONS), rows.person == hexadecimal(key_of(user)))
        .values(person=None)
    )
    session.execute(parted.execution_options(synchronize_session=False))


def _end_tokens(session: Session, user: UserMixin) -> None:
    """Those of the session that goes on as well: what it gives out from now on rests on the new password."""
    tokens, refresh, sessions = (getattr(user.__entities__, name) for name in ("api_token", "refresh_token", "session"))
    own = select(primary_key(sessions)).where(sessions.user_id == key_of(user))
    of_user = (delete(tokens).where(tokens.user_id == key_of(user)), delete(refresh).where(refresh.session_id.in_(own)))
    for ended in of_user:
        session.execute(ended.execution_options(synchronize_session="fetch"))


def _ends_sessions(user: UserMixin) -> bool:
    if _changed(user, ENDS_SESSIONS):
        return True
    return _is_disabled_now(user)


def _is_disabled_now(user: UserMixin) -> bool:
    # A date to come ends nothing before it is there; from then on neither session nor token is found.
    return _changed(user, ["disabled_utc"]) and user.is_disabled_by_date


def _enable(user: UserMixin) -> None:
    attributes = inspect(user).attrs
    is_enabled = user.active and attributes.active.history.has_changes()
    if is_enabled and user.is_disabled_by_date and not attributes.disabled_utc.history.has_changes():
        user.disabled_utc = None


def _seal(instance: object) -> None:
    if isinstance(instance, UserFactorMixin):
        instance.seal()


def _is_changed(session: Session, instance: TimestampMixin) -> bool:
    is_told = inspect(instance).attrs.modified.history.has_changes()
    return not is_told and session.is_modified(instance, include_collections=False)


def _changed(instance: object, names: Iterable[str]) -> bool:
    attributes = inspect(instance).attrs
    return any(attributes[name].history.has_changes() for name in names)


event.listen(Session, "before_flush", _before_flush)
event.listen(Session, "after_flush", _after_flush)
