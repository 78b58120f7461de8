"""Browsers in words."""

from __future__ import annotations

import pytest

from onegov_auth.events import neutral
from onegov_auth.i18n import translator
from onegov_auth.mail import device

WINDOWS, MAC = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (f"{WINDOWS} Gecko/20100101 Firefox/130.0", "Firefox on Windows"),
        (f"{WINDOWS} {WEBKIT} Chrome/128.0.0.0 Safari/537.36", "Chrome on Windows"),
        (f"{WINDOWS} {WEBKIT} Chrome/128.0.0.0 Safari/537.36 Edg/128.0.0.0", "Edge on Windows"),
        (f"{MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Safari/605.1.15", "Safari on macOS"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) Version/17.6 Mobile Safari/604.1", "Safari on iPhone"),
        (f"Mozilla/5.0 (Linux; Android 14) {WEBKIT} Chrome/128.0.0.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101", "Linux"),
        ("curl/8.9.1", "curl"),
        ("<script>alert(1)</script>", "Unknown device"),
        ("", "Unknown device"),
        (None, "Unknown device"),
    ],
)
def test_devices(agent: str | None, words: str) -> None:
    """A browser is named by what it surely is, and nothing it says is repeated."""
    assert device(agent, translator("en")) == words


def test_browsers_as_events_keep_them() -> None:
    """What an event keeps of a browser names the same system as what the browser said."""
    agent = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"

    assert device(neutral(agent), translator("en")) == device(agent, translator("en")) == "Firefox on Windows"
