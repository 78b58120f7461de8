"""A column type for passwords of an application's own rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import Dialect, String, Text, event
from sqlalchemy.orm import Mapper, object_session
from sqlalchemy.sql import operators
from sqlalchemy.types import TypeDecorator, TypeEngine

from onegov_auth.models.hashing import PasswordHasher, default_hasher, hasher_of

__all__ = ["HashedPassword", "PasswordType"]


class HashedPassword:
    """
    What is known of a password that is stored as a hash. Equal to the clear text, which it never tells.

    Args:
        hash: The stored hash.
        hasher: Compares; ``None`` means the installed default.
    """

    __slots__ = ("_hasher", "hash")

    def __init__(self, hash: str, hasher: PasswordHasher | None = None) -> None:  # noqa: A002 - what it is
        self.hash = hash
        self._hasher = hasher

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            return (self._hasher or default_hasher()).verify(other, self.hash).ok
        return isinstance(other, HashedPassword) and self.hash == other.hash

    def __hash__(self) -> int:
        return hash(self.hash)

    def __repr__(self) -> str:
        return "HashedPassword(…)"


class PasswordType(TypeDecorator[HashedPassword]):
    """
    The second seed's ``KAPasswordType``, for columns of an application's own: what is assigned is hashed at once.

    An attribute of this type compares equal to the clear text and reads as :class:`HashedPassword`, which reveals
    nothing. ``UserMixin.password`` is another thing: it reads as the hash, as the first seed's.

    Args:
        max_length: The length of the column; ``None`` for a text of any length. Argon2id needs about 100 characters.
        hasher: Hashes and compares; ``None`` means the one of the row's session, or the installed default.
    """

    impl = Text
    cache_ok = True

    class Comparator(TypeDecorator.Comparator[Any]):
        """What a statement may say of such a column: whether there is a password."""

        def operate(self, op: Any, *other: Any, **options: Any) -> Any:
            """
            As of any column.

            Raises:
                TypeError: If it is compared with a password; each hash has a salt of its own.
            """
            if op in {operators.eq, operators.ne} and other[0] is not None:
                raise TypeError("a stored password is compared in Python, not by the database")
            return super().operate(op, *other, **options)

    comparator_factory = Comparator

    def __init__(self, max_length: int | None = None, *, hasher: PasswordHasher | None = None) -> None:
        super().__init__()
        self.max_length = max_length
        self.hasher = hasher

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Text, or as many characters as were said."""
        return dialect.type_descriptor(Text() if self.max_length is None else String(self.max_length))

    def hashed(self, clear: str, hasher: PasswordHasher | None = None) -> HashedPassword:
        """
        *clear* as it is stored.

        Raises:
            InvalidPasswordError: If it can't be hashed.
            ValueError: If the hash is longer than the column.
        """
        made = (self.hasher or hasher or default_hasher()).hash(clear)
        if self.max_length is not None and len(made) > self.max_length:
            raise ValueError(f"the hash has {len(made)} characters, the column {self.max_length}")
        return HashedPassword(made, self.hasher or hasher)

    def process_bind_param(self, value: HashedPassword | str | None, _dialect: Dialect) -> str | None:
        """The hash; a clear text, as in an ``insert`` without objects, is hashed here."""
        if value is None:
            return None
        return (self.hashed(value) if isinstance(value, str) else value).hash

    def process_result_value(self, value: str | None, _dialect: Dialect) -> HashedPassword | None:
        """What Python has of the password."""
        return None if value is None else HashedPassword(value, self.hasher)


def _hash_on_assignment(mapper: Mapper[Any], class_: type[Any]) -> None:
    for attribute in mapper.column_attrs:
        kind = attribute.columns[0].type
        if isinstance(kind, PasswordType) and attribute.parent is mapper:
            hash_: Callable[..., Any] = partial(_hashed, kind)
            event.listen(getattr(class_, attribute.key), "set", hash_, retval=True, propagate=True)


def _hashed(kind: PasswordType, target: object, value: object, _old: object, _initiator: object) -> object:
    return kind.hashed(value, hasher_of(object_session(target))) if isinstance(value, str) else value


event.listen(Mapper, "mapper_configured", _hash_on_assignment)
