"""Groups of users: find, add, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect

from onegov_auth.models import UserGroup, as_key, entities_of, primary_key

if TYPE_CHECKING:
    from sqlalchemy.orm import Query, Session

__all__ = ["UserGroupCollection"]


class UserGroupCollection:
    """
    The groups, or those of one type.

    Args:
        session: The session to work in.
        type: The type of the groups; ``'*'`` for all.
    """

    def __init__(self, session: Session, type: str = "*") -> None:  # noqa: A002 - the first seed's signature
        self.session = session
        self.type = type

    @property
    def model_class(self) -> type[UserGroup]:
        """
        The class of the groups of that type.

        Raises:
            ValueError: If no class has it; its groups could be stored, but never loaded.
        """
        base = entities_of(self.session).group
        if self.type == "*":
            return base
        mapper = inspect(base).polymorphic_map.get(self.type)
        if mapper is None:
            raise ValueError(f"no class of groups has the type {self.type!r}")
        return mapper.class_

    def query(self) -> Query[UserGroup]:
        """The groups, ordered by name."""
        model = self.model_class
        query = self.session.query(model)
        if self.type != "*":
            query = query.filter(model.type == self.type)
        return query.order_by(model.name)

    def add(self, **attributes: Any) -> UserGroup:
        """Add a group with these attributes, and flush."""
        group = self.model_class(**attributes)
        self.session.add(group)
        self.session.flush()
        return group

    def by_id(self, id: Any) -> UserGroup | None:  # noqa: A002 - the first seed's signature
        """The group with that id."""
        key = as_key(self.model_class, id)
        return None if key is None else self.query().filter(primary_key(self.model_class) == key).first()

    def delete(self, group: UserGroup) -> None:
        """Delete a group, and flush; its members stay."""
        self.session.delete(group)
        self.session.flush()
