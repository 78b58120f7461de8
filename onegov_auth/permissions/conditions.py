"""
Conditions of several permissions, and whether a user meets one.

Parts are classes of permissions, tokens, combinations of them, and callables that take the user::

    may_book = has_any("invoices.write", has_all("invoices.read", lambda user: user.realname))
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Protocol

from onegov_auth.permissions.classes import (
    Combination,
    Condition,
    Intent,
    Part,
    Permission,
    PermissionClass,
    Test,
)

__all__ = ["Holder", "has_all", "has_any", "has_permissions", "permission_class", "tokens_in"]

_CLASSES = (Intent, Permission, Condition, Combination)


class Holder(Protocol):
    """Somebody who may have permissions; a user."""

    def get_all_permission_tokens(self) -> frozenset[str]:
        """The tokens of all permissions, by whatever way they are had."""


def has_all(*parts: Part) -> type[Combination]:
    """
    Every one of these is needed.

    The same arguments give the same class, which is kept: make conditions where the program starts, not in a view.

    Raises:
        ValueError: If none is given, or a token is empty.
        TypeError: If one of them can be no permission.
    """
    return _combine(parts, demands_all=True)


def has_any(*parts: Part) -> type[Combination]:
    """
    One of these is enough; see :func:`has_all`.

    Raises:
        ValueError, TypeError: As :func:`has_all`.
    """
    return _combine(parts, demands_all=False)


def permission_class(part: Part) -> PermissionClass:
    """
    The class that stands for *part*, by which Morepath decides.

    Raises:
        ValueError: If it is an empty token.
        TypeError: If it can be no permission.
    """
    if isinstance(part, type):
        if not issubclass(part, _CLASSES):
            raise TypeError(f"{part.__qualname__} is no permission")
        return part
    if isinstance(part, str):
        return _of_token(part)
    if callable(part):
        return _of_test(part)
    raise TypeError(f"{part!r} is no permission: give a class, a token or a callable that takes the user")


def tokens_in(part: Part) -> Iterator[type[Permission]]:
    """The fine permissions that a condition asks for, at any depth."""
    class_ = permission_class(part)
    if issubclass(class_, Permission):
        yield class_
    elif issubclass(class_, Combination):
        for inner in class_.parts:
            yield from tokens_in(inner)


def has_permissions(condition: Part | None, user: Holder | None) -> bool:
    """
    Whether *user* meets *condition*; no condition is met by everybody, and any by nobody who is nobody.

    One statement, however many tokens are asked for.

    Raises:
        TypeError: If an intent is among them: which role has it is known to an application, so ask its requests.
        ValueError: If the condition is an empty token, or the user is in no session.
    """
    if condition is None:
        return True
    return user is not None and _Asked(user).meets(permission_class(condition))


class _Asked:
    """A user who is asked several things; the tokens are looked up once, and only for a condition with tokens."""

    def __init__(self, user: Holder) -> None:
        self._user = user
        self._tokens: frozenset[str] | None = None

    def meets(self, class_: PermissionClass) -> bool:
        if issubclass(class_, Combination):
            decide = all if class_.demands_all else any
            return decide(self.meets(part) for part in class_.parts)
        if issubclass(class_, Condition):
            return bool(class_.test(self._user))
        if issubclass(class_, Intent):
            raise TypeError(f"{class_.__name__} depends on the settings' roles: use request.has_permission")
        if self._tokens is None:
            self._tokens = self._user.get_all_permission_tokens()
        return class_.token in self._tokens


@cache
def _combine(parts: tuple[Part, ...], *, demands_all: bool) -> type[Combination]:
    if not parts:
        # "All of nothing" would let everybody in.
        raise ValueError("name at least one permission")
    classes = tuple(permission_class(part) for part in parts)
    name = f"{'has_all' if demands_all else 'has_any'}({', '.join(part.__name__ for part in classes)})"
    return type(name, (Combination,), {"parts": classes, "demands_all": demands_all})


@cache
def _of_token(token: str) -> type[Permission]:
    if not token.strip():
        raise ValueError("a token can't be empty")
    return type(token, (Permission,), {"token": token})


@cache
def _of_test(test: Test) -> type[Condition]:
    name: Any = getattr(test, "__name__", type(test).__name__)
    return type(name, (Condition,), {"test": staticmethod(test)})
