"""Lists that only grow: the newest first, and from page to page by key, so that the last one costs as little."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, or_, select
from webob.exc import HTTPBadRequest

from onegov_auth.models import as_key, canonical_username, key_of, primary_key
from onegov_auth.web.filters import Filter
from onegov_auth.web.grid import Grid
from onegov_auth.web.paging import Page

if TYPE_CHECKING:
    from sqlalchemy import Select

    from onegov_auth.web.crud import CrudView

__all__ = ["ExactFilter", "LogGrid", "PersonFilter"]


class ExactFilter(Filter):
    """
    Rows whose attribute *key* is a text: a log has too many of them to look into each.

    Args:
        key: As for all.
        label: As for all.
        shape: Turns what was typed into what the table holds.
    """

    def __init__(self, key: str, label: str, shape: Any = str) -> None:
        super().__init__(key, label)
        self._shape = shape

    def condition(self, grid: Grid, values: Mapping[str, str]) -> ColumnElement[bool]:
        """Those that have this text."""
        found: ColumnElement[bool] = getattr(grid.model, self.key) == self._shape(self._typed(values))
        return found

    def _typed(self, values: Mapping[str, str]) -> str:
        typed = values[self.key]
        if "\x00" in typed:
            raise HTTPBadRequest("Nothing is found by such a text.")
        return typed


class PersonFilter(ExactFilter):
    """Rows about somebody: what was typed at that time, or the user of that name, whatever was typed."""

    def condition(self, grid: Grid, values: Mapping[str, str]) -> ColumnElement[bool]:
        """Those of that name."""
        user: Any = grid.crud.request.root_app.auth.entities.user
        typed = self._typed(values)
        try:
            name = canonical_username(typed)
        except ValueError:
            name = typed
        somebody = select(primary_key(user)).where(user.username == name)
        return or_(grid.model.username.in_({name, typed}), grid.model.user_id == somebody.scalar_subquery())


class LogGrid(Grid):
    """
    A log. The address names the row that the page begins after (``before``), or ends before (``after``).

    Nothing is counted: with a million rows, that would cost more than all else.
    """

    total = None  # type: ignore[assignment] # see above

    def __init__(self, crud: CrudView, fields: Mapping[str, str]) -> None:
        super().__init__(crud, fields)
        self._before, self._after = (self._key(fields.get(name)) for name in ("before", "after"))

    @cached_property
    def objects(self) -> Sequence[Any]:
        """What stands on this page."""
        return self._read[: self.size] if self._after is None else self._read[-self.size :]

    @cached_property
    def pages(self) -> Page:
        """The pages beside this one."""
        more = len(self._read) > self.size
        has_newer = more if self._after is not None else self._before is not None
        has_older = True if self._after is not None else more
        newer = self.url(after=str(key_of(self.objects[0]))) if has_newer and self.objects else None
        older = self.url(before=str(key_of(self.objects[-1]))) if has_older and self.objects else None
        return Page(0, 0, 0, newer, older)

    def ordered(self) -> Select[Any]:
        """All that is found, the newest first."""
        return self.found.options(*self.load()).order_by(primary_key(self.model).desc())

    @cached_property
    def _read(self) -> Sequence[Any]:
        # One more than are shown tells whether there are others.
        key = primary_key(self.model)
        if self._after is not None:
            found = self.found.options(*self.load()).where(key > self._after).order_by(key.asc())
            return self.db.scalars(found.limit(self.size + 1)).all()[::-1]
        found = self.ordered() if self._before is None else self.ordered().where(key < self._before)
        return self.db.scalars(found.limit(self.size + 1)).all()

    def _key(self, text: str | None) -> Any:
        if not text:
            return None
        key = as_key(self.model, text)
        if key is None:
            raise HTTPBadRequest("There is no such page.")
        return key
