"""What a session knows besides the database: ``Session.info["onegov_auth"]``, or the defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import object_session

from onegov_auth.clock import Clock, utcnow
from onegov_auth.errors import MissingSecretKeyError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.keys import Keys
    from onegov_auth.models.entities import Entities

__all__ = ["CONTEXT", "clock_of", "entities_of", "keys_of", "maybe_keys_of", "of_context", "session_of"]

#: Where :class:`onegov_auth.database.SessionContext` is kept in ``Session.info``.
CONTEXT = "onegov_auth"


def entities_of(session: Session) -> Entities:
    """The mapped classes in use; the default ones for a session that names none."""
    entities: Entities | None = of_context(session, "entities")
    if entities is None:
        from onegov_auth.models.entities import DEFAULT  # noqa: PLC0415 - the default classes import this module

        return DEFAULT
    return entities


def clock_of(session: Session | None) -> Clock:
    """The session's clock; the system's for a session that has none."""
    clock: Clock | None = of_context(session, "clock")
    return clock or utcnow


def maybe_keys_of(session: Session | None) -> Keys | None:
    """The session's keys, if it has any."""
    keys: Keys | None = of_context(session, "keys")
    return keys


def keys_of(session: Session | None) -> Keys:
    """
    The session's keys.

    Raises:
        MissingSecretKeyError: If it has none.
    """
    keys = maybe_keys_of(session)
    if keys is None:
        raise MissingSecretKeyError("a secret can't be stored or read without a key: configure `secrets`")
    return keys


def session_of(instance: object) -> Session:
    """
    The session *instance* is in.

    Raises:
        ValueError: If it is in none.
    """
    session = object_session(instance)
    if session is None:
        raise ValueError(f"the {type(instance).__name__} is in no session")
    return session


def of_context(session: Session | None, name: str) -> Any:
    """One attribute of the session's context, or ``None``."""
    return None if session is None else getattr(session.info.get(CONTEXT), name, None)
