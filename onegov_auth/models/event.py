"""What happened."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from onegov_auth.clock import utcnow
from onegov_auth.models.attempt import row_number
from onegov_auth.models.base import Base, Key, index, primary_key
from onegov_auth.models.types import UTCDateTime, json_list
from onegov_auth.models.user import User

if TYPE_CHECKING:
    from onegov_auth.models.user import UserMixin

__all__ = ["AuthEvent", "AuthEventMixin"]


class AuthEventMixin:
    """Something that happened to somebody's way in; it outlives the user it is about."""

    __user__: ClassVar[type[UserMixin]]

    #: The number of the event.
    id: Mapped[int] = mapped_column(row_number, primary_key=True)

    #: What happened, such as ``login``.
    type: Mapped[str] = mapped_column(Text, nullable=False)

    #: The user's name at that time, or the name that was given.
    username: Mapped[str | None] = mapped_column(Text, nullable=True, index=True)

    #: The provider that was asked.
    provider: Mapped[str | None] = mapped_column(Text, nullable=True)

    #: The second factor that was used.
    factor: Mapped[str | None] = mapped_column(Text, nullable=True)

    #: The outcome: ``ok`` or a refusal's code.
    code: Mapped[str | None] = mapped_column(Text, nullable=True)

    #: The address it came from.
    address: Mapped[str | None] = mapped_column(Text, nullable=True)

    #: The request in the application's log.
    request_id: Mapped[str | None] = mapped_column(Text, nullable=True)

    #: The browser.
    user_agent: Mapped[str | None] = mapped_column(Text, nullable=True)

    #: When.
    created: Mapped[datetime] = mapped_column(UTCDateTime, nullable=False, default=utcnow, index=True)

    #: What was decided on the way.
    steps: Mapped[list[Any]] = mapped_column(json_list, nullable=False, default=list)

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Any, ...]:
        """What is looked for among many, the newest first."""
        return index(cls, "type", "id"), index(cls, "provider", "id")

    @declared_attr
    @classmethod
    def user_id(cls) -> Mapped[Key | None]:
        """The user. No foreign key: an event is kept when the user is deleted."""
        return mapped_column(primary_key(cls.__user__).type, nullable=True, index=True)


class AuthEvent(AuthEventMixin, Base):
    """Something that happened to somebody's way in."""

    __tablename__ = "auth_events"
    __user__ = User
