"""Groups of users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID, uuid4

from sqlalchemy import Text, Uuid
from sqlalchemy.orm import DynamicMapped, Mapped, declared_attr, has_inherited_table, mapped_column, relationship

from onegov_auth.models.base import Base, TimestampMixin
from onegov_auth.models.fakes import WithFake
from onegov_auth.models.types import json_dict
from onegov_auth.models.user_permissions import GroupPermissions

if TYPE_CHECKING:
    from onegov_auth.models.bundle import Bundle
    from onegov_auth.models.entities import Entities
    from onegov_auth.models.permission import PermissionRow
    from onegov_auth.models.role_mapping import RoleMapping
    from onegov_auth.models.user import User

__all__ = ["GroupMixin", "UserGroup"]


class GroupMixin(WithFake, GroupPermissions, TimestampMixin):
    """The columns and relationships of a group; ``id`` may be declared anew with another type."""

    __entities__: ClassVar[Entities]

    #: The type of the group; subclasses have a ``polymorphic_identity`` of their own.
    type: Mapped[str] = mapped_column(Text, nullable=False, default="generic")

    #: The id of the group.
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=uuid4)

    #: The name of the group.
    name: Mapped[str | None] = mapped_column(Text, nullable=True)

    #: What an application keeps about the group.
    meta: Mapped[dict[str, Any]] = mapped_column(json_dict, nullable=False, default=dict, deferred=True)

    #: What an application keeps about the group.
    content: Mapped[dict[str, Any]] = mapped_column(json_dict, nullable=False, default=dict, deferred=True)

    @declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> dict[str, Any]:
        """Subclasses share the table."""
        return {} if has_inherited_table(cls) else {"polymorphic_on": "type", "polymorphic_identity": "generic"}

    if TYPE_CHECKING:
        users: DynamicMapped[User]
    else:

        @declared_attr
        @classmethod
        def users(cls) -> DynamicMapped[User]:
            """The members, as a query."""
            return relationship(
                lambda: cls.__entities__.user,
                secondary=lambda: cls.__entities__.user_groups,
                back_populates="groups",
                passive_deletes=True,
                lazy="dynamic",
            )

    @declared_attr
    @classmethod
    def permissions(cls) -> Mapped[list[PermissionRow]]:
        """The permissions every member has."""
        return relationship(
            lambda: cls.__entities__.permission,
            secondary=lambda: cls.__entities__.group_permissions,
            back_populates="groups",
            passive_deletes=True,
        )

    @declared_attr
    @classmethod
    def bundles(cls) -> Mapped[list[Bundle]]:
        """The bundles every member has."""
        return relationship(
            lambda: cls.__entities__.bundle,
            secondary=lambda: cls.__entities__.group_bundles,
            back_populates="groups",
            passive_deletes=True,
        )

    if TYPE_CHECKING:
        role_mappings: DynamicMapped[RoleMapping]
    else:

        @declared_attr
        @classmethod
        def role_mappings(cls) -> DynamicMapped[RoleMapping]:
            """The roles the group has on single objects, as a query."""
            return relationship(
                lambda: cls.__entities__.role_mapping,
                back_populates="group",
                cascade="all, delete-orphan",
                passive_deletes=True,
                lazy="dynamic",
            )


class UserGroup(GroupMixin, Base):
    """A group of users."""

    __tablename__ = "groups"
