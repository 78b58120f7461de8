"""The colour of the settings as a style sheet: a file of ours like any other, because pages hold no inline style."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onegov_auth.settings.look import DARK, mixed
from onegov_auth.web.static import StaticFile

if TYPE_CHECKING:
    from onegov_auth.settings.look import Look

__all__ = ["LOOK", "look_sheet"]

#: Its name among the static files.
LOOK = "look.css"


def look_sheet(look: Look) -> StaticFile | None:
    """The sheet for these settings; None where the colours of our own sheet stay."""
    if look.accent is None or look.dark is None:
        return None
    # On a light page the accent is dark enough for white text on it, and the other way round: both were checked.
    light = _variables(look.accent, mixed(look.accent, "#000000", 0.2), "#ffffff")
    dark = _variables(look.dark, mixed(look.dark, "#ffffff", 0.25), DARK[0])
    return StaticFile.made(LOOK, f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n".encode())


def _variables(accent: str, strong: str, on_accent: str) -> str:
    return f":root {{ --accent: {accent}; --accent-strong: {strong}; --on-accent: {on_accent}; }}"
