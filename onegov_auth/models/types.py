"""Column types that are the same in Python whatever the database."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Self, SupportsIndex

from sqlalchemy import JSON, DateTime, Dialect, Double, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.mutable import Mutable
from sqlalchemy.types import TypeDecorator, TypeEngine

__all__ = ["JSONDict", "JSONList", "LowerText", "Timestamp", "UTCDateTime", "json_dict", "json_list"]


def _utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a time needs its timezone")
    return value.astimezone(UTC)


class UTCDateTime(TypeDecorator[datetime]):
    """A time that is aware and in UTC in Python, and without timezone in the table. Naive ones are refused."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """The time as the table has it."""
        return None if value is None else _utc(value).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """The time as Python has it."""
        return None if value is None else value.replace(tzinfo=UTC)


class Timestamp(TypeDecorator[datetime]):
    """
    A time that is aware and in UTC in Python, and a number of seconds since 1970 in the table.

    A double holds microseconds until the year 2255. Numbers compare faster than dates, and the same on
    every database.
    """

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> float | None:
        """The time as the table has it."""
        return None if value is None else _utc(value).timestamp()

    def process_result_value(self, value: float | None, _dialect: Dialect) -> datetime | None:
        """The time as Python has it."""
        return None if value is None else datetime.fromtimestamp(value, UTC)


class LowerText(TypeDecorator[str]):
    """Text that is lower-cased on its way into the table and into comparisons."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: Dialect) -> str | None:
        """The text as the table has it."""
        return None if value is None else value.lower()

    def coerce_compared_value(self, _op: Any, _value: Any) -> TypeEngine[Any]:
        """Compared text is lower-cased as well."""
        return self


def _tracked(value: Any, container: _Tracked) -> Any:
    child: _Tracked
    if isinstance(value, Mapping):
        child = JSONDict(value)
    elif isinstance(value, list | tuple):
        child = JSONList(value)
    else:
        return value
    child._container = weakref.ref(container)  # noqa: SLF001 - the two classes are one mechanism
    return child


class _Tracked(Mutable):
    """A part of a JSON column; a change in it is a change of all that contain it."""

    _container: weakref.ref[_Tracked] | None = None

    def changed(self) -> None:
        super().changed()
        container = self._container() if self._container is not None else None
        if container is not None:
            container.changed()


class JSONDict(_Tracked, dict[str, Any]):
    """
    A JSON object whose changes are noticed at any depth.

    What is put in is copied: change ``user.data["a"]``, not the dictionary that was assigned to it.
    """

    def __init__(self, values: Mapping[str, Any] | Iterable[tuple[str, Any]] = (), /) -> None:
        super().__init__({key: _tracked(value, self) for key, value in dict(values).items()})

    @classmethod
    def coerce(cls, key: str, value: Any) -> JSONDict | None:
        """*value* as it is kept on an object."""
        if value is None:
            return None
        if isinstance(value, Mapping):
            return cls(value)
        raise ValueError(f"{key} needs a mapping, not {type(value).__name__}")

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, _tracked(value, self))
        self.changed()

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self.changed()

    def setdefault(self, key: str, default: Any = None, /) -> Any:
        """As of a dictionary."""
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *args: Any, **values: Any) -> None:
        """As of a dictionary."""
        for key, value in dict(*args, **values).items():
            super().__setitem__(key, _tracked(value, self))
        self.changed()

    def __ior__(self, other: Any) -> Self:  # type: ignore[override, misc]  # dict's own stub differs as well
        self.update(other)
        return self

    def pop(self, *args: Any) -> Any:
        """As of a dictionary."""
        result = super().pop(*args)
        self.changed()
        return result

    def popitem(self) -> tuple[str, Any]:
        """As of a dictionary."""
        result = super().popitem()
        self.changed()
        return result

    def clear(self) -> None:
        """As of a dictionary."""
        super().clear()
        self.changed()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)


class JSONList(_Tracked, list[Any]):
    """A JSON array whose changes are noticed at any depth; what is put in is copied."""

    def __init__(self, values: Iterable[Any] = (), /) -> None:
        super().__init__(_tracked(value, self) for value in values)

    @classmethod
    def coerce(cls, key: str, value: Any) -> JSONList | None:
        """*value* as it is kept on an object."""
        if value is None:
            return None
        if isinstance(value, list | tuple):
            return cls(value)
        raise ValueError(f"{key} needs a list, not {type(value).__name__}")

    def __setitem__(self, index: SupportsIndex | slice, value: Any) -> None:
        if isinstance(index, slice):
            super().__setitem__(index, [_tracked(item, self) for item in value])
        else:
            super().__setitem__(index, _tracked(value, self))
        self.changed()

    def __delitem__(self, index: SupportsIndex | slice) -> None:
        super().__delitem__(index)
        self.changed()

    def append(self, value: Any, /) -> None:
        """As of a list."""
        super().append(_tracked(value, self))
        self.changed()

    def extend(self, values: Iterable[Any], /) -> None:
        """As of a list."""
        super().extend([_tracked(value, self) for value in values])
        self.changed()

    def __iadd__(self, values: Iterable[Any]) -> Self:  # type: ignore[misc]  # list's own stub differs as well
        self.extend(values)
        return self

    def __imul__(self, times: SupportsIndex) -> Self:
        self[:] = list(self) * times
        return self

    def insert(self, index: SupportsIndex, value: Any, /) -> None:
        """As of a list."""
        super().insert(index, _tracked(value, self))
        self.changed()

    def pop(self, index: SupportsIndex = -1, /) -> Any:
        """As of a list."""
        result = super().pop(index)
        self.changed()
        return result

    def remove(self, value: Any, /) -> None:
        """As of a list."""
        super().remove(value)
        self.changed()

    def clear(self) -> None:
        """As of a list."""
        super().clear()
        self.changed()

    def sort(self, **options: Any) -> None:
        """As of a list."""
        super().sort(**options)
        self.changed()

    def reverse(self) -> None:
        """As of a list."""
        super().reverse()
        self.changed()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (list(self),)


def _json() -> TypeEngine[Any]:
    return JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


#: A JSON object: JSONB on PostgreSQL; changes in place are noticed.
json_dict: TypeEngine[Any] = JSONDict.as_mutable(_json())

#: A JSON array: JSONB on PostgreSQL; changes in place are noticed.
json_list: TypeEngine[Any] = JSONList.as_mutable(_json())
