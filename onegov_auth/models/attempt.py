"""Who tried to get in."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Boolean, Integer, Text, delete
from sqlalchemy.orm import Mapped, mapped_column

from onegov_auth.models.base import Base
from onegov_auth.models.context import clock_of
from onegov_auth.models.names import canonical_username
from onegov_auth.models.types import Timestamp

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

__all__ = ["SECOND_SEEDS_KINDS", "AttemptMixin", "LoginAttempt", "account_key", "row_number"]

#: What the second seed calls the kinds that have another name here.
SECOND_SEEDS_KINDS = {"forgot": "recovery", "reset": "recovery"}

#: The key of a table that only grows. SQLite numbers rows by itself only if the column is an ``INTEGER``.
row_number = BigInteger().with_variant(Integer, "sqlite")


class AttemptMixin:
    """One attempt to log in, to answer a second factor, to recover an account, to register or to use a token."""

    #: The number of the attempt.
    id: Mapped[int] = mapped_column(row_number, primary_key=True)

    #: What was tried: ``login``, ``factor``, ``recovery``, ``signup``, ``token``.
    attempt_type: Mapped[str] = mapped_column(Text, nullable=False)

    #: The canonical form of the name that was given, as :func:`account_key` makes it.
    user_input: Mapped[str | None] = mapped_column(Text, nullable=True)

    #: The address it came from.
    source_ip: Mapped[str | None] = mapped_column(Text, nullable=True)

    #: When.
    datetime_utc: Mapped[datetime] = mapped_column(Timestamp, nullable=False, index=True)

    #: Whether it was refused unseen, because of earlier attempts.
    is_during_lockout: Mapped[bool] = mapped_column(Boolean, nullable=False, default=False)

    #: How it ended; ``None`` while that is open, or if it does not count.
    success: Mapped[bool | None] = mapped_column(Boolean, nullable=True)

    #: The outcome's code.
    code: Mapped[str | None] = mapped_column(Text, nullable=True)

    #: Whose name it was, as far as that was known: the user's key in hexadecimal. Names of one person count together.
    person: Mapped[str | None] = mapped_column(Text, nullable=True)

    #: The browser, if it is one that person logged in with before; made of its cookie, and no secret.
    device: Mapped[str | None] = mapped_column(Text, nullable=True)

    @classmethod
    def purge_attempts(
        cls,
        session: Session,
        username: str | None = None,
        older_than: int | None = None,
        attempt_type: str | None = None,
    ) -> int:
        """
        Delete attempts, as in the second seed; without an argument, all of them.

        Args:
            session: The unit of work.
            username: The name that was typed, in any spelling.
            older_than: Only those of more days ago.
            attempt_type: The kind; the second seed's ``forgot`` and ``reset`` are our ``recovery``.

        Returns:
            How many were deleted.
        """
        rows: Any = cls
        gone = delete(rows).execution_options(synchronize_session=False)
        if username is not None:
            gone = gone.where(rows.user_input == account_key(username))
        if older_than is not None:
            gone = gone.where(rows.datetime_utc < clock_of(session)() - timedelta(days=older_than))
        if attempt_type is not None:
            gone = gone.where(rows.attempt_type == SECOND_SEEDS_KINDS.get(attempt_type, attempt_type))
        return int(getattr(session.execute(gone), "rowcount", 0))


class LoginAttempt(AttemptMixin, Base):
    """One attempt to get in."""

    __tablename__ = "login_attempts"


def account_key(name: str) -> str:
    """
    What attempts with that name are counted by: spellings of one name are one (UNI-11), and anything has a key.

    Args:
        name: As typed.
    """
    try:
        # Directories ignore how many spaces stand in a name (RFC 4518 §2.6.1), and so does the budget.
        return " ".join(canonical_username(name).split())
    except ValueError:
        return "?" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
