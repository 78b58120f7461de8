"""Long lists as a file for spreadsheets, written while it is sent."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from webob import Response

from onegov_auth.web.headers import own_page

if TYPE_CHECKING:
    from onegov_auth.web.grid import Grid

__all__ = ["csv_file", "harmless"]

#: What makes a spreadsheet take a text for a formula, at its beginning (OWASP, CSV Injection): also in the wide
#: letters of East Asian keyboards.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")

#: Without it, spreadsheets read UTF-8 as something else.
_MARK = "\ufeff"

#: Characters that are collected before they are sent.
_PIECE = 32 * 1024


#: Where a cell may begin inside of a text: a spreadsheet that separates cells by semicolons takes no quotes of ours
#: for what they are.
_INSIDE = re.compile("([;\\t\\r\\n] *)(?=[-=+@\uff1d\uff0b\uff0d\uff20])")


def harmless(text: str) -> str:
    """A text that no spreadsheet calculates, nor any part of it: a quote in front says that it is one (ASVS 1.2.10)."""
    if text.lstrip(" ").startswith(_FORMULA):
        text = f"'{text}"
    return _INSIDE.sub(r"\1'", text)


def csv_file(grid: Grid, name: str) -> Response:
    """
    All that *grid* finds, as ``<name>.csv`` to be saved.

    It is read in a session of its own, which ends with the last line, or when the browser goes away.
    """
    # What is asked for is checked here: below, the answer has begun.
    grid.ordered()
    response = Response(content_type="text/csv", charset="utf-8", app_iter=_written(grid))
    response.content_disposition = f'attachment; filename="{name}.csv"'
    return own_page(response)


def _written(grid: Grid) -> Iterator[bytes]:
    piece = io.StringIO()
    piece.write(_MARK)
    writer = csv.writer(piece)
    with grid.crud.request.root_app.session_factory() as db:
        for line in grid.lines(db):
            writer.writerow([harmless(cell) for cell in line])
            if piece.tell() >= _PIECE:
                yield piece.getvalue().encode()
                piece.seek(0)
                piece.truncate()
    yield piece.getvalue().encode()
