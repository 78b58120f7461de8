"""Whom a provider knows as whom."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID, uuid4

from sqlalchemy import Boolean, ForeignKey, Integer, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from onegov_auth.clock import utcnow
from onegov_auth.models.base import Base, Key, primary_key
from onegov_auth.models.types import UTCDateTime
from onegov_auth.models.user import User

if TYPE_CHECKING:
    from onegov_auth.models.user import UserMixin

__all__ = ["UserIdentity", "UserIdentityMixin"]


class UserIdentityMixin:
    """
    A person at a provider, linked to a local user.

    One pair of source and source id belongs to one user: it is never moved, and compared byte by byte
    (LINK-01, LINK-11).
    """

    __user__: ClassVar[type[UserMixin]]

    #: The id of the link.
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=uuid4)

    #: The provider's name.
    source: Mapped[str] = mapped_column(Text, nullable=False)

    #: Who vouched: OIDC issuer, LDAP naming context.
    issuer: Mapped[str | None] = mapped_column(Text, nullable=True)

    #: The stable id at the provider; never a name or an address.
    source_id: Mapped[str] = mapped_column(Text, nullable=False)

    #: How the link was proven: ``provisioned``, ``password``, ``verified_email`` or ``admin``.
    proof: Mapped[str] = mapped_column(Text, nullable=False)

    #: Whether the link is kept but can't be used.
    frozen: Mapped[bool] = mapped_column(Boolean, nullable=False, default=False)

    #: When it was linked.
    created: Mapped[datetime] = mapped_column(UTCDateTime, nullable=False, default=utcnow)

    #: When the person came by it last.
    last_used: Mapped[datetime | None] = mapped_column(UTCDateTime, nullable=True)

    #: In how many syncs in a row the source did not have the person.
    missed: Mapped[int] = mapped_column(Integer, nullable=False, default=0, server_default="0")

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Any, ...]:
        """What is not said by the columns."""
        return (UniqueConstraint("source", "source_id"),)

    @declared_attr
    @classmethod
    def user_id(cls) -> Mapped[Key]:
        """The local user."""
        key = primary_key(cls.__user__)
        return mapped_column(key.type, ForeignKey(key, ondelete="CASCADE"), nullable=False, index=True)

    @declared_attr
    @classmethod
    def user(cls) -> Mapped[User]:
        """The local user."""
        return relationship(lambda: cls.__user__, back_populates="identities")


class UserIdentity(UserIdentityMixin, Base):
    """A person at a provider, linked to a local user."""

    __tablename__ = "user_identities"
    __user__ = User
