"""
What somebody may do: intents by role, fine permissions by token.

Morepath decides by class, so permissions are classes, and a combination of them is a class that is made once::

    class ReadInvoices(Permission):
        token = "invoices.read"


    @App.html(model=Invoices, permission=has_any(ReadInvoices, Secret))
    def view(self, request): ...
"""

from __future__ import annotations

from functools import cache
from typing import ClassVar, TypeAlias

__all__ = [
    "Combination",
    "Intent",
    "Permission",
    "PermissionClass",
    "Personal",
    "Private",
    "Public",
    "Secret",
    "has_all",
    "has_any",
]


class Intent:
    """What a page is meant for; the settings say which role may do which (``roles``)."""


class Public(Intent):
    """For everybody, logged in or not."""


class Personal(Intent):
    """For everybody who is logged in, members included."""


class Private(Intent):
    """For those who work on the site's contents."""


class Secret(Intent):
    """For those who run the site."""


class Permission:
    """
    A fine permission; a subclass names its token.

    Attributes:
        token: The name it is granted by; a stable text such as ``"invoices.read"``.
    """

    token: ClassVar[str]

    def __init_subclass__(cls) -> None:
        """
        Check the declaration.

        Raises:
            TypeError: If the class has no token.
        """
        super().__init_subclass__()
        token = getattr(cls, "token", None)
        if not isinstance(token, str) or not token.strip():
            raise TypeError(f'{cls.__qualname__} needs a token, such as token = "invoices.read"')


class Combination:
    """
    Several permissions as one; made by :func:`has_all` and :func:`has_any`.

    Attributes:
        parts: What it is made of.
        demands_all: Whether every part is needed, or any one.
    """

    parts: ClassVar[tuple[type, ...]] = ()
    demands_all: ClassVar[bool] = True


PermissionClass: TypeAlias = type[Intent] | type[Permission] | type[Combination]


def has_all(*permissions: PermissionClass) -> type[Combination]:
    """
    Every one of these is needed.

    The same arguments give the same class, so that views and rules registered with it agree.

    Raises:
        ValueError: If none is given.
    """
    return _combine(permissions, demands_all=True)


def has_any(*permissions: PermissionClass) -> type[Combination]:
    """
    One of these is enough; see :func:`has_all`.

    Raises:
        ValueError: If none is given.
    """
    return _combine(permissions, demands_all=False)


@cache
def _combine(permissions: tuple[PermissionClass, ...], *, demands_all: bool) -> type[Combination]:
    if not permissions:
        # "All of nothing" would let everybody in.
        raise ValueError("name at least one permission")
    name = f"{'has_all' if demands_all else 'has_any'}({', '.join(part.__name__ for part in permissions)})"
    return type(name, (Combination,), {"parts": permissions, "demands_all": demands_all})
