"""How the pages look."""

from __future__ import annotations

from typing import Any

import pytest

from onegov_auth.errors import SettingsError
from onegov_auth.settings import settings_from
from onegov_auth.settings.look import DARK, LIGHT, Look, contrast, mixed


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21),
        ("#ffffff", "#000000", 21),
        ("#777777", "#ffffff", 4.48),
        ("#767676", "#ffffff", 4.54),
        ("#ff0000", "#ffffff", 4.0),
        ("#123456", "#123456", 1),
    ],
)
def test_contrast(one: str, other: str, ratio: float) -> None:
    """The ratio is that of WCAG 2.2, whichever colour is named first."""
    assert contrast(one, other) == pytest.approx(ratio, abs=0.01)


@pytest.mark.parametrize(("share", "colour"), [(0, "#102030"), (1, "#ffffff"), (0.5, "#889098")])
def test_mixed(share: float, colour: str) -> None:
    """A share of the other colour is mixed in, channel by channel."""
    assert mixed("#102030", "#ffffff", share) == colour


@pytest.mark.parametrize("accent", ["#000000", "#1d4f91", "#b00020", "#00600f"])
def test_dark_accent_is_made(accent: str) -> None:
    """Without one for dark pages, a lighter one is taken that can be read there."""
    dark = Look(accent=accent).dark

    assert dark is not None
    assert min(contrast(dark, background) for background in DARK) >= 4.5


def test_dark_accent_is_kept() -> None:
    """One that is given for dark pages stays, and without any there is none."""
    assert Look(accent="#1d4f91", accent_dark="#ffcc00").dark == "#ffcc00"
    assert Look().dark is None


@pytest.mark.parametrize(
    ("look", "fault"),
    [
        ({"accent": "#ffcc00"}, "look.accent: has a contrast of 1.3 to a light page, and needs 4.5"),
        ({"accent": "#000000", "accent_dark": "#1d4f91"}, "look.accent_dark: has a contrast of 1.9 to a dark page"),
        ({"accent": "blue"}, "look.accent: "),
        ({"accent": "#1d4f91; } body { display: none"}, "look.accent: "),
        ({"accent_dark": "#ffcc00"}, "look: accent_dark needs an accent beside it"),
        ({"logo": "https://cdn.example/logo.svg"}, "look.logo: must be a path on this site"),
        ({"logo": "//cdn.example/logo.svg"}, "look.logo: must be a path on this site"),
        ({"logo": "/\\cdn.example/logo.svg"}, "look.logo: must be a path on this site"),
        ({"logo": "logo.svg"}, "look.logo: must be a path on this site"),
    ],
)
def test_faults(raw: dict[str, Any], look: dict[str, Any], fault: str) -> None:
    """A colour that can't be read, or is none, and a picture of another site stop the start."""
    with pytest.raises(SettingsError, match="look") as raised:
        settings_from({**raw, "look": look})
    assert fault in str(raised.value)


def test_backgrounds_are_two() -> None:
    """A colour is measured against pages and cards, in light and in dark."""
    assert len(set(LIGHT)) == len(set(DARK)) == 2
