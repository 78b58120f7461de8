"""Columns of a :class:`onegov_auth.web.grid.Grid`: what a cell shows, what a file says, and how to sort by it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from onegov_auth.i18n import _
from onegov_auth.models import key_of
from onegov_auth.web.names import visible

if TYPE_CHECKING:
    from onegov_auth.web.grid import Grid

__all__ = ["ActionColumn", "Column", "LinkColumn", "ListColumn", "TimeColumn", "YesNoColumn"]

_YES, _NO = _("yes"), _("no")


class Column:
    """
    A column of texts.

    Args:
        key: The attribute it shows; names the column in addresses as well.
        label: The heading, marked for translation.
        sort: Whether people may sort by it: ``True`` for the attribute itself, or what makes an expression of the
            mapped class. What large tables are sorted by needs an index.
        exported: Whether it is part of the file.
        shown: Whether it is part of the page, or only of the file and of what people may sort by.
    """

    def __init__(
        self,
        key: str,
        label: str,
        *,
        sort: bool | Callable[[Any], Any] = False,
        exported: bool = True,
        shown: bool = True,
    ) -> None:
        self.key = key
        self.label = label
        self.sort = sort
        self.exported = exported
        self.shown = shown

    def value(self, grid: Grid, row: Any) -> Any:  # noqa: ARG002 - for subclasses
        """What it is about; by default the attribute."""
        return getattr(row, self.key)

    def text(self, grid: Grid, row: Any) -> str:
        """The value in words, for the file as well."""
        value = self.value(grid, row)
        return "" if value is None else str(value)

    def cell(self, grid: Grid, row: Any) -> str | Markup:
        """What the page shows; a text is escaped there."""
        return visible(self.text(grid, row))

    def expression(self, model: Any) -> Any:
        """What the rows are sorted by; None if they can't be."""
        if not self.sort:
            return None
        return self.sort(model) if callable(self.sort) else getattr(model, self.key)


class LinkColumn(Column):
    """A column whose texts lead to the pages of the rows, for those who may see them."""

    def cell(self, grid: Grid, row: Any) -> str | Markup:
        """The text, as a link."""
        shown = super().cell(grid, row) or "–"
        if not grid.crud.may("edit", row):
            return shown
        return Markup('<a href="{}"><bdi>{}</bdi></a>').format(grid.crud.url(key_of(row)), shown)


class YesNoColumn(Column):
    """A column of what is so or is not."""

    def text(self, grid: Grid, row: Any) -> str:
        """Yes or no."""
        return grid.translate(_YES if self.value(grid, row) else _NO)


class TimeColumn(Column):
    """A column of moments."""

    def text(self, grid: Grid, row: Any) -> str:
        """ISO 8601, in UTC."""
        value = self.value(grid, row)
        return value.isoformat(timespec="seconds") if isinstance(value, datetime) else ""

    def cell(self, grid: Grid, row: Any) -> str | Markup:
        """The moment as the reader's language writes it."""
        value = self.value(grid, row)
        if not isinstance(value, datetime):
            return "–"
        return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), grid.translate.moment(value))


class ListColumn(Column):
    """A column of several texts each, such as the names of groups. What it shows has to be loaded with the rows."""

    def text(self, grid: Grid, row: Any) -> str:
        """All of them, with commas."""
        value: Iterable[Any] = self.value(grid, row) or ()
        return ", ".join(str(one) for one in value)


class ActionColumn(Column):
    """The column of what can be done with a row: by default to edit and to delete it, as far as one may."""

    def __init__(self, key: str = "actions", label: str = _("Actions")) -> None:
        super().__init__(key, label, exported=False)

    def text(self, grid: Grid, row: Any) -> str:  # noqa: ARG002 - the signature of all columns
        """Nothing."""
        return ""

    def links(self, grid: Grid, row: Any) -> Iterable[tuple[str, str]]:
        """What there is to do: a label, and the address of a page."""
        key = key_of(row)
        if grid.crud.may("edit", row):
            yield _("Edit"), grid.crud.url(key)
        if grid.crud.may("delete", row):
            yield _("Delete"), grid.crud.url(key, "delete")

    def cell(self, grid: Grid, row: Any) -> str | Markup:
        """The links, each naming its row to whoever can't see it (WCAG 2.2 SC 2.4.4)."""
        name = grid.crud.name_of(row)
        link = Markup('<a href="{}">{}<span class="unseen"> {}</span></a>')
        links = Markup(" ").join(link.format(url, grid.translate(label), name) for label, url in self.links(grid, row))
        return Markup("<span>{}</span>").format(links) if links else ""
