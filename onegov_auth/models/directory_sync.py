"""Which directory is being synced."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from onegov_auth.models.base import Base
from onegov_auth.models.types import Timestamp

__all__ = ["DirectorySync", "DirectorySyncMixin"]


class DirectorySyncMixin:
    """The right to sync one directory: one run has it, until it lets go of it or gives no sign of life."""

    #: The provider's name.
    source: Mapped[str] = mapped_column(Text, primary_key=True)

    #: The run that has the right; ``None`` = nobody.
    holder: Mapped[str | None] = mapped_column(Text, nullable=True)

    #: Its last sign of life.
    beat: Mapped[datetime] = mapped_column(Timestamp, nullable=False)


class DirectorySync(DirectorySyncMixin, Base):
    """The right to sync one directory."""

    __tablename__ = "directory_syncs"
