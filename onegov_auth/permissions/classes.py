"""
What may be asked for: intents that a role has, fine permissions by token, and what is made of several.

Morepath decides by class, so each of them is one, and whatever is made of others is made once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias

__all__ = [
    "Combination",
    "Condition",
    "Intent",
    "Part",
    "Permission",
    "PermissionClass",
    "Personal",
    "Private",
    "Public",
    "Secret",
    "Test",
]

#: A question to a user that is no permission: whether this one may.
Test: TypeAlias = Callable[[Any], object]


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
        description: What it allows, for those who grant it; by default the first line of the class's docstring.
    """

    token: ClassVar[str]
    description: ClassVar[str | None] = None

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
        if "description" not in vars(cls):
            cls.description = (cls.__doc__ or "").strip().partition("\n")[0] or None


class Condition:
    """
    A question to the user as a permission; made by ``has_all`` and ``has_any`` of a callable.

    Attributes:
        test: Takes the user, and says whether this one may.
    """

    test: ClassVar[Test]


class Combination:
    """
    Several permissions as one; made by ``has_all`` and ``has_any``.

    Attributes:
        parts: What it is made of.
        demands_all: Whether every part is needed, or any one.
    """

    parts: ClassVar[tuple[PermissionClass, ...]] = ()
    demands_all: ClassVar[bool] = True


PermissionClass: TypeAlias = type[Intent] | type[Permission] | type[Condition] | type[Combination]

#: What a condition may be made of: classes of permissions, tokens, other combinations, and questions to the user.
Part: TypeAlias = PermissionClass | str | Test
