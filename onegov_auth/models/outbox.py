"""What is to be sent."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import Integer, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from onegov_auth.models.base import Base
from onegov_auth.models.types import Timestamp

__all__ = ["OutboxMessage", "OutboxMixin"]


class OutboxMixin:
    """A mail or text message that is to be sent; to whom and what it says are encrypted."""

    #: The id, which is part of a mail's ``Message-ID`` too.
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=uuid4)

    #: ``mail`` or ``sms``.
    channel: Mapped[str] = mapped_column(Text, nullable=False)

    #: What kind of message, such as ``activate``.
    kind: Mapped[str] = mapped_column(Text, nullable=False)

    #: Receiver, language and values as JSON, encrypted: links in mails are secrets, addresses are personal.
    body: Mapped[str] = mapped_column(Text, nullable=False)

    #: When it was queued.
    created: Mapped[datetime] = mapped_column(Timestamp, nullable=False)

    #: When it is to be tried next; while somebody tries, when another one may.
    due: Mapped[datetime] = mapped_column(Timestamp, nullable=False, index=True)

    #: When it is given up.
    expires: Mapped[datetime] = mapped_column(Timestamp, nullable=False)

    #: How often it was tried.
    tries: Mapped[int] = mapped_column(Integer, nullable=False, default=0)

    #: Why the last try failed.
    code: Mapped[str | None] = mapped_column(Text, nullable=True)


class OutboxMessage(OutboxMixin, Base):
    """A mail or text message that is to be sent."""

    __tablename__ = "outbox"
