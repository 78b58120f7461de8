from __future__ import annotations

import pytest

from onegov_auth.i18n import _, translator


@pytest.mark.parametrize("language", ["en", "de", None])
def test_texts_without_a_catalogue_stay(language: str | None) -> None:
    """Marking a text changes nothing, and neither does a language that has no catalogue."""
    assert translator(language)(_("Log in")) == "Log in"
