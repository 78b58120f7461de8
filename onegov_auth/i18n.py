"""Texts for people: marked here, translated where a page is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

__all__ = ["Translate", "_", "translator"]

#: Turns a marked text into the reader's language.
Translate: TypeAlias = Callable[[str], str]


def _(text: str) -> str:
    """Mark *text* for translation, and return it as it is."""
    return text


def translator(language: str | None) -> Translate:
    """
    What translates into *language*, a tag such as ``"de"``.

    A language without a catalogue reads the texts as they are written.
    """
    del language
    return _
