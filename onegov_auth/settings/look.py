"""How the pages look: a picture and a colour."""

from __future__ import annotations

import re

from pydantic import Field, field_validator, model_validator

from onegov_auth.settings.types import Section

__all__ = ["DARK", "LIGHT", "Look", "contrast", "mixed"]

#: The backgrounds of the style sheet's pages and cards, in light and in dark, which a colour has to be read on.
LIGHT, DARK = ("#ffffff", "#f4f5f7"), ("#12161c", "#1b212a")

#: WCAG 2.2 SC 1.4.3 (AA): how much text and its background differ at least.
ENOUGH = 4.5

_COLOUR = r"^#[0-9A-Fa-f]{6}$"
_PATH = re.compile(r"/(?![/\\])[!-~]*")


def contrast(one: str, other: str) -> float:
    """
    The contrast ratio of two colours, from 1 to 21 (WCAG 2.2, "contrast ratio").

    Args:
        one: As ``#rrggbb``.
        other: The same.
    """
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def mixed(colour: str, other: str, share: float) -> str:
    """*colour* with that share of the *other* one, both as ``#rrggbb``."""
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(mine + (its - mine) * share):02x}" for mine, its in pairs)


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[start : start + 2], 16) for start in (1, 3, 5))


def _luminance(colour: str) -> float:
    # WCAG 2.2, "relative luminance", with the threshold of IEC 61966-2-1.
    parts = (channel / 255 for channel in _channels(colour))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


class Look(Section):
    """
    The picture and the colour of the pages.

    Attributes:
        logo: The path of a picture on this site, in place of the title.
        accent: The colour of buttons and links, as ``#rrggbb``; it has to be legible on a light page.
        accent_dark: The same on a dark page; a lighter ``accent`` if left out.
    """

    logo: str | None = None
    accent: str | None = Field(None, pattern=_COLOUR)
    accent_dark: str | None = Field(None, pattern=_COLOUR)

    @field_validator("logo")
    @classmethod
    def _on_this_site(cls, value: str | None) -> str | None:
        # The pages' Content-Security-Policy loads pictures from this site only.
        if value is not None and not _PATH.fullmatch(value):
            raise ValueError("must be a path on this site, such as /static/logo.svg")
        return value

    @field_validator("accent")
    @classmethod
    def _legible(cls, value: str | None) -> str | None:
        return _checked(value, LIGHT, "a light", "darker")

    @field_validator("accent_dark")
    @classmethod
    def _legible_in_the_dark(cls, value: str | None) -> str | None:
        return _checked(value, DARK, "a dark", "lighter")

    @model_validator(mode="after")
    def _both(self) -> Look:
        if self.accent_dark is not None and self.accent is None:
            raise ValueError("accent_dark needs an accent beside it")
        return self

    @property
    def dark(self) -> str | None:
        """The accent on a dark page: as given, or the first lighter one that can be read."""
        if self.accent_dark is not None or self.accent is None:
            return self.accent_dark
        tries = (mixed(self.accent, "#ffffff", tenths / 10) for tenths in range(11))
        return next(colour for colour in tries if _least(colour, DARK) >= ENOUGH)


def _least(colour: str, backgrounds: tuple[str, ...]) -> float:
    return min(contrast(colour, background) for background in backgrounds)


def _checked(colour: str | None, backgrounds: tuple[str, ...], kind: str, change: str) -> str | None:
    if colour is not None and (ratio := _least(colour, backgrounds)) < ENOUGH:
        # Cut and not rounded, so that 4.49 is not shown as enough.
        raise ValueError(
            f"has a contrast of {int(ratio * 10) / 10} to {kind} page, and needs {ENOUGH} (WCAG 2.2, 1.4.3):"
            f" take a {change} colour"
        )
    return colour
