"""Passwords that somebody had, and may not have again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select

from onegov_auth.clock import Clock, utcnow
from onegov_auth.models import DEFAULT, as_key, key_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.database import Database
    from onegov_auth.models import Entities, User
    from onegov_auth.passwords.hashing import Hasher

__all__ = ["PasswordHistory"]


class PasswordHistory:
    """
    The last passwords of users, as hashes, where ``passwords.forbid.history`` asks for it.

    NIST 800-63B-4 asks for no such thing, and it is off by default (PWD-14).

    Args:
        database: Where they are kept.
        hasher: Compares.
        keep: How many, the present one included; 0 keeps none, and forgets those there are.
        clock: The time.
        entities: The mapped classes.
    """

    def __init__(
        self,
        database: Database,
        hasher: Hasher,
        keep: int,
        *,
        clock: Clock = utcnow,
        entities: Entities = DEFAULT,
    ) -> None:
        self._database = database
        self._hasher = hasher
        self._keep = keep
        self._clock = clock
        self._users: Any = entities.user
        self._rows: Any = entities.old_password

    def has(self, user_id: Any, clear: str) -> bool:
        """
        Whether a user has this password or had it lately. Slow: one comparison for each.

        Only for somebody who proved to be that user: the answer tells what the passwords were.
        """
        if self._keep == 0:
            return False
        with self._database.read() as db:
            user = db.get(self._users, as_key(self._users, user_id))
            hashes = [] if user is None else [user.password_hash, *self._old(db, user_id)]
        return any(self._hasher.verify(clear, hashed).ok for hashed in hashes)

    def replaced(self, db: Session, user: User) -> None:
        """Keep the present password of *user*, which is about to be replaced, and forget what is too old."""
        user_id = key_of(user)
        if self._keep > 1 and user.password_hash:
            db.add(self._rows(user_id=user_id, password_hash=user.password_hash, created=self._clock()))
            db.flush()
        rows = self._rows
        newest = select(rows.id).filter_by(user_id=user_id).order_by(rows.id.desc()).limit(max(self._keep - 1, 0))
        kept = list(db.scalars(newest))
        db.execute(delete(rows).where(rows.user_id == user_id, rows.id.not_in(kept)))

    def _old(self, db: Session, user_id: Any) -> list[str]:
        rows = self._rows
        statement = select(rows.password_hash).filter_by(user_id=user_id).order_by(rows.id.desc())
        return list(db.scalars(statement.limit(self._keep - 1)))
