"""Keys that sign access tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from onegov_auth.models.base import Base
from onegov_auth.models.types import Timestamp, json_dict

__all__ = ["SigningKey", "SigningKeyMixin"]


class SigningKeyMixin:
    """A key pair; the private part is encrypted, the public one is what everybody may see."""

    #: The name of the key, as it stands in the head of a token (RFC 7515 §4.1.4).
    id: Mapped[str] = mapped_column(String(64), primary_key=True)

    #: The application it signs for: two may share a table.
    application: Mapped[str] = mapped_column(Text, nullable=False, index=True)

    #: How it signs (RFC 7518 §3.4, RFC 8037).
    algorithm: Mapped[str] = mapped_column(Text, nullable=False)

    #: The public part, as a JSON Web Key (RFC 7517).
    public: Mapped[dict[str, Any]] = mapped_column(json_dict, nullable=False)

    #: The private part, encrypted.
    private: Mapped[str] = mapped_column(Text, nullable=False)

    #: When it was made; the newest one signs.
    created: Mapped[datetime] = mapped_column(Timestamp, nullable=False)

    #: When another one took its place; its tokens are good until they expire.
    retired: Mapped[datetime | None] = mapped_column(Timestamp, nullable=True)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"


class SigningKey(SigningKeyMixin, Base):
    """A key pair that signs access tokens."""

    __tablename__ = "signing_keys"
