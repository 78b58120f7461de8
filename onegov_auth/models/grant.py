"""Rights of single users that have an origin or an end."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, Text, Uuid
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from onegov_auth.clock import utcnow
from onegov_auth.models.base import Base, Key, primary_key
from onegov_auth.models.bundle import Bundle
from onegov_auth.models.group import UserGroup
from onegov_auth.models.permission import PermissionRow
from onegov_auth.models.types import Timestamp
from onegov_auth.models.user import User

if TYPE_CHECKING:
    from onegov_auth.models.bundle import BundleMixin
    from onegov_auth.models.group import GroupMixin
    from onegov_auth.models.permission import PermissionMixin
    from onegov_auth.models.user import UserMixin

__all__ = ["Grant", "GrantMixin"]


class GrantMixin:
    """
    One permission, bundle or group of one user, given by a provider's rule or until a moment.

    What a person gave without an end is a row of an association table instead.
    """

    __user__: ClassVar[type[UserMixin]]
    __group__: ClassVar[type[GroupMixin]]
    __permission__: ClassVar[type[PermissionMixin]]
    __bundle__: ClassVar[type[BundleMixin]]

    #: The id of the grant.
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=uuid4)

    #: The provider that gave it; ``None`` for a person.
    origin: Mapped[str | None] = mapped_column(Text, nullable=True, index=True)

    #: The provider's group by which it was given.
    rule: Mapped[str | None] = mapped_column(Text, nullable=True)

    #: From when on it does not count any more; ``None`` for no end.
    expires: Mapped[datetime | None] = mapped_column(Timestamp, nullable=True)

    #: When it was given.
    created: Mapped[datetime] = mapped_column(Timestamp, nullable=False, default=utcnow)

    @declared_attr
    @classmethod
    def user_id(cls) -> Mapped[Key]:
        """Whose it is."""
        key = primary_key(cls.__user__)
        return mapped_column(key.type, ForeignKey(key, ondelete="CASCADE"), nullable=False)

    @declared_attr
    @classmethod
    def permission_id(cls) -> Mapped[Key | None]:
        """The permission that is given, if it is one."""
        key = primary_key(cls.__permission__)
        return mapped_column(key.type, ForeignKey(key, ondelete="CASCADE"), nullable=True, index=True)

    @declared_attr
    @classmethod
    def bundle_id(cls) -> Mapped[Key | None]:
        """The bundle that is given, if it is one."""
        key = primary_key(cls.__bundle__)
        return mapped_column(key.type, ForeignKey(key, ondelete="CASCADE"), nullable=True, index=True)

    @declared_attr
    @classmethod
    def group_id(cls) -> Mapped[Key | None]:
        """The group the user is a member of, if it is a membership."""
        key = primary_key(cls.__group__)
        return mapped_column(key.type, ForeignKey(key, ondelete="CASCADE"), nullable=True, index=True)

    @declared_attr
    @classmethod
    def user(cls) -> Mapped[User]:
        """Whose it is."""
        return relationship(lambda: cls.__user__)

    @declared_attr
    @classmethod
    def permission(cls) -> Mapped[PermissionRow | None]:
        """The permission that is given, if it is one."""
        return relationship(lambda: cls.__permission__)

    @declared_attr
    @classmethod
    def bundle(cls) -> Mapped[Bundle | None]:
        """The bundle that is given, if it is one."""
        return relationship(lambda: cls.__bundle__)

    @declared_attr
    @classmethod
    def group(cls) -> Mapped[UserGroup | None]:
        """The group the user is a member of, if it is a membership."""
        return relationship(lambda: cls.__group__)


class Grant(GrantMixin, Base):
    """One right of one user, with an origin or an end."""

    __tablename__ = "grants"
    __user__ = User
    __group__ = UserGroup
    __permission__ = PermissionRow
    __bundle__ = Bundle
