"""Roles on single objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, Text, Uuid, inspect
from sqlalchemy.orm import Mapped, declared_attr, has_inherited_table, mapped_column, relationship

from onegov_auth.models.base import Base, Key, TimestampMixin, primary_key
from onegov_auth.models.group import UserGroup
from onegov_auth.models.types import json_dict
from onegov_auth.models.user import User

if TYPE_CHECKING:
    from onegov_auth.models.group import GroupMixin
    from onegov_auth.models.user import UserMixin

__all__ = ["RoleMapping", "RoleMappingMixin"]


class RoleMappingMixin(TimestampMixin):
    """
    A role that a user or a group has on one object.

    The object's class declares a relationship of its own by ``content_id`` and ``content_type``.
    """

    __user__: ClassVar[type[UserMixin]]
    __group__: ClassVar[type[GroupMixin]]

    #: The id of the mapping.
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=uuid4)

    #: The type of the mapping; subclasses have a ``polymorphic_identity`` of their own.
    type: Mapped[str] = mapped_column(Text, nullable=False, default="generic")

    #: The role that is granted.
    role: Mapped[str] = mapped_column(Text, nullable=False)

    #: The object's id.
    content_id: Mapped[str] = mapped_column(Text, nullable=False)

    #: The object's table.
    content_type: Mapped[str] = mapped_column(Text, nullable=False)

    #: What an application keeps about the mapping.
    meta: Mapped[dict[str, Any]] = mapped_column(json_dict, nullable=False, default=dict, deferred=True)

    #: What an application keeps about the mapping.
    content: Mapped[dict[str, Any]] = mapped_column(json_dict, nullable=False, default=dict, deferred=True)

    @declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> dict[str, Any]:
        """Subclasses share the table."""
        return {} if has_inherited_table(cls) else {"polymorphic_on": "type", "polymorphic_identity": "generic"}

    @declared_attr
    @classmethod
    def group_id(cls) -> Mapped[Key | None]:
        """The group, if it is a group's role."""
        key = primary_key(cls.__group__)
        return mapped_column(key.type, ForeignKey(key, ondelete="CASCADE"), nullable=True, index=True)

    @declared_attr
    @classmethod
    def username(cls) -> Mapped[str | None]:
        """The user's name, if it is a user's role; it follows when the user is renamed."""
        name = inspect(cls.__user__).columns["username"]
        return mapped_column(
            name.type, ForeignKey(name, onupdate="CASCADE", ondelete="CASCADE"), nullable=True, index=True
        )

    @declared_attr
    @classmethod
    def group(cls) -> Mapped[UserGroup | None]:
        """The group, if it is a group's role."""
        return relationship(lambda: cls.__group__, back_populates="role_mappings")

    @declared_attr
    @classmethod
    def user(cls) -> Mapped[User | None]:
        """The user, if it is a user's role."""
        return relationship(lambda: cls.__user__, back_populates="role_mappings")


class RoleMapping(RoleMappingMixin, Base):
    """A role that a user or a group has on one object."""

    __tablename__ = "role_mappings"
    __user__ = User
    __group__ = UserGroup
