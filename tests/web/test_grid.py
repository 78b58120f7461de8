"""Long lists: what they cost, and that nothing is lost between two pages."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from sqlalchemy import event
from webob.exc import HTTPBadRequest

from onegov_auth.i18n import translator
from onegov_auth.models import User
from onegov_auth.web.columns import Column
from onegov_auth.web.filters import ChoiceFilter, Filter, TextFilter, TimeFilter
from onegov_auth.web.grid import Grid


class People(Grid):
    """A short list."""

    columns: ClassVar[Sequence[Column]] = (
        Column("username", "Username", sort=True),
        Column("role", "Role", sort=lambda model: model.role),
        Column("realname", "Name", shown=False),
        Column("active", "Active", exported=False),
    )
    filters: ClassVar[Sequence[Filter]] = (TextFilter("q", "Search", "username"),)
    order = "-username"
    size = 3


@pytest.fixture(name="grid")
def _grid(database: Any, add_user: Any) -> Any:
    """Seven people of two roles; make a grid of a question."""
    for number in range(7):
        add_user(f"u{number}", "member" if number % 2 else "editor")

    def make(**fields: str) -> People:
        request = SimpleNamespace(db=database.session(), translate=translator("en"))
        url = lambda *parts: "/".join(["/list", *map(str, parts)])  # noqa: E731 - short
        crud: Any = SimpleNamespace(orm_cls=User, request=request, url=url, name_of=lambda one: one.username)
        return People(crud, fields)

    return make


def test_every_row_is_on_one_page(grid: Any) -> None:
    """With equal values to sort by, no row is on two pages, and none on no page."""
    seen = [one.username for page in "123" for one in grid(sort="role", page=page).objects]

    assert sorted(seen) == [f"u{number}" for number in range(7)]
    assert [one.role for one in grid(sort="-role").objects] == ["member"] * 3


@pytest.mark.parametrize(("page", "number"), [("2", 2), ("99", 3), ("-1", 1), ("x", 1), ("0", 1), ("9" * 20, 1)])
def test_page_that_is_not_there_is_the_nearest(grid: Any, page: str, number: int) -> None:
    """A number that is none, or of no page, leads to a page there is."""
    assert grid(page=page).pages.number == number


def test_addresses_keep_the_question(grid: Any) -> None:
    """The next page, another order and the file find the same."""
    found = grid(q="U", sort="role")

    assert found.total == 7
    assert found.pages.next == "/list?q=U&sort=role&page=2"
    assert [(head.label, head.url, head.direction) for head in found.heads] == [
        ("Username", "/list?q=U&sort=username", None),
        ("Role", "/list?q=U&sort=-role", "ascending"),
        ("Active", None, None),
    ]
    assert grid().heads[0].direction == "descending"
    assert found.url("export") == "/list/export?q=U&sort=role"


@pytest.mark.parametrize("sort", ["password_hash", "active", "role; DROP TABLE users", "--role"])
def test_only_columns_that_say_so_are_sorted_by(grid: Any, sort: str) -> None:
    """Nobody finds out hashes by their order."""
    with pytest.raises(HTTPBadRequest):
        grid(sort=sort)


def test_file_has_what_is_exported(grid: Any, database: Any) -> None:
    """A file has columns that the page has not, and all pages."""
    with database.session() as db:
        lines = list(grid(q="u1").lines(db))
    assert lines == [["Username", "Role", "Name"], ["u1", "member", ""]]
    with database.session() as db:
        assert len(list(grid().lines(db))) == 8


def test_only_one_page_is_loaded(grid: Any, database: Any) -> None:
    """A page is one statement that counts and one with a limit."""
    seen: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda _c, _cur, statement, *_more: seen.append(statement))
    assert len(grid().rows) == 3

    assert len(seen) == 2
    assert "count(*)" in seen[0]
    assert "LIMIT" in seen[1]


def test_without_an_order_the_key_decides(grid: Any) -> None:
    """A list without an order has one all the same."""
    found = grid()
    found.sorted_by = ""

    assert len(found.objects) == 3


def test_the_search_is_in_sight_and_the_others_when_in_use(grid: Any) -> None:
    """The first text field is always in sight; the other filters are where one of them is in use."""
    plain = grid()
    assert ([plain.search.key], plain.more, plain.more_asked) == (["q"], [], False)

    class Chosen(People):
        filters: ClassVar[Sequence[Filter]] = (
            ChoiceFilter("role", "Role", {"member": "Member"}),
            TextFilter("q", "Search", "username"),
            TimeFilter("created", "Made"),
        )

    searched, chosen = Chosen(plain.crud, {"q": "u1"}), Chosen(plain.crud, {"created_to": "2026-01-01"})
    assert searched.search is not None
    assert [searched.search.key, *(one.key for one in searched.more)] == ["q", "role", "created"]
    assert (searched.more_asked, chosen.more_asked) == (False, True)

    class WithoutText(People):
        filters: ClassVar[Sequence[Filter]] = Chosen.filters[:1]

    assert WithoutText(plain.crud, {}).search is WithoutText.filters[0]
