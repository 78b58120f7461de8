"""What is encrypted in the database, and its encryption anew with the newest secret."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from onegov_auth.errors import DecryptionError
from onegov_auth.models import DEFAULT, Entities

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.keys import Keys

__all__ = ["Rotated", "Sealed", "sealed_columns"]


@dataclass(frozen=True, slots=True)
class Rotated:
    """
    What became of some rows.

    Attributes:
        renewed: How many are encrypted with the newest secret from now on, and were not before.
        lost: How many can't be decrypted with any of the secrets.
    """

    renewed: int = 0
    lost: int = 0

    def __add__(self, other: Rotated) -> Rotated:
        return Rotated(self.renewed + other.renewed, self.lost + other.lost)


@dataclass(frozen=True, slots=True)
class Sealed:
    """
    One encrypted column.

    Attributes:
        name: What a person calls its values.
        rows: The mapped class.
        column: The column.
        purpose: What its key is derived for.
        bound_to: The place a value is bound to, by its row.
    """

    name: str
    rows: Any
    column: str
    purpose: str
    bound_to: Callable[[Any], str] = lambda row: str(row.id)

    def ids(self, db: Session) -> Sequence[Any]:
        """The ids of the rows that hold something."""
        return db.scalars(select(self.rows.id).where(getattr(self.rows, self.column).is_not(None))).all()

    def rotate(self, db: Session, keys: Keys, ids: Sequence[Any]) -> Rotated:
        """
        Encrypt the values of these rows with the newest secret, where they are not.

        One conditional statement each: a value that was changed meanwhile stays.
        """
        found = Rotated()
        column = getattr(self.rows, self.column)
        for row in db.scalars(select(self.rows).where(self.rows.id.in_(ids))):
            found += self._renew(db, keys, row, column)
        return found

    def _renew(self, db: Session, keys: Keys, row: Any, column: Any) -> Rotated:
        old, bound_to = getattr(row, self.column), self.bound_to(row)
        if not old or keys.is_current(self.purpose, old, bound_to):
            return Rotated()
        try:
            new = keys.encrypt(self.purpose, keys.decrypt(self.purpose, old, bound_to), bound_to)
        except DecryptionError:
            return Rotated(lost=1)
        unchanged = update(self.rows).where(self.rows.id == row.id, column == old).values({self.column: new})
        stored = db.execute(unchanged.execution_options(synchronize_session=False))
        return Rotated(renewed=int(getattr(stored, "rowcount", 0)))


def sealed_columns(entities: Entities = DEFAULT) -> tuple[Sealed, ...]:
    """
    All encrypted columns whose values last.

    Transactions are encrypted as well and good for some minutes: whoever began a login before a secret is taken out of
    the settings begins it again.
    """
    return (
        Sealed("factors", entities.factor, "secret", "factor", lambda row: f"{row.type}:{row.id}"),
        Sealed("sessions", entities.session, "logout_hint", "session"),
        Sealed("refresh-tokens", entities.session, "refresh_token", "refresh"),
        Sealed("signing-keys", entities.signing_key, "private", "signing-key"),
        Sealed("messages", entities.message, "body", "outbox"),
    )
