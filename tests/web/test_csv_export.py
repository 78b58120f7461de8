"""Lists as files for spreadsheets."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Self

import pytest

from onegov_auth.web.csv_export import csv_file, harmless


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1", "  =1"])
def test_formulas_become_texts(text: str) -> None:
    """What a spreadsheet would calculate has a quote in front."""
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a;=1+1", "a;'=1+1"),
        ('a"; @SUM(A1)', "a\"; '@SUM(A1)"),
        ("a\n=1;-2", "a\n'=1;'-2"),
        ("\n=1", "'\n'=1"),
        ("a;b\r\nc", "a;b\r\nc"),
    ],
)
def test_formulas_inside_become_texts(text: str, written: str) -> None:
    """A spreadsheet that takes semicolons for the ends of cells calculates nothing either."""
    assert harmless(text) == written


@pytest.mark.parametrize("text", ["", "a=1", "1-1", "ann@example.org", "Ä"])
def test_texts_stay(text: str) -> None:
    """All else stays as it is."""
    assert harmless(text) == text


class Sessions:
    """Knows whether the session was closed."""

    closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.closed = True


def made(lines: Any) -> tuple[Any, Sessions]:
    """A file of these lines, and its session."""
    session = Sessions()
    root = SimpleNamespace(session_factory=lambda: session)
    crud = SimpleNamespace(request=SimpleNamespace(root_app=root))
    grid: Any = SimpleNamespace(crud=crud, ordered=lambda: None, lines=lambda _db: iter(lines))
    return csv_file(grid, "users"), session


def test_file_is_written_bit_by_bit() -> None:
    """A long file comes in pieces; commas, quotes and line ends are kept."""
    response, session = made([['a,"b"', "c\nd"]] * 5000)
    pieces = list(response.app_iter)

    assert len(pieces) > 1
    assert session.closed
    assert b"".join(pieces).startswith('\ufeff"a,""b""","c\nd"\r\n'.encode())
    assert response.content_type == "text/csv"


def test_session_ends_when_the_browser_goes_away() -> None:
    """Nobody who stops reading holds a connection."""
    response, session = made([["x" * 1000]] * 5000)
    next(response.app_iter)
    assert not session.closed
    response.app_iter.close()

    assert session.closed
