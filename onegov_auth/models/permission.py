"""What may be allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self
from uuid import UUID, uuid4

from sqlalchemy import Text, Uuid, select
from sqlalchemy.orm import DynamicMapped, Mapped, Session, declared_attr, mapped_column, relationship

from onegov_auth.models.base import Base
from onegov_auth.models.fakes import WithFake

if TYPE_CHECKING:
    from onegov_auth.models.bundle import Bundle
    from onegov_auth.models.entities import Entities
    from onegov_auth.models.group import UserGroup
    from onegov_auth.models.user import User

__all__ = ["PermissionMixin", "PermissionRow"]


class PermissionMixin(WithFake):
    """A permission of the catalogue that users, groups and bundles are given rows of."""

    __entities__: ClassVar[Entities]

    #: The id of the permission.
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=uuid4)

    #: What the application asks for, such as ``"invoices.read"``.
    token: Mapped[str] = mapped_column(Text, nullable=False, unique=True)

    #: What it allows, in the words of the application.
    description: Mapped[str | None] = mapped_column(Text, nullable=True)

    if TYPE_CHECKING:
        users: DynamicMapped[User]
        groups: DynamicMapped[UserGroup]
        bundles: DynamicMapped[Bundle]
    else:

        @declared_attr
        @classmethod
        def users(cls) -> DynamicMapped[User]:
            """The users who were given it by hand, as a query."""
            return relationship(
                lambda: cls.__entities__.user,
                secondary=lambda: cls.__entities__.user_permissions,
                back_populates="permissions",
                passive_deletes=True,
                lazy="dynamic",
            )

        @declared_attr
        @classmethod
        def groups(cls) -> DynamicMapped[UserGroup]:
            """The groups whose members have it, as a query."""
            return relationship(
                lambda: cls.__entities__.group,
                secondary=lambda: cls.__entities__.group_permissions,
                back_populates="permissions",
                passive_deletes=True,
                lazy="dynamic",
            )

        @declared_attr
        @classmethod
        def bundles(cls) -> DynamicMapped[Bundle]:
            """The bundles it is part of, as a query."""
            return relationship(
                lambda: cls.__entities__.bundle,
                secondary=lambda: cls.__entities__.bundle_permissions,
                back_populates="permissions",
                passive_deletes=True,
                lazy="dynamic",
            )

    @classmethod
    def get_by_token(cls, session: Session, token: str) -> Self | None:
        """The permission of that token; ``None`` if there is none."""
        return session.scalar(select(cls).where(cls.token == token))


class PermissionRow(PermissionMixin, Base):
    """A permission of the catalogue."""

    __tablename__ = "permissions"
