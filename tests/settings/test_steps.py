from __future__ import annotations

from typing import Any

import pytest

from onegov_auth.errors import SettingsError
from onegov_auth.settings import settings_from


def test_nobody_is_asked_for_anything_by_default(raw: dict[str, Any]) -> None:
    """Steps are switched on one by one."""
    steps = settings_from(raw).steps
    assert (steps.terms, steps.profile) == (None, ())


@pytest.mark.parametrize("url", ["https://example.org/terms", "/terms"])
def test_terms_have_a_version_and_a_place(raw: dict[str, Any], url: str) -> None:
    """An address, or a path on this site."""
    terms = settings_from({**raw, "steps": {"terms": {"version": "2026", "url": url}}}).steps.terms
    assert terms is not None
    assert (terms.version, terms.url) == ("2026", url)


@pytest.mark.parametrize(
    "steps",
    [
        {"terms": {"version": "2026"}},
        {"terms": {"version": "", "url": "/terms"}},
        {"terms": {"version": "1", "url": "javascript:alert(1)"}},
        {"terms": {"version": "1", "url": "//evil.example"}},
        {"terms": {"version": "1", "url": "http://plain.example"}},
        {"profile": ["role"]},
    ],
)
def test_everything_else_is_a_fault(raw: dict[str, Any], steps: dict[str, Any]) -> None:
    """Terms without a place, addresses that are none, and attributes that are nobody's to give."""
    with pytest.raises(SettingsError, match=r"steps\."):
        settings_from({**raw, "steps": steps})
