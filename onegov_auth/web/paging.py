"""Long lists, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["SIZE", "Page", "page_of"]

T = TypeVar("T")

#: How many things one page shows.
SIZE = 20


@dataclass(frozen=True, slots=True)
class Page:
    """
    One page of many.

    Attributes:
        number: Which, from 1.
        count: Of how many.
        start: How many things stand on the pages before it.
        previous: The address of the page before; None for the first.
        next: The address of the page after; None for the last.
    """

    number: int
    count: int
    start: int
    previous: str | None
    next: str | None

    def part(self, things: Sequence[T]) -> Sequence[T]:
        """Those of *things* that stand on this page."""
        return things[self.start : self.start + SIZE]


def page_of(total: int, fields: Mapping[str, str], url: str, size: int = SIZE) -> Page:
    """
    The page that was asked for, or the nearest that there is.

    Args:
        total: How many things there are.
        fields: The query's fields; ``page`` is a number.
        url: The address of the list; it may have a query.
        size: How many things one page shows.
    """
    count = max(1, -(-total // size))
    asked = fields.get("page", "1")
    # Nobody has more pages than nine digits can count.
    number = min(count, max(1, int(asked))) if asked.isascii() and asked.isdigit() and len(asked) < 10 else 1
    joint = "&" if "?" in url else "?"
    return Page(
        number,
        count,
        (number - 1) * size,
        f"{url}{joint}page={number - 1}" if number > 1 else None,
        f"{url}{joint}page={number + 1}" if number < count else None,
    )
