"""What was begun and is to be finished once."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from onegov_auth.models.base import Base, Key, primary_key
from onegov_auth.models.types import Timestamp, json_dict
from onegov_auth.models.user import User

if TYPE_CHECKING:
    from onegov_auth.models.user import UserMixin

__all__ = ["LoginTransaction", "LoginTransactionMixin"]


class LoginTransactionMixin:
    """A login, a link or a proof that was begun; its id is stored as a SHA-256 only."""

    __user__: ClassVar[type[UserMixin]]

    #: The SHA-256 of the id, as 64 hexadecimal digits.
    id_hash: Mapped[str] = mapped_column(String(64), primary_key=True)

    #: What is pending.
    kind: Mapped[str] = mapped_column(Text, nullable=False)

    #: The provider it was begun with.
    provider: Mapped[str | None] = mapped_column(Text, nullable=True)

    #: The SHA-256 of the value in the browser's own cookie.
    browser_hash: Mapped[str] = mapped_column(String(64), nullable=False, index=True)

    #: The path to go to afterwards.
    to: Mapped[str] = mapped_column(Text, nullable=False, default="/")

    #: What has to be remembered until then.
    data: Mapped[dict[str, Any]] = mapped_column(json_dict, nullable=False, default=dict)

    #: When it was begun.
    created: Mapped[datetime] = mapped_column(Timestamp, nullable=False)

    #: When it is void.
    expires: Mapped[datetime] = mapped_column(Timestamp, nullable=False, index=True)

    @declared_attr
    @classmethod
    def user_id(cls) -> Mapped[Key | None]:
        """The user it belongs to, where one is known."""
        key = primary_key(cls.__user__)
        return mapped_column(key.type, ForeignKey(key, ondelete="CASCADE"), nullable=True, index=True)


class LoginTransaction(LoginTransactionMixin, Base):
    """What was begun and is to be finished once."""

    __tablename__ = "login_transactions"
    __user__ = User
