"""A browser's own words about itself, as words for people."""

from __future__ import annotations

import re

from onegov_auth.i18n import Translator, _

__all__ = ["device"]

# In this order, because browsers claim to be their rivals as well: Edge says Chrome, and Chrome says Safari.
_BROWSERS = (
    ("Edge", r"\bEdg(?:e|A|iOS)?/"),
    ("Opera", r"\bOPR/|\bOpera\b"),
    ("Samsung Internet", r"\bSamsungBrowser/"),
    ("Vivaldi", r"\bVivaldi/"),
    ("Firefox", r"\b(?:Firefox|FxiOS)/"),
    ("Chrome", r"\b(?:Chrome|CriOS|Chromium|HeadlessChrome)/"),
    ("Safari", r"\bSafari/"),
    ("curl", r"^curl/"),
)
_SYSTEMS = (
    ("iPhone", r"\biPhone\b"),
    ("iPad", r"\biPad\b"),
    ("Android", r"\bAndroid\b"),
    ("Windows", r"\bWindows\b"),
    ("ChromeOS", r"\bCrOS\b"),
    ("macOS", r"\bMac OS X\b|\bMacintosh\b"),
    ("Linux", r"\bLinux\b|\bX11\b"),
)


def device(user_agent: str | None, translate: Translator) -> str:
    """
    Such as "Firefox on Windows".

    Args:
        user_agent: What the browser said; untrusted, and nothing of it is shown.
        translate: Of the reader.
    """
    # As events keep it, its brackets are escapes, and would be part of the word that stands behind.
    said = (user_agent or "").replace("\\x28", "(")
    browser, system = _first(_BROWSERS, said), _first(_SYSTEMS, said)
    if browser and system:
        return translate(_("{browser} on {system}")).format(browser=browser, system=system)
    return browser or system or translate(_("Unknown device"))


def _first(known: tuple[tuple[str, str], ...], text: str) -> str | None:
    return next((name for name, pattern in known if re.search(pattern, text)), None)
