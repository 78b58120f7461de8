"""What a command prints: sentences for people, or one JSON document for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

import click

__all__ = ["Output", "progress", "shown"]

T = TypeVar("T")


def shown(text: str | None) -> str:
    """*text* as it may stand on a terminal: what a browser calls itself can't move the cursor (ASVS 16.4.1)."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text or "")


class Output:
    """
    Prints on stdout.

    Args:
        as_json: Print JSON, and no sentences.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def done(self, sentence: str, **data: object) -> None:
        """One thing was done: *sentence* in green, or *data* as an object."""
        if self.as_json:
            self._json(data)
        else:
            click.secho(shown(sentence), fg="green")

    def answer(self, sentence: str, **data: object) -> None:
        """Something was asked: *sentence*, or *data* as an object."""
        if self.as_json:
            self._json(data)
        else:
            click.echo(shown(sentence))

    def rows(self, rows: Sequence[Mapping[str, object]], lines: Iterable[str]) -> None:
        """A list: *lines*, or *rows* as an array."""
        if self.as_json:
            self._json(rows)
            return
        for line in lines:
            click.echo(shown(line))

    def _json(self, data: object) -> None:
        click.echo(json.dumps(data, ensure_ascii=False, default=_plain, indent=2))


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


@contextmanager
def progress(things: Sequence[T], label: str) -> Iterator[Iterable[T]]:
    """Go through *things* with a bar on stderr, if that is a terminal."""
    if not sys.stderr.isatty():
        yield things
        return
    with click.progressbar(things, label=label, file=sys.stderr) as bar:
        yield bar
