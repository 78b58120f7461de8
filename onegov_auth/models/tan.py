"""Transaction numbers: short codes that are valid once and soon expire."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Integer, Text, Uuid, and_
from sqlalchemy.ext.hybrid import hybrid_method
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, object_session

from onegov_auth.clock import utcnow
from onegov_auth.models.base import Base, TimestampMixin, index
from onegov_auth.models.context import clock_of
from onegov_auth.models.types import UTCDateTime, json_dict

__all__ = ["DEFAULT_EXPIRES_AFTER", "TAN", "TANMixin"]

#: How long a TAN is valid unless told otherwise.
DEFAULT_EXPIRES_AFTER = timedelta(hours=1)


class TANMixin(TimestampMixin):
    """A short code, of which only a hash is stored. :attr:`tan` is the clear text, where it was just made."""

    #: The clear text; never stored.
    tan: str

    #: The id of the TAN.
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=uuid4)

    #: The hash the TAN is found by.
    hashed_tan: Mapped[str] = mapped_column(Text, nullable=False, index=True)

    #: What the TAN is for; one for another purpose is never found.
    scope: Mapped[str] = mapped_column(Text, nullable=False, index=True)

    #: The address of whoever asked for it.
    client: Mapped[str] = mapped_column(Text, nullable=False)

    #: When it was used or voided.
    expired: Mapped[datetime | None] = mapped_column(UTCDateTime, nullable=True, index=True)

    #: How many wrong answers were given while this one was asked for.
    failures: Mapped[int] = mapped_column(Integer, nullable=False, default=0, server_default="0")

    #: What the application binds the TAN to, such as a username.
    meta: Mapped[dict[str, Any]] = mapped_column(json_dict, nullable=False, default=dict)

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Any, ...]:
        """What is not said by the columns."""
        return (index(cls, "created"),)

    @hybrid_method
    def is_active(self, expires_after: timedelta | None = DEFAULT_EXPIRES_AFTER, now: datetime | None = None) -> bool:
        """
        Whether the TAN is neither used nor too old; usable in queries.

        Args:
            expires_after: How long it is valid; ``None`` for no limit.
            now: The time; by default the session's, and in queries the system's.
        """
        if self.expired is not None:
            return False
        return expires_after is None or self.created > (now or self._now()) - expires_after

    @is_active.expression
    @classmethod
    def _is_active(
        cls, expires_after: timedelta | None = DEFAULT_EXPIRES_AFTER, now: datetime | None = None
    ) -> ColumnElement[bool]:
        active = cls.expired.is_(None)
        return active if expires_after is None else and_(active, cls.created > (now or utcnow()) - expires_after)

    def expire(self) -> None:
        """
        Void the TAN.

        Raises:
            ValueError: If it is used or void already.
        """
        if self.expired is not None:
            raise ValueError("the TAN has expired already")
        self.expired = self._now()

    def _now(self) -> datetime:
        return clock_of(object_session(self))()


class TAN(TANMixin, Base):
    """A short code that is valid once and soon expires."""

    __tablename__ = "tans"
