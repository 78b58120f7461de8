"""Signup links."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, Integer, String, Text, Uuid
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from onegov_auth.models.base import Base, Key, primary_key
from onegov_auth.models.group import UserGroup
from onegov_auth.models.types import LowerText, Timestamp
from onegov_auth.models.user import User

if TYPE_CHECKING:
    from onegov_auth.models.group import GroupMixin
    from onegov_auth.models.user import UserMixin

__all__ = ["SignupLink", "SignupLinkMixin"]


class SignupLinkMixin:
    """A link by which so many people may register with a certain role; its token is stored as a SHA-256 only."""

    __user__: ClassVar[type[UserMixin]]
    __group__: ClassVar[type[GroupMixin]]

    #: The id of the link: safe to show and to link to.
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=uuid4)

    #: The SHA-256 of the token, as 64 hexadecimal digits; ``users.signup_token`` of whoever came in by it.
    token_hash: Mapped[str] = mapped_column(String(64), nullable=False, unique=True)

    #: The role they get.
    role: Mapped[str] = mapped_column(Text, nullable=False)

    #: The domain their e-mail addresses have to be of; ``None`` for any.
    domain: Mapped[str | None] = mapped_column(LowerText, nullable=True)

    #: How many may come.
    max_uses: Mapped[int] = mapped_column(Integer, nullable=False)

    #: How many came.
    uses: Mapped[int] = mapped_column(Integer, nullable=False, default=0, server_default="0")

    #: When it was made.
    created: Mapped[datetime] = mapped_column(Timestamp, nullable=False)

    #: Until when it is good.
    expires: Mapped[datetime] = mapped_column(Timestamp, nullable=False, index=True)

    #: When it was revoked.
    revoked: Mapped[datetime | None] = mapped_column(Timestamp, nullable=True)

    @declared_attr
    @classmethod
    def group_id(cls) -> Mapped[Key | None]:
        """The group they become members of; a link into a group that is gone is gone too."""
        key = primary_key(cls.__group__)
        return mapped_column(key.type, ForeignKey(key, ondelete="CASCADE"), nullable=True)

    @declared_attr
    @classmethod
    def made_by(cls) -> Mapped[Key | None]:
        """Who made it; ``None`` for an operator. Nobody is invited by somebody who is gone."""
        key = primary_key(cls.__user__)
        return mapped_column(key.type, ForeignKey(key, ondelete="CASCADE"), nullable=True)


class SignupLink(SignupLinkMixin, Base):
    """A link by which so many people may register with a certain role."""

    __tablename__ = "signup_links"
    __user__ = User
    __group__ = UserGroup
