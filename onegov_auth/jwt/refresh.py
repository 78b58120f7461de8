"""
Refresh tokens: each is good for one new pair, and one that comes back ends everything.

Whoever presents a used one is either the thief or the client it was stolen from; nobody can tell which, so the session
ends and with it all tokens (RFC 9700 §4.14.2).
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from sqlalchemy import delete, select, update

from onegov_auth.clock import Clock, utcnow
from onegov_auth.models import DEFAULT
from onegov_auth.outcomes import Refused

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.models import Entities

__all__ = ["RefreshTokens", "Refreshed"]

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Refreshed:
    """
    The next token of a family.

    Attributes:
        token: The refresh token; nobody can tell it again.
        session_id: The session.
        scope: What the access tokens are good for; ``None`` for all their user may do.
    """

    token: str = field(repr=False)
    session_id: UUID
    scope: tuple[str, ...] | None


class RefreshTokens:
    """
    Makes refresh tokens and takes them back.

    Args:
        application: The application id: a token of one is none of another that shares the table (ASVS 8.4.1).
        clock: The time.
        entities: The mapped classes.
        token: Makes a secret of the given number of random bytes, as URL-safe text.
    """

    def __init__(
        self,
        application: str,
        *,
        clock: Clock = utcnow,
        entities: Entities = DEFAULT,
        token: Callable[[int], str] = secrets.token_urlsafe,
    ) -> None:
        self._application = application
        self._clock = clock
        self._token = token
        self._rows: Any = entities.refresh_token

    def begin(self, db: Session, session_id: UUID, expires: datetime, scope: Iterable[str] | None = None) -> Refreshed:
        """
        The first token of a session.

        Args:
            db: The unit of work to write in.
            session_id: The session.
            expires: Until when it and all that follow are good.
            scope: What the access tokens are good for; ``None`` for all their user may do.
        """
        token, wanted = self._token(32), None if scope is None else sorted(scope)
        db.add(
            self._rows(
                id=uuid4(),
                token_hash=self._hash(token),
                session_id=session_id,
                scope=wanted,
                created=self._clock(),
                expires=expires,
            )
        )
        db.flush()
        return Refreshed(token, session_id, None if wanted is None else tuple(wanted))

    def rotate(self, db: Session, token: str) -> Refreshed | Refused:
        """
        Use *token* up and make the next one: one conditional statement, of any number of callers one is given it.

        Args:
            db: The unit of work to write in.
            token: Untrusted.

        Returns:
            The next token; ``Refused`` with ``unknown_token``, or ``token_reused`` whose session the caller has to end
            (:meth:`session_of`).
        """
        if _TOKEN.fullmatch(token) is None:
            return Refused("unknown_token")
        rows, now, hashed = self._rows, self._clock(), self._hash(token)
        used = db.execute(
            update(rows)
            .where(rows.token_hash == hashed, rows.used.is_(None), rows.expires > now)
            .values(used=now)
            .execution_options(synchronize_session=False)
        )
        row = db.scalar(select(rows).where(rows.token_hash == hashed).execution_options(populate_existing=True))
        if getattr(used, "rowcount", 0) != 1 or row is None:
            return Refused("unknown_token" if row is None or row.used is None else "token_reused")
        return self.begin(db, row.session_id, row.expires, row.scope)

    def session_of(self, db: Session, token: str) -> UUID | None:
        """The session a token belongs to, used or not; ``None`` if there is none."""
        if _TOKEN.fullmatch(token) is None:
            return None
        found: UUID | None = db.scalar(select(self._rows.session_id).where(self._rows.token_hash == self._hash(token)))
        return found

    def cleanup(self, db: Session) -> int:
        """Delete those that have expired; returns how many."""
        gone = delete(self._rows).where(self._rows.expires <= self._clock())
        return int(getattr(db.execute(gone.execution_options(synchronize_session=False)), "rowcount", 0))

    def _hash(self, token: str) -> str:
        return hashlib.sha256(f"{self._application}:refresh:{token}".encode()).hexdigest()
