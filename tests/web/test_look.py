"""The colour of the settings, and our own."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import pytest

from onegov_auth.settings.look import DARK, LIGHT, Look, contrast
from onegov_auth.web.look import look_sheet
from onegov_auth.web.static import FILES


def variables(sheet: str) -> tuple[dict[str, str], dict[str, str]]:
    """The colours of a sheet, in light and in dark."""
    light, _, rest = sheet.partition("@media (prefers-color-scheme: dark)")
    found = [dict(re.findall(r"--([a-z-]+): (#[0-9a-fA-F]{6})\b", part)) for part in (light, rest)]
    return found[0], {**found[0], **found[1]}


@pytest.mark.parametrize("index", [0, 1])
def test_our_colours_are_legible(index: int) -> None:
    """Every text of our own sheet has a contrast of 4.5 to what it stands on, every border of a field one of 3."""
    colours = variables(FILES["style.css"].content.decode())[index]
    texts = [("text", "muted", "accent", "accent-strong", "alert"), ("page", "card")]
    pairs = [*product(*texts), *product(("text", "muted"), ("soft", "hover", "info-soft"))]
    pairs += [("on-accent", "accent"), ("on-accent", "accent-strong")]
    pairs += [("alert", "alert-soft"), ("good", "good-soft"), ("warn", "warn-soft")]

    assert {pair: round(contrast(colours[pair[0]], colours[pair[1]]), 2) for pair in pairs} == {
        pair: pytest.approx(12.75, abs=8.25) for pair in pairs
    }
    # WCAG 2.2 SC 1.4.11
    assert all(contrast(colours["line"], colours[background]) >= 3 for background in ("page", "card"))


def test_settings_know_our_backgrounds() -> None:
    """The backgrounds that the settings measure colours against are those of the sheet."""
    light, dark = variables(FILES["style.css"].content.decode())

    assert {light["card"], light["page"]} == set(LIGHT)
    assert {dark["card"], dark["page"]} == set(DARK)


@pytest.mark.parametrize("accent", ["#000000", "#1d4f91", "#b00020"])
def test_colours_of_the_settings_are_legible(accent: str) -> None:
    """What is made of one colour can be read in light and dark, on a button too, and while the mouse is over it."""
    sheet = look_sheet(Look(accent=accent))

    assert sheet is not None
    for colours, backgrounds in zip(variables(sheet.content.decode()), (LIGHT, DARK), strict=True):
        for name in ("accent", "accent-strong"):
            assert contrast(colours["on-accent"], colours[name]) >= 4.5
            assert min(contrast(colours[name], background) for background in backgrounds) >= 4.5


def test_own_colours_and_logo(make_app: Any, make_browser: Any) -> None:
    """The colours are a file of ours after the main one, the picture stands in place of the title."""
    browser = make_browser(make_app(look={"accent": "#b00020", "logo": "/static/logo.svg"}, title="Town"))

    page = browser.get("/auth/login")
    sheets = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page.text)
    assert [address.partition("?")[0].rpartition("/")[2] for address in sheets] == ["style.css", "look.css"]
    assert '<img src="/static/logo.svg" alt="Town">' in page.text
    sheet = browser.get(sheets[1])
    assert sheet.content_type == "text/css"
    assert "--accent: #b00020" in sheet.text
    assert "immutable" in sheet.headers["Cache-Control"]


def test_without_colours_there_is_no_sheet(browser: Any) -> None:
    """Where the settings name no colour, no page links to such a file, and there is none."""
    assert "look.css" not in browser.get("/auth/login").text
    browser.get("/auth/static/look.css", status=404)
