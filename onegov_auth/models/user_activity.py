"""Who may log in at all."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Text, and_, bindparam, or_
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, object_session, synonym, validates

from onegov_auth.clock import utcnow
from onegov_auth.models.context import clock_of
from onegov_auth.models.types import UTCDateTime

__all__ = ["WithActivity"]


class WithActivity:
    """
    What decides whether a user may log in: :attr:`active`, and a date from which on it is over.

    Whoever lets somebody in asks :attr:`is_active` of an object and :meth:`active_at` in a statement.
    """

    #: Whether the user may log in, unless :attr:`disabled_utc` is past.
    active: Mapped[bool] = mapped_column(Boolean, nullable=False, default=True, active_history=True)

    #: The provider whose sync deactivated the user; ``None`` if a person did, whom no sync overrules.
    deactivated_by: Mapped[str | None] = mapped_column(Text, nullable=True)

    #: From when on the user may not log in any more; ``None`` for no end.
    disabled_utc: Mapped[datetime | None] = mapped_column(UTCDateTime, nullable=True, active_history=True)

    @declared_attr
    @classmethod
    def is_enabled(cls) -> Mapped[bool]:
        """The second seed's name of :attr:`active`."""
        return synonym("active")

    @validates("active")
    def _set_active(self, _key: str, active: bool) -> bool:
        # Whoever assigns it decides; a sync names itself afterwards.
        self.deactivated_by = None
        return active

    @hybrid_property
    def is_disabled_by_date(self) -> bool:
        """Whether :attr:`disabled_utc` is past, by the session's clock; in a statement by the system's."""
        return self.disabled_utc is not None and self.disabled_utc <= clock_of(object_session(self))()

    @is_disabled_by_date.inplace.expression
    @classmethod
    def _is_disabled_by_date(cls) -> ColumnElement[bool]:
        return and_(cls.disabled_utc.is_not(None), cls.disabled_utc <= _now())

    @property
    def may_recover(self) -> bool:
        """Whether the user may log in, or may once the address is verified, which a mailed link does."""
        return bool(self.active) and not self.is_disabled_by_date

    @property
    def is_confirmed(self) -> bool:
        """Whether nothing has to be confirmed before the user may log in."""
        return True

    @hybrid_property
    def is_active(self) -> bool:
        """Whether the user may log in at this moment, by the session's clock; in a statement by the system's."""
        return self.may_recover and self.is_confirmed

    @is_active.inplace.expression
    @classmethod
    def _is_active(cls) -> ColumnElement[bool]:
        return cls.active_at(_now())

    def enable(self) -> None:
        """Let the user log in again, whichever way that was over."""
        self.active = True
        if self.is_disabled_by_date:
            self.disabled_utc = None

    @classmethod
    def active_at(cls, now: Any) -> ColumnElement[bool]:
        """
        The condition of :attr:`is_active` for a statement.

        Args:
            now: A time, or an expression of one such as a ``bindparam`` of the type ``UTCDateTime``.
        """
        return and_(cls.active, or_(cls.disabled_utc.is_(None), cls.disabled_utc > now))


def _now() -> Any:
    return bindparam("now", callable_=utcnow, type_=UTCDateTime(), unique=True)
