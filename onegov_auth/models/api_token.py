"""API tokens: how a person's programs come in without a session."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, String, Text, Uuid
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from onegov_auth.models.base import Base, Key, primary_key
from onegov_auth.models.types import Timestamp, json_list
from onegov_auth.models.user import User

if TYPE_CHECKING:
    from onegov_auth.models.user import UserMixin

__all__ = ["ApiToken", "ApiTokenMixin"]


class ApiTokenMixin:
    """A token; found by its own public part, its secret is stored as a SHA-256 only (TOK-01, TOK-02)."""

    __user__: ClassVar[type[UserMixin]]

    #: The id of the token: safe to show and to link to.
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=uuid4)

    #: What it is found by: the part of the token that names it.
    key: Mapped[str] = mapped_column(String(64), nullable=False, unique=True)

    #: The SHA-256 of the token, as 64 hexadecimal digits.
    token_hash: Mapped[str] = mapped_column(String(64), nullable=False)

    #: What the person calls it.
    name: Mapped[str] = mapped_column(Text, nullable=False)

    #: The permissions, and intents by name, it is good for; ``None`` for all its user may do.
    scope: Mapped[list[Any] | None] = mapped_column(json_list, nullable=True)

    #: When it was made.
    created: Mapped[datetime] = mapped_column(Timestamp, nullable=False)

    #: Until when it is good.
    expires: Mapped[datetime] = mapped_column(Timestamp, nullable=False, index=True)

    #: When it was used last, to the minute.
    last_used: Mapped[datetime | None] = mapped_column(Timestamp, nullable=True)

    @declared_attr
    @classmethod
    def user_id(cls) -> Mapped[Key]:
        """Whose it is."""
        key = primary_key(cls.__user__)
        return mapped_column(key.type, ForeignKey(key, ondelete="CASCADE"), nullable=False, index=True)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"


class ApiToken(ApiTokenMixin, Base):
    """A token by which a person's program comes in."""

    __tablename__ = "api_tokens"
    __user__ = User
