"""Which permissions an application knows: those it lists, and those its views ask for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dectate import Query

from onegov_auth.permissions.catalogue import catalogue
from onegov_auth.permissions.classes import Combination, Permission
from onegov_auth.permissions.conditions import tokens_in

if TYPE_CHECKING:
    import morepath

    from onegov_auth.web.app import AuthApp

__all__ = ["declared_permissions"]


def declared_permissions(app: type[AuthApp]) -> dict[str, str | None]:
    """
    The tokens of a committed application to their descriptions, with those of what is mounted in it.

    Raises:
        RegistryError: If something that is listed is no permission.
    """
    return catalogue([*(app.permissions or ()), *_asked_for(app, set())])


def _asked_for(app: type[morepath.App], seen: set[type[Any]]) -> Iterator[type[Permission]]:
    if app in seen:
        return
    seen.add(app)
    action: Any
    for action, _ in Query("view")(app):
        # An application may have permissions of another kind, and rules of its own for them.
        if isinstance(action.permission, type) and issubclass(action.permission, Permission | Combination):
            yield from tokens_in(action.permission)
    for action, _ in Query("mount")(app):
        # Paths and mounts are one kind of thing for Dectate.
        if hasattr(action, "app"):
            yield from _asked_for(action.app, seen)
