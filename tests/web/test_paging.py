from __future__ import annotations

import pytest

from onegov_auth.web.paging import SIZE, page_of


@pytest.mark.parametrize(
    ("total", "asked", "number", "before", "after"),
    [
        (0, None, 1, None, None),
        (SIZE, None, 1, None, None),
        (SIZE + 1, None, 1, None, "/list?page=2"),
        (SIZE + 1, "2", 2, "/list?page=1", None),
        (3 * SIZE, "2", 2, "/list?page=1", "/list?page=3"),
        (3 * SIZE, "99", 3, "/list?page=2", None),
        (3 * SIZE, "0", 1, None, "/list?page=2"),
        (3 * SIZE, "-1", 1, None, "/list?page=2"),
        (3 * SIZE, "two", 1, None, "/list?page=2"),
        (3 * SIZE, "²", 1, None, "/list?page=2"),
        (3 * SIZE, "9" * 5000, 1, None, "/list?page=2"),
    ],
)
def test_page(total: int, asked: str | None, number: int, before: str | None, after: str | None) -> None:
    """The page that was asked for, with its neighbours; what is no page of the list is the nearest one or the first."""
    page = page_of(total, {} if asked is None else {"page": asked}, "/list")

    assert (page.number, page.previous, page.next) == (number, before, after)


def test_part() -> None:
    """A page has its part of the things, and the last one what is left."""
    things = list(range(SIZE + 3))

    assert list(page_of(len(things), {}, "/").part(things)) == things[:SIZE]
    assert list(page_of(len(things), {"page": "2"}, "/").part(things)) == things[SIZE:]
