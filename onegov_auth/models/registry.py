"""The second seed's way to name an application's own classes, one decorator each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from onegov_auth.errors import RegistryError
from onegov_auth.models.entities import Entities

if TYPE_CHECKING:
    from sqlalchemy.orm import DeclarativeBase

__all__ = ["TYPES", "EntityRegistry"]

T = TypeVar("T", bound=type)

#: What may be registered.
TYPES = ("user", "permission", "bundle", "group", "attempt")


class EntityRegistry:
    """
    Collects classes until all tables are made of them.

    Args:
        classes: Classes by the names in :data:`TYPES`, which the decorators register as well.

    Raises:
        RegistryError: As :meth:`register`.
    """

    def __init__(self, **classes: type[Any] | None) -> None:
        self._classes: dict[str, type[Any]] = {}
        for type_, class_ in classes.items():
            if class_ is not None:
                self.register(type_, class_)

    def register(self, type_: str, class_: T) -> T:
        """
        Register a class.

        Raises:
            RegistryError: If there is no such type, it has a class already, or *class_* is none.
        """
        _check(type_)
        if not isinstance(class_, type):
            raise RegistryError(f"{type_}: {class_!r} is no class")
        if type_ in self._classes:
            raise RegistryError(f"{type_}: {self._classes[type_].__name__} is registered already")
        self._classes[type_] = class_
        return class_

    def register_user(self, class_: T) -> T:
        """Register the class of the users."""
        return self.register("user", class_)

    def register_permission(self, class_: T) -> T:
        """Register the class of the permissions."""
        return self.register("permission", class_)

    def register_bundle(self, class_: T) -> T:
        """Register the class of the bundles."""
        return self.register("bundle", class_)

    def register_group(self, class_: T) -> T:
        """Register the class of the groups."""
        return self.register("group", class_)

    def register_attempt(self, class_: T) -> T:
        """Register the class of the attempts."""
        return self.register("attempt", class_)

    @property
    def user_cls(self) -> type[Any]:
        """The class of the users; see :meth:`get_entity_cls`."""
        return self.get_entity_cls("user")

    @property
    def permission_cls(self) -> type[Any]:
        """The class of the permissions; see :meth:`get_entity_cls`."""
        return self.get_entity_cls("permission")

    @property
    def bundle_cls(self) -> type[Any]:
        """The class of the bundles; see :meth:`get_entity_cls`."""
        return self.get_entity_cls("bundle")

    @property
    def group_cls(self) -> type[Any]:
        """The class of the groups; see :meth:`get_entity_cls`."""
        return self.get_entity_cls("group")

    @property
    def attempt_cls(self) -> type[Any]:
        """The class of the attempts; see :meth:`get_entity_cls`."""
        return self.get_entity_cls("attempt")

    def get_entity_cls(self, type_: str) -> type[Any]:
        """
        The registered class.

        Raises:
            RegistryError: If there is no such type, or no class for it.
        """
        if not self.is_registered(type_):
            raise RegistryError(f"{type_}: no class is registered")
        return self._classes[type_]

    def is_registered(self, type_: str) -> bool:
        """
        Whether there is a class.

        Raises:
            RegistryError: If there is no such type.
        """
        _check(type_)
        return type_ in self._classes

    def entities(self, base: type[DeclarativeBase], **more: Any) -> Entities:
        """
        All tables, on the application's base: the registered classes and, for what is missing, the default tables.

        Args:
            base: The declarative base.
            more: As for :meth:`Entities.on`.

        Raises:
            RegistryError: As :meth:`Entities.on`.
        """
        return Entities.on(base, **self._classes, **more)


def _check(type_: str) -> None:
    if type_ not in TYPES:
        raise RegistryError(f"no such type: {type_}; there are {', '.join(TYPES)}")
