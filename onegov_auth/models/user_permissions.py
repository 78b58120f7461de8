"""What users and groups may do, asked of the objects themselves: the second seed's methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import Select, select

from onegov_auth.models.base import key_of, primary_key
from onegov_auth.models.context import clock_of, session_of
from onegov_auth.models.effective import effective, permissions_of_group

if TYPE_CHECKING:
    from onegov_auth.models.entities import Entities
    from onegov_auth.models.permission import PermissionRow

__all__ = ["GroupPermissions", "WithPermissions"]


class WithPermissions:
    """
    The permissions a user has in effect: own ∪ bundles ∪ groups ∪ groups' bundles; a superuser has all there are.

    Each method is one statement in the user's session, which sees what was changed in it. What a request asks for
    goes by :class:`onegov_auth.permissions.effective.Rights` instead, which asks the database only after a change.

    Raises:
        ValueError: If the user is in no session.
    """

    __entities__: ClassVar[Entities]

    def get_all_permissions(self) -> list[PermissionRow]:
        """The permissions, by their tokens."""
        return list(session_of(self).scalars(self._held(self.__entities__.permission)))

    def get_all_permission_tokens(self) -> frozenset[str]:
        """The tokens of the permissions."""
        return frozenset(session_of(self).scalars(self._held(self.__entities__.permission.token)))

    def has_all_permissions(self, *tokens: str) -> bool:
        """Whether the user has every one of these; all of none is no permission, and refused."""
        wanted = set(tokens)
        return bool(wanted) and self._among(wanted) == wanted

    def has_any_permission(self, *tokens: str) -> bool:
        """Whether the user has at least one of these."""
        return bool(tokens) and bool(self._among(set(tokens)))

    def _among(self, tokens: set[str]) -> set[str]:
        token = self.__entities__.permission.token
        return set(session_of(self).scalars(self._held(token).where(token.in_(tokens))))

    def _held(self, what: Any) -> Select[Any]:
        entities, session = self.__entities__, session_of(self)
        # A user who was just added has no key yet.
        session.flush()
        now = clock_of(session)()
        return select(what).where(effective(entities, key_of(self), now)).order_by(entities.permission.token)


class GroupPermissions:
    """
    The permissions a group gives its members, by itself and by its bundles.

    Raises:
        ValueError: If the group is in no session.
    """

    __entities__: ClassVar[Entities]

    def get_all_permissions(self) -> list[PermissionRow]:
        """The permissions, by their tokens."""
        entities, session = self.__entities__, session_of(self)
        session.flush()
        key, held = primary_key(entities.permission), permissions_of_group(entities, key_of(self))
        return list(
            session.scalars(
                select(entities.permission).where(key.in_(held)).order_by(entities.permission.token),
            )
        )
