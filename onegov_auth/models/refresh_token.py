"""Refresh tokens: how an API client gets its next access token, each of them once."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, String, Uuid
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from onegov_auth.models.base import Base, Key, primary_key
from onegov_auth.models.session import UserSession
from onegov_auth.models.types import Timestamp, json_list

if TYPE_CHECKING:
    from onegov_auth.models.session import UserSessionMixin

__all__ = ["RefreshToken", "RefreshTokenMixin"]


class RefreshTokenMixin:
    """
    A refresh token; stored as a SHA-256 only.

    All of one session are a family: it ends with the session, and the session ends when a used one comes back
    (RFC 9700 §4.14.2).
    """

    __session__: ClassVar[type[UserSessionMixin]]

    #: The id of the token.
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=uuid4)

    #: The SHA-256 of the token, as 64 hexadecimal digits.
    token_hash: Mapped[str] = mapped_column(String(64), nullable=False, unique=True)

    #: What the access tokens are good for; ``None`` for all their user may do.
    scope: Mapped[list[Any] | None] = mapped_column(json_list, nullable=True)

    #: When it was made.
    created: Mapped[datetime] = mapped_column(Timestamp, nullable=False)

    #: Until when it is good.
    expires: Mapped[datetime] = mapped_column(Timestamp, nullable=False, index=True)

    #: When it was used; it is kept so that its second use is noticed.
    used: Mapped[datetime | None] = mapped_column(Timestamp, nullable=True)

    @declared_attr
    @classmethod
    def session_id(cls) -> Mapped[Key]:
        """The session it prolongs, with which it ends."""
        key = primary_key(cls.__session__)
        return mapped_column(key.type, ForeignKey(key, ondelete="CASCADE"), nullable=False, index=True)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"


class RefreshToken(RefreshTokenMixin, Base):
    """A refresh token."""

    __tablename__ = "refresh_tokens"
    __session__ = UserSession
