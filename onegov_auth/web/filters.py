"""Filters of a :class:`onegov_auth.web.grid.Grid`: what may be asked for, and which rows that means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import ColumnElement, and_, func, or_, true
from webob.exc import HTTPBadRequest

from onegov_auth.i18n import _
from onegov_auth.models.types import LowerText

if TYPE_CHECKING:
    from onegov_auth.web.grid import Grid

__all__ = ["ChoiceFilter", "Filter", "TextFilter", "TimeFilter", "YesNoFilter", "contains"]

#: Nobody types more to find something; a longer text is no e-mail address either (RFC 5321 §4.5.3.1).
MAX_TEXT = 254


def contains(column: Any, typed: str) -> ColumnElement[bool]:
    """
    Whether a column has *typed* somewhere, in small or capital letters; ``%`` and ``_`` mean themselves.

    SQLite knows the capitals of ASCII only, so that other letters are asked for as people write them in names.
    """
    if isinstance(column.type, LowerText):
        kept: ColumnElement[bool] = column.contains(typed.lower(), autoescape=True)
        return kept
    spellings = {typed.lower()} if typed.isascii() else {typed, typed.lower(), typed.upper(), typed.title()}
    return or_(*(func.lower(column).contains(spelling, autoescape=True) for spelling in sorted(spellings)))


class Filter:
    """
    One thing that may be asked for.

    Args:
        key: Its name in the address.
        label: What it is called, marked for translation.

    Attributes:
        kind: How a template draws it.
    """

    kind: ClassVar[str] = "text"

    def __init__(self, key: str, label: str) -> None:
        self.key = key
        self.label = label

    @property
    def names(self) -> tuple[str, ...]:
        """The fields it has in the address."""
        return (self.key,)

    def condition(self, grid: Grid, values: Mapping[str, str]) -> ColumnElement[bool]:
        """
        Which rows are meant.

        Args:
            grid: With the mapped class as ``grid.model``.
            values: What was asked for, by field; at least one, and untrusted.

        Raises:
            HTTPBadRequest: If our own page could not have asked for it.
        """
        raise NotImplementedError

    def options(self, grid: Grid) -> Mapping[str, str]:  # noqa: ARG002 - for subclasses
        """What there is to choose from, by value."""
        return {}


class TextFilter(Filter):
    """
    Rows that have a text in one of some columns.

    Args:
        key: As for all.
        label: As for all.
        columns: The attributes it may stand in; by default the one named *key*.
        find: Makes the condition in place of that, of the grid and the text.
    """

    def __init__(
        self, key: str, label: str, *columns: str, find: Callable[[Grid, str], ColumnElement[bool]] | None = None
    ) -> None:
        super().__init__(key, label)
        self.columns = columns or (key,)
        self._find = find

    def condition(self, grid: Grid, values: Mapping[str, str]) -> ColumnElement[bool]:
        """Those that have it, in whatever letters."""
        typed = values[self.key]
        if len(typed) > MAX_TEXT or "\x00" in typed:
            raise HTTPBadRequest("Nothing is found by such a text.")
        if self._find is not None:
            return self._find(grid, typed)
        return or_(*(contains(getattr(grid.model, name), typed) for name in self.columns))


class ChoiceFilter(Filter):
    """
    Rows of one kind.

    Args:
        key: As for all.
        label: As for all.
        options: The values and what they are called, or what makes them of the grid.
        find: Makes the condition of the grid and the value; by default the attribute *key* is that value.
    """

    kind = "choice"

    def __init__(
        self,
        key: str,
        label: str,
        options: Mapping[str, str] | Callable[[Grid], Mapping[str, str]],
        find: Callable[[Grid, str], ColumnElement[bool]] | None = None,
    ) -> None:
        super().__init__(key, label)
        self._options = options
        self._find = find

    def options(self, grid: Grid) -> Mapping[str, str]:
        """What there is to choose from."""
        return self._options(grid) if callable(self._options) else self._options

    def condition(self, grid: Grid, values: Mapping[str, str]) -> ColumnElement[bool]:
        """Those of that kind."""
        chosen = values[self.key]
        if chosen not in grid.options(self):
            raise HTTPBadRequest("There is no such choice.")
        if self._find is not None:
            return self._find(grid, chosen)
        equal: ColumnElement[bool] = getattr(grid.model, self.key) == chosen
        return equal


class YesNoFilter(ChoiceFilter):
    """
    Rows for which something is so, or is not.

    Args:
        key: As for all.
        label: As for all.
        so: Makes the condition of the mapped class; by default the attribute *key* is true.
    """

    def __init__(self, key: str, label: str, so: Callable[[Any], ColumnElement[bool]] | None = None) -> None:
        super().__init__(key, label, {"yes": _("yes"), "no": _("no")}, self._is_so)
        self._so = so

    def _is_so(self, grid: Grid, chosen: str) -> ColumnElement[bool]:
        so = self._so(grid.model) if self._so is not None else getattr(grid.model, self.key).is_(true())
        return so if chosen == "yes" else ~so


class TimeFilter(Filter):
    """
    Rows of a time, from one day to another, both of them included; days are those of UTC.

    Args:
        key: The attribute; the address has ``<key>_from`` and ``<key>_to``.
        label: As for all.
    """

    kind = "time"

    @property
    def names(self) -> tuple[str, ...]:
        """The fields of both days."""
        return (f"{self.key}_from", f"{self.key}_to")

    def condition(self, grid: Grid, values: Mapping[str, str]) -> ColumnElement[bool]:
        """Those between."""
        column: Any = getattr(grid.model, self.key)
        first, last = (_day(values.get(name)) for name in self.names)
        conditions = [] if first is None else [column >= first]
        if last is not None:
            conditions.append(column < last + timedelta(days=1))
        return and_(true(), *conditions)


def _day(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
        # The day after is to be one as well.
        return (
            datetime.combine(day, time(), UTC) if day < date.max else datetime.combine(day, time(), UTC) - timedelta(1)
        )
    except ValueError:
        raise HTTPBadRequest("That is no date.") from None
