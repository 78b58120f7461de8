"""Columns of lists."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from onegov_auth.i18n import translator
from onegov_auth.models import User
from onegov_auth.web.columns import ActionColumn, Column, LinkColumn, ListColumn, TimeColumn, YesNoColumn


@pytest.fixture(name="grid")
def _grid() -> Any:
    """A list whose rows may be edited, and not deleted."""
    crud = SimpleNamespace(
        may=lambda action, _row: action == "edit",
        url=lambda *parts: "/".join(["/x", *map(str, parts)]),
        name_of=lambda row: row.username,
    )
    return SimpleNamespace(crud=crud, translate=translator("de"))


@pytest.fixture(name="row")
def _row() -> Any:
    """Somebody with a name that is markup."""
    return User(id=7, username="<b>", role="member", active=True, created=datetime(2026, 5, 1, 12, tzinfo=UTC))


def test_texts_are_texts(grid: Any, row: Any) -> None:
    """A cell of a text is no markup, nothing is an empty text, and what can't be seen has a mark."""
    assert Column("username", "Name").cell(grid, row) == "<b>"
    assert Column("realname", "Name").cell(grid, row) == ""
    row.realname = "a\u202eb"
    assert Column("realname", "Name").cell(grid, row) == "a\ufffdb"
    assert Column("realname", "Name").expression(User) is None
    assert Column("realname", "Name", sort=True).expression(User) is User.realname


def test_links_are_for_those_who_may(grid: Any, row: Any) -> None:
    """The text leads to the row's page, escaped; without the permission it is a text."""
    assert LinkColumn("username", "Name").cell(grid, row) == '<a href="/x/7"><bdi>&lt;b&gt;</bdi></a>'
    grid.crud.may = lambda *_asked: False
    assert LinkColumn("username", "Name").cell(grid, row) == "<b>"
    assert ActionColumn().cell(grid, row) == ""


def test_actions_name_their_row(grid: Any, row: Any) -> None:
    """Whoever hears the links knows what they are about; only what one may do is there."""
    cell = ActionColumn().cell(grid, row)
    assert 'href="/x/7"' in cell
    assert '<span class="unseen"> &lt;b&gt;</span>' in cell
    assert "delete" not in cell
    grid.crud.may = lambda *_asked: True
    assert "/x/7/delete" in ActionColumn().cell(grid, row)
    assert ActionColumn().text(grid, row) == ""


def test_yes_no_moments_and_lists(grid: Any, row: Any) -> None:
    """Each is shown as people write it, and written to a file as machines do."""
    assert YesNoColumn("active", "Active").text(grid, row) in {"ja", "yes"}
    assert TimeColumn("created", "Made").text(grid, row) == "2026-05-01T12:00:00+00:00"
    assert "01.05.2026" in TimeColumn("created", "Made").cell(grid, row)
    assert TimeColumn("last_login", "Seen").cell(grid, row) == "–"
    assert TimeColumn("last_login", "Seen").text(grid, row) == ""
    row.tags = ["a", "b"]
    assert ListColumn("tags", "Tags").text(grid, row) == "a, b"
