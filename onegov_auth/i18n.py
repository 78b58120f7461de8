"""
Texts for people: marked here, translated where a page or a mail is made.

A text is marked by ``_("…")`` and written in English. Values stand in braces and are filled in after the
translation: ``_("Hello {name}").format(name=name)`` where the reader is known, ``Text(_("Hello {name}"), name=name)``
where it is not.
"""

from __future__ import annotations

import gettext
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Self, TypeAlias

__all__ = ["DOMAIN", "LANGUAGES", "LOCALES", "Text", "Translate", "Translator", "_", "languages", "match", "translator"]

#: Turns a marked text into the reader's language.
Translate: TypeAlias = Callable[[str], str]

#: The name of our catalogues, which no application's own can be taken for.
DOMAIN = "onegov_auth"

#: Where the catalogues lie.
LOCALES = Path(__file__).parent / "locale"

#: What we speak, each in its own words.
LANGUAGES = {
    "en": "English",
    "de": "Deutsch",
    "fr": "Français",
    "it": "Italiano",
    "rm": "Rumantsch",
    "es": "Español",
}

#: How dates are written: with a 24-hour clock everywhere, in the Swiss way where there is one.
_REGIONS = {"en": "en_GB", "de": "de_CH", "fr": "fr_CH", "it": "it_CH"}


def _(text: str) -> str:
    """Mark *text* for translation, and return it as it is."""
    return text


class Text(str):
    """
    A marked text with its values, translated and filled in when the reader is known; until then it is English.

    Args:
        source: The marked text.
        values: What its braces stand for.
    """

    __slots__ = ("source", "values")

    source: str
    values: dict[str, object]

    def __new__(cls, source: str, **values: object) -> Self:
        """Text *source* with *values*."""
        text = super().__new__(cls, source.format(**values))
        text.source = source
        text.values = values
        return text

    def __reduce__(self) -> tuple[object, ...]:
        return str, (str(self),)


class Translator:
    """
    Turns marked texts into one language; call it.

    Args:
        language: One of :data:`LANGUAGES`.
        catalogue: Its texts.

    Attributes:
        language: The language.
    """

    def __init__(self, language: str, catalogue: gettext.NullTranslations) -> None:
        self.language = language
        self._catalogue = catalogue

    def __call__(self, text: str) -> str:
        """The text in this language; one that is in no catalogue stays as it is."""
        if isinstance(text, Text):
            return self._catalogue.gettext(text.source).format(**text.values)
        # The empty text is the key of a catalogue's own headers.
        return self._catalogue.gettext(text) if text else ""

    def plural(self, singular: str, plural: str, n: int, **values: object) -> str:
        """The text for that number, which ``{n}`` stands for, with its values filled in."""
        return self.ngettext(singular, plural, n).format(n=n, **values)

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        """The text for that number, as it stands in the catalogue."""
        return self._catalogue.ngettext(singular, plural, n)

    def moment(self, at: datetime) -> str:
        """A date with its time, in UTC: the clock of whoever reads it is not known."""
        # Importing it takes longer than many a command.
        from babel.dates import format_date, format_time  # noqa: PLC0415 - for the reason above

        locale, utc = _REGIONS.get(self.language, self.language), at.astimezone(UTC)
        return f"{format_date(utc, 'medium', locale)}, {format_time(utc, 'short', locale=locale)} UTC"


def languages() -> tuple[str, ...]:
    """The tags of the languages we speak, the one the texts are written in first."""
    return tuple(LANGUAGES)


def match(tag: str | None) -> str | None:
    """
    The language we speak for a *tag* such as ``"de-CH"``, by leaving out parts from the end (RFC 4647 §3.4).

    Returns:
        ``None`` if there is none.
    """
    parts = (tag or "").replace("_", "-").lower().split("-")
    while parts:
        found = "-".join(parts)
        if found in LANGUAGES:
            return found
        parts.pop()
    return None


def translator(language: str | None) -> Translator:
    """What translates into *language*, a tag such as ``"de"``; a language we don't speak gets the English texts."""
    return _loaded(match(language) or "en")


@lru_cache(maxsize=len(LANGUAGES))
def _loaded(language: str) -> Translator:
    return Translator(language, gettext.translation(DOMAIN, LOCALES, [language], fallback=True))
