"""Permissions that are given together."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from uuid import UUID, uuid4

from sqlalchemy import Text, Uuid
from sqlalchemy.orm import DynamicMapped, Mapped, declared_attr, mapped_column, relationship

from onegov_auth.models.base import Base
from onegov_auth.models.fakes import WithFake

if TYPE_CHECKING:
    from onegov_auth.models.entities import Entities
    from onegov_auth.models.group import UserGroup
    from onegov_auth.models.permission import PermissionRow
    from onegov_auth.models.user import User

__all__ = ["Bundle", "BundleMixin"]


class BundleMixin(WithFake):
    """Permissions under one name; whoever has the bundle has all of them."""

    __entities__: ClassVar[Entities]

    #: The id of the bundle.
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=uuid4)

    #: The name of the bundle.
    name: Mapped[str] = mapped_column(Text, nullable=False, unique=True)

    @declared_attr
    @classmethod
    def permissions(cls) -> Mapped[list[PermissionRow]]:
        """What is in it."""
        return relationship(
            lambda: cls.__entities__.permission,
            secondary=lambda: cls.__entities__.bundle_permissions,
            back_populates="bundles",
            passive_deletes=True,
        )

    if TYPE_CHECKING:
        users: DynamicMapped[User]
        groups: DynamicMapped[UserGroup]
    else:

        @declared_attr
        @classmethod
        def users(cls) -> DynamicMapped[User]:
            """The users who were given it by hand, as a query."""
            return relationship(
                lambda: cls.__entities__.user,
                secondary=lambda: cls.__entities__.user_bundles,
                back_populates="bundles",
                passive_deletes=True,
                lazy="dynamic",
            )

        @declared_attr
        @classmethod
        def groups(cls) -> DynamicMapped[UserGroup]:
            """The groups whose members have it, as a query."""
            return relationship(
                lambda: cls.__entities__.group,
                secondary=lambda: cls.__entities__.group_bundles,
                back_populates="bundles",
                passive_deletes=True,
                lazy="dynamic",
            )


class Bundle(BundleMixin, Base):
    """Permissions under one name."""

    __tablename__ = "bundles"
