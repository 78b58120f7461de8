"""One sync of a directory at a time, whatever happens to the one before."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, update
from sqlalchemy.dialects import postgresql, sqlite

from onegov_auth.errors import SyncLostError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.clock import Clock
    from onegov_auth.database import Database
    from onegov_auth.models import Entities

__all__ = ["EXPIRES", "Lease"]

#: A run that gave no sign of life for so long was killed; another one may begin.
EXPIRES = timedelta(minutes=10)


class Lease:
    """
    The right to sync one directory.

    Args:
        database: Where it is kept.
        entities: The mapped classes.
        clock: The time.
        source: The provider.
        holder: Names this run; a random text.
    """

    def __init__(self, database: Database, entities: Entities, clock: Clock, source: str, holder: str) -> None:
        self._database = database
        self._rows: Any = entities.directory_sync
        self._clock = clock
        self._source = source
        self._holder = holder

    def take(self) -> bool:
        """Take the right if nobody has it, in one statement; says whether that worked."""
        rows, now = self._rows, self._clock()
        insert: Any = postgresql.insert if self._database.dialect == "postgresql" else sqlite.insert
        free = or_(rows.holder.is_(None), rows.beat < now - EXPIRES)
        mine = {"holder": self._holder, "beat": now}
        taken = insert(rows).values(source=self._source, **mine)
        taken = taken.on_conflict_do_update(index_elements=[rows.source], set_=mine, where=free)
        with self._database.unit() as db:
            return db.execute(taken.returning(rows.source)).first() is not None

    def keep(self, db: Session) -> None:
        """
        Give a sign of life, in the unit of work that relies on the right.

        Raises:
            SyncLostError: If another run has it by now; nothing of the unit may be committed.
        """
        rows = self._rows
        mine = (rows.source == self._source, rows.holder == self._holder)
        beat = update(rows).where(*mine).values(beat=self._clock()).execution_options(synchronize_session=False)
        if getattr(db.execute(beat), "rowcount", 0) != 1:
            raise SyncLostError(self._source)

    def beat(self) -> None:
        """Give a sign of life; raises as :meth:`keep`."""
        with self._database.unit() as db:
            self.keep(db)

    def release(self) -> None:
        """Let go of the right, if this run still has it."""
        rows = self._rows
        mine = (rows.source == self._source, rows.holder == self._holder)
        with self._database.unit() as db:
            db.execute(update(rows).where(*mine).values(holder=None).execution_options(synchronize_session=False))
