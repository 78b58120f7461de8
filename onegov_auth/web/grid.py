"""
Long lists that people search, filter, sort, leaf through and save as a file.

Everything that is asked for stands in the address, so that a list can be kept as a bookmark; all of it is checked. A
page costs one statement that counts, one for its rows, and one for each relationship that is loaded with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode

from sqlalchemy import Select, func, select
from webob.exc import HTTPBadRequest

from onegov_auth.models import key_of, primary_key
from onegov_auth.web.paging import Page, page_of

if TYPE_CHECKING:
    from markupsafe import Markup
    from sqlalchemy.orm import Session
    from sqlalchemy.sql.base import ExecutableOption

    from onegov_auth.i18n import Translator
    from onegov_auth.web.columns import Column
    from onegov_auth.web.crud import CrudView
    from onegov_auth.web.filters import Filter

__all__ = ["Grid", "Head", "Row"]

#: Rows that are read at once for a file.
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Head:
    """
    The head of a column.

    Attributes:
        label: Its heading, marked for translation.
        url: Where the list is sorted by it; None if it can't be.
        direction: ``"ascending"`` or ``"descending"`` if the list is sorted by it now.
    """

    label: str
    url: str | None
    direction: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """
    A row, for a template.

    Attributes:
        id: The key of what it is about, as a text.
        name: What it is called.
        cells: The label of each column with what it shows.
    """

    id: str
    name: str
    cells: list[tuple[str, str | Markup]]


class Grid:
    """
    One view of a table; a subclass says which columns and filters there are.

    Args:
        crud: The pages it is part of, with the mapped class and the request.
        fields: What the address asks for; untrusted.

    Attributes:
        columns: What is shown, from the left to the right.
        filters: What may be asked for.
        order: The key of the column that the list is sorted by at first; with ``-`` in front, from the end.
        size: How many rows a page has.
    """

    columns: ClassVar[Sequence[Column]] = ()
    filters: ClassVar[Sequence[Filter]] = ()
    order: ClassVar[str] = ""
    size: ClassVar[int] = 50

    def __init__(self, crud: CrudView, fields: Mapping[str, str]) -> None:
        self.crud = crud
        self.model: Any = crud.orm_cls
        self.translate: Translator = crud.request.translate
        self.asked = {
            name: fields[name].strip() for one in self.filters for name in one.names if fields.get(name, "").strip()
        }
        self.sorted_by = fields.get("sort") or self.order
        self._page = fields.get("page", "1")
        self._options: dict[str, Mapping[str, str]] = {}
        if self._column() is None and fields.get("sort"):
            raise HTTPBadRequest("The list can't be sorted by that.")

    @property
    def db(self) -> Session:
        """The request's database session."""
        return self.crud.request.db

    def query(self) -> Select[Any]:
        """All rows there are; a subclass may leave some out."""
        return select(self.model)

    def load(self) -> Sequence[ExecutableOption]:
        """How related objects are loaded with the rows, such as ``[selectinload(self.model.groups)]``."""
        return ()

    def options(self, one: Filter) -> Mapping[str, str]:
        """What a filter has to choose from; asked once a request."""
        if one.key not in self._options:
            self._options[one.key] = one.options(self)
        return self._options[one.key]

    @property
    def search(self) -> Filter | None:
        """The filter that is always in sight: the first one to type a text into, or the first of all."""
        return next((one for one in self.filters if one.kind == "text"), next(iter(self.filters), None))

    @property
    def more(self) -> Sequence[Filter]:
        """The other filters, which a narrow window has behind a word."""
        return [one for one in self.filters if one is not self.search]

    @property
    def more_asked(self) -> bool:
        """Whether one of the others is in use."""
        return any(name in self.asked for one in self.more for name in one.names)

    @cached_property
    def found(self) -> Select[Any]:
        """
        The rows that are asked for, in no order.

        Raises:
            HTTPBadRequest: If none of our pages could have asked for that.
        """
        query = self.query()
        for one in self.filters:
            values = {name: self.asked[name] for name in one.names if name in self.asked}
            if values:
                query = query.where(one.condition(self, values))
        return query

    @cached_property
    def total(self) -> int:
        """How many rows are found."""
        counted = self.found.with_only_columns(func.count(), maintain_column_froms=True).order_by(None)
        return int(self.db.scalar(counted) or 0)

    @cached_property
    def pages(self) -> Page:
        """Which page this is, and where the ones beside it are."""
        return page_of(self.total, {"page": self._page}, self.url(), size=self.size)

    @cached_property
    def objects(self) -> Sequence[Any]:
        """What stands on this page."""
        part = self.ordered().limit(self.size).offset(self.pages.start)
        return self.db.scalars(part).unique().all()

    def ordered(self) -> Select[Any]:
        """What is found, in the order that is asked for, with what belongs to it."""
        key: Any = primary_key(self.model)
        column = self._column()
        query = self.found.options(*self.load())
        if column is None:
            return query.order_by(key)
        expression = column.expression(self.model)
        down = self.sorted_by.startswith("-")
        # The key decides between equals: else a row could stand on two pages, and another one on none.
        return query.order_by(*(one.desc() if down else one.asc() for one in (expression, key)))

    @property
    def rows(self) -> list[Row]:
        """What stands on this page, for a template."""
        return [self.row(one) for one in self.objects]

    def row(self, one: Any) -> Row:
        """One of them."""
        cells = [(column.label, column.cell(self, one)) for column in self.columns if column.shown]
        return Row(str(key_of(one)), self.crud.name_of(one), cells)

    @property
    def heads(self) -> list[Head]:
        """The heads of the columns."""
        return [self._head(column) for column in self.columns if column.shown]

    def lines(self, db: Session) -> Iterator[list[str]]:
        """
        Everything that is found, heads first, for a file; read bit by bit.

        Args:
            db: A session of its own, which lives until the last line was taken.
        """
        columns = [column for column in self.columns if column.exported]
        yield [self.translate(column.label) for column in columns]
        # A session holds its objects weakly: what was written is gone, however long the table is.
        for one in db.scalars(self.ordered().execution_options(yield_per=CHUNK)):
            yield [column.text(self, one) for column in columns]

    def url(self, *parts: str, **changes: str | None) -> str:
        """
        The address of this list, as it is asked for.

        Args:
            parts: Of a page below it.
            changes: Fields to set, or with None to leave out.
        """
        kept: dict[str, str | None] = {**self.asked, "sort": self.sorted_by if self.sorted_by != self.order else None}
        query = {name: value for name, value in {**kept, **changes}.items() if value is not None}
        address = self.crud.url(*parts)
        return f"{address}?{urlencode(query)}" if query else address

    def _column(self) -> Column | None:
        key = self.sorted_by.removeprefix("-")
        return next((column for column in self.columns if column.sort and column.key == key), None)

    def _head(self, column: Column) -> Head:
        if not column.sort:
            return Head(column.label, None, None)
        if self.sorted_by == column.key:
            return Head(column.label, self.url(sort=f"-{column.key}"), "ascending")
        down = self.sorted_by == f"-{column.key}"
        return Head(column.label, self.url(sort=column.key), "descending" if down else None)
