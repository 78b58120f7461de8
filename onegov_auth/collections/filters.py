"""Which users a collection is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, TableValuedAlias, case, exists, func, inspect, or_

from onegov_auth.models import User

__all__ = ["as_sets", "matches", "tag_values", "tagged", "toggled"]


def as_sets(filters: Mapping[str, Any]) -> dict[str, set[Any]]:
    """Filters as sets: of a single value, of the values of an iterable, or empty for ``None``."""
    return {key: _as_set(values) for key, values in filters.items()}


def _as_set(values: Any) -> set[Any]:
    if values is None:
        return set()
    is_single = isinstance(values, str | bytes) or not isinstance(values, Iterable)
    return {values} if is_single else set(values)


def toggled(filters: Mapping[str, set[Any]], changes: Mapping[str, Any]) -> dict[str, set[Any]]:
    """*filters* with each value of *changes* taken out if it was in, and put in if it was not."""
    sets = as_sets(changes)
    return {key: filters.get(key, set()) ^ sets.get(key, set()) for key in filters.keys() | sets.keys()}


def matches(user: type[User], key: str, values: set[Any]) -> ColumnElement[bool]:
    """
    Whether a column has one of the values; the empty string also stands for no value.

    Raises:
        AttributeError: If users have no such column.
    """
    if key not in inspect(user).column_attrs:
        raise AttributeError(f"users can't be filtered by {key!r}")
    column = getattr(user, key)
    found: ColumnElement[bool] = column.in_(values)
    return or_(found, column.is_(None)) if "" in values else found


def tag_values(user: type[User], dialect: str) -> TableValuedAlias:
    """The tags of a user as a table with the column ``value``."""
    if dialect == "sqlite":
        return func.json_each(user.data, "$.tags").table_valued("value", name="tag")
    tags: SQLColumnExpression[Any] = user.data["tags"]
    is_list = func.jsonb_typeof(tags) == "array"
    # Somebody else's data may hold anything below that name, and of anything else there are no elements.
    return func.jsonb_array_elements_text(case((is_list, tags))).table_valued("value", name="tag")


def tagged(user: type[User], dialect: str, tags: Iterable[str]) -> ColumnElement[bool]:
    """Whether a user has one of the tags."""
    values = tag_values(user, dialect)
    return exists().select_from(values).where(values.c.value.in_(list(tags)))
