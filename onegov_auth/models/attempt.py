"""Who tried to get in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Integer, Text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from onegov_auth.models.base import Base, index
from onegov_auth.models.types import Timestamp

__all__ = ["AttemptMixin", "LoginAttempt", "row_number"]

#: The key of a table that only grows. SQLite numbers rows by itself only if the column is an ``INTEGER``.
row_number = BigInteger().with_variant(Integer, "sqlite")


class AttemptMixin:
    """One attempt to log in, to answer a second factor or to recover an account."""

    #: The number of the attempt.
    id: Mapped[int] = mapped_column(row_number, primary_key=True)

    #: What was tried: ``login``, ``factor``, ``recovery``, ``signup``.
    attempt_type: Mapped[str] = mapped_column(Text, nullable=False)

    #: The canonical form of the name that was given.
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

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Any, ...]:
        """What is not said by the columns."""
        return (
            index(cls, "attempt_type", "user_input", "datetime_utc"),
            index(cls, "attempt_type", "source_ip", "datetime_utc"),
        )


class LoginAttempt(AttemptMixin, Base):
    """One attempt to get in."""

    __tablename__ = "login_attempts"
