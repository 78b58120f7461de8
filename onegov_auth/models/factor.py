"""Second factors."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, ForeignKey, Text, Uuid
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, object_session, relationship

from onegov_auth.clock import utcnow
from onegov_auth.models.base import Base, Key, index, primary_key
from onegov_auth.models.context import keys_of
from onegov_auth.models.types import UTCDateTime, json_dict
from onegov_auth.models.user import User

if TYPE_CHECKING:
    from onegov_auth.models.user import UserMixin

__all__ = ["SECRET_TYPES", "UserFactor", "UserFactorMixin"]

#: Types whose value is a secret, and encrypted.
SECRET_TYPES = frozenset({"totp"})


class UserFactorMixin:
    """
    Something a user proves to have besides the password.

    A secret is encrypted when it is flushed, with a key derived from ``secrets`` and bound to this row.
    """

    __user__: ClassVar[type[UserMixin]]

    #: The id of the factor.
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=uuid4)

    #: The type of the factor, such as ``totp``.
    type: Mapped[str] = mapped_column(Text, nullable=False)

    #: What it is found by: a YubiKey's public id, a passkey's credential id.
    key: Mapped[str | None] = mapped_column(Text, nullable=True)

    #: What the person calls it.
    name: Mapped[str | None] = mapped_column(Text, nullable=True)

    #: What the factor has to remember; never a secret.
    data: Mapped[dict[str, Any]] = mapped_column(json_dict, nullable=False, default=dict)

    #: The secret, encrypted; see :attr:`clear_secret`.
    secret: Mapped[str | None] = mapped_column(Text, nullable=True)

    #: When it was added.
    created: Mapped[datetime] = mapped_column(UTCDateTime, nullable=False, default=utcnow)

    #: When it was proven last.
    last_used: Mapped[datetime | None] = mapped_column(UTCDateTime, nullable=True)

    #: The highest time step or counter that was accepted: no answer up to it ever is again.
    counter: Mapped[int | None] = mapped_column(BigInteger, nullable=True)

    #: The SHA-256 of each answer that works once and was used, one after the other.
    uses: Mapped[str | None] = mapped_column(Text, nullable=True)

    _pending: str | None = None

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Any, ...]:
        """A YubiKey's owner is found by its public id."""
        return (index(cls, "type", "key"),)

    @declared_attr
    @classmethod
    def user_id(cls) -> Mapped[Key]:
        """Whose factor it is."""
        key = primary_key(cls.__user__)
        return mapped_column(key.type, ForeignKey(key, ondelete="CASCADE"), nullable=False, index=True)

    @declared_attr
    @classmethod
    def user(cls) -> Mapped[User]:
        """Whose factor it is."""
        return relationship(lambda: cls.__user__, back_populates="factors")

    @property
    def clear_secret(self) -> str | None:
        """
        The secret in clear text.

        Raises:
            MissingSecretKeyError: If the session has no key to decrypt it with; when assigned, at the flush.
        """
        if self._pending is not None or self.secret is None:
            return self._pending
        return keys_of(object_session(self)).decrypt("factor", self.secret, self._bound_to())

    @clear_secret.setter
    def clear_secret(self, clear: str | None) -> None:
        self._pending = clear
        # Any text will do: it makes the row dirty, and seal() replaces it before it is written.
        self.secret = None if clear is None else ""

    def seal(self) -> None:
        """
        Encrypt a secret that was assigned. Called before each flush.

        Raises:
            MissingSecretKeyError: If the session has no key.
        """
        if self._pending is None:
            return
        if self.id is None:
            self.id = uuid4()
        self.secret = keys_of(object_session(self)).encrypt("factor", self._pending, self._bound_to())
        self._pending = None

    def _bound_to(self) -> str:
        return f"{self.type}:{self.id}"

    @property
    def value(self) -> Any:
        """What the first seed calls the factor's ``data``."""
        if self.type in SECRET_TYPES:
            return self.clear_secret
        return self.key if self.type == "yubikey" else self.data.get("value")

    @value.setter
    def value(self, value: Any) -> None:
        if self.type in SECRET_TYPES:
            self.clear_secret = value
        elif self.type == "yubikey":
            # Whoever typed the whole one-time password meant its public id.
            self.key = value[:12]
        else:
            self.data = {"value": value}


class UserFactor(UserFactorMixin, Base):
    """Something a user proves to have besides the password."""

    __tablename__ = "user_factors"
    __user__ = User
