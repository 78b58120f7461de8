"""The declarative base of the default classes, and what every table has in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar, TypeAlias
from uuid import UUID

from sqlalchemy import BindParameter, Column, FromClause, Index, Integer, MetaData, Table, Uuid, bindparam, inspect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from onegov_auth.clock import utcnow
from onegov_auth.models.types import UTCDateTime

__all__ = [
    "NAMING_CONVENTION",
    "Base",
    "Columns",
    "Key",
    "TimestampMixin",
    "as_key",
    "column_of",
    "column_values",
    "index",
    "key_name",
    "key_of",
    "parameters",
    "primary_key",
]

#: The type of a key that belongs to the application: UUID in the default classes.
Key: TypeAlias = Any

#: Constraints need names: SQLite can't drop a nameless one, and Alembic compares by them.
NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

#: Numbers of databases have 64 bits at most.
_BEYOND = 2**63


class Base(DeclarativeBase):
    """The base of the default classes; ``Base.metadata.create_all(engine)`` needs no settings."""

    metadata: ClassVar[MetaData] = MetaData(naming_convention=NAMING_CONVENTION)


class TimestampMixin:
    """
    When a row was made and when it was changed last.

    Objects get both from the session's clock (see :mod:`onegov_auth.models.listener`), statements
    without objects from the system's.
    """

    created: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow, nullable=False, sort_order=100)
    modified: Mapped[datetime | None] = mapped_column(UTCDateTime, onupdate=utcnow, nullable=True, sort_order=101)

    @property
    def last_change(self) -> datetime:
        """When the row was changed last, or made."""
        return self.modified or self.created


def primary_key(class_: type[Any]) -> Column[Any]:
    """
    The one column that identifies a row of *class_*; foreign keys point to it, whatever its name and type.

    Raises:
        TypeError: If the primary key has several columns.
    """
    table = inspect(class_).mapper.local_table
    columns = list(table.primary_key) if isinstance(table, Table) else []
    if len(columns) != 1:
        raise TypeError(f"{class_.__name__} needs a primary key of one column")
    return columns[0]


def column_of(class_: type[Any], name: str) -> Column[Any]:
    """
    The column behind the attribute *name* of *class_*, or behind the attribute that it is a synonym of.

    For statements on the table itself: in an application's own, the column may be called otherwise.
    """
    mapper = inspect(class_).mapper
    found = mapper.columns.get(name)
    if found is None:
        found = mapper.columns[mapper.synonyms[name].name]
    column: Column[Any] = found
    return column


class Columns:
    """
    The columns of the table of *class_*, as attributes that are called like those of the class.

    Args:
        class_: The class.
        alias: An alias of its table, whose columns they are then.
    """

    def __init__(self, class_: type[Any], alias: FromClause | None = None) -> None:
        self._class = class_
        self._alias = alias

    def __getattr__(self, name: str) -> Any:
        column = column_of(self._class, name)
        return column if self._alias is None else self._alias.c[column.key]


def parameters(class_: type[Any], names: Iterable[str]) -> dict[Any, BindParameter[Any]]:
    """What ``insert(…).values()`` takes, so that a row is given by the names of attributes when it is run."""
    return {column_of(class_, name): bindparam(name) for name in names}


def column_values(class_: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """*values* by the names of attributes as values by the columns' own, for a statement on the table itself."""
    synonyms = inspect(class_).mapper.synonyms
    # What is said under an attribute's own name counts.
    ordered = sorted(values, key=lambda name: name not in synonyms)
    return {column_of(class_, name).key: values[name] for name in ordered}


def key_name(class_: type[Any]) -> str:
    """The name of the attribute that holds the primary key."""
    name: str = inspect(class_).mapper.get_property_by_column(primary_key(class_)).key
    return name


def key_of(instance: object) -> Key:
    """The primary key of *instance*."""
    return inspect(instance).mapper.primary_key_from_instance(instance)[0]


def as_key(class_: type[Any], value: Key) -> Key | None:
    """
    *value* as a primary key: a UUID or a number may also be given as text, as it stands in a URL or an identity.

    Returns:
        The key; ``None`` if it can't be one.
    """
    kind = primary_key(class_).type
    if isinstance(value, str) and isinstance(kind, Uuid | Integer):
        try:
            return UUID(value) if isinstance(kind, Uuid) else _number(value)
        except ValueError:
            return None
    return value


def _number(text: str) -> int | None:
    # What is out of range is no key, and for SQLite's driver an error of another kind.
    number = int(text)
    return number if -_BEYOND <= number < _BEYOND else None


def index(class_: Any, *columns: str) -> Index:
    """An index for ``__table_args__``, named after its columns on a base without naming convention, too."""
    return Index(f"ix_{class_.__tablename__}_{'_'.join(columns)}", *columns)
