"""Passwords that a user had."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from onegov_auth.models.attempt import row_number
from onegov_auth.models.base import Base, Key, primary_key
from onegov_auth.models.types import Timestamp
from onegov_auth.models.user import User

if TYPE_CHECKING:
    from onegov_auth.models.user import UserMixin

__all__ = ["OldPassword", "OldPasswordMixin"]


class OldPasswordMixin:
    """A password that a user had; kept only where ``passwords.forbid.history`` says so."""

    __user__: ClassVar[type[UserMixin]]

    #: The number, larger for later ones.
    id: Mapped[int] = mapped_column(row_number, primary_key=True)

    #: Its hash.
    password_hash: Mapped[str] = mapped_column(Text, nullable=False)

    #: When it was replaced.
    created: Mapped[datetime] = mapped_column(Timestamp, nullable=False)

    @declared_attr
    @classmethod
    def user_id(cls) -> Mapped[Key]:
        """Whose."""
        key = primary_key(cls.__user__)
        return mapped_column(key.type, ForeignKey(key, ondelete="CASCADE"), nullable=False, index=True)


class OldPassword(OldPasswordMixin, Base):
    """A password that a user had."""

    __tablename__ = "password_history"
    __user__ = User
