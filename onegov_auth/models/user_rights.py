"""What a user was given by hand, and what tells that it has changed."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import Boolean, Integer, false
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

if TYPE_CHECKING:
    from onegov_auth.models.bundle import Bundle
    from onegov_auth.models.entities import Entities
    from onegov_auth.models.group import UserGroup
    from onegov_auth.models.permission import PermissionRow

__all__ = ["WithRights"]


def _first_stamp() -> int:
    # SQLite gives the number of a deleted row again: who gets it must not have the rights that were cached under it.
    return secrets.randbelow(2**30)


class WithRights:
    """Groups, bundles and permissions of a user without origin or end; the others are rows of ``grants``."""

    __entities__: ClassVar[Entities]

    #: Whether the user has every permission there is.
    is_superuser: Mapped[bool] = mapped_column(
        Boolean, nullable=False, default=False, server_default=false(), active_history=True
    )

    #: Moves with every change of the user's rights; what is derived from them is cached under it.
    rights_stamp: Mapped[int] = mapped_column(Integer, nullable=False, default=_first_stamp)

    @declared_attr
    @classmethod
    def groups(cls) -> Mapped[list[UserGroup]]:
        """The groups the user is in."""
        return relationship(
            lambda: cls.__entities__.group,
            secondary=lambda: cls.__entities__.user_groups,
            back_populates="users",
            passive_deletes=True,
        )

    @declared_attr
    @classmethod
    def permissions(cls) -> Mapped[list[PermissionRow]]:
        """The permissions of the user alone."""
        return relationship(
            lambda: cls.__entities__.permission,
            secondary=lambda: cls.__entities__.user_permissions,
            back_populates="users",
            passive_deletes=True,
        )

    @declared_attr
    @classmethod
    def bundles(cls) -> Mapped[list[Bundle]]:
        """The bundles of the user alone."""
        return relationship(
            lambda: cls.__entities__.bundle,
            secondary=lambda: cls.__entities__.user_bundles,
            back_populates="users",
            passive_deletes=True,
        )
