"""Texts in the reader's language."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta, timezone

import pytest

from onegov_auth.i18n import LANGUAGES, Text, _, languages, match, translator

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_marking_changes_nothing() -> None:
    """A marked text is what it was."""
    assert _("Log in") == "Log in"


@pytest.mark.parametrize(
    ("language", "wanted"),
    [("en", "Log in"), ("de", "Anmelden"), ("de-CH", "Anmelden"), ("de_AT", "Anmelden"), ("FR", "Se connecter"),
     ("it", "Accedi"), ("rm", "S’annunziar"), ("es-419", "Iniciar sesión"), ("tlh", "Log in"), ("", "Log in"),
     (None, "Log in")],
)  # fmt: skip
def test_texts(language: str | None, wanted: str) -> None:
    """A text is in the language that was asked for, or in the nearest one, or else in English."""
    assert translator(language)(_("Log in")) == wanted


def test_a_text_of_others_stays() -> None:
    """What is in no catalogue stays as it is; nothing is nothing, and not the head of a catalogue."""
    translate = translator("de")

    assert [translate("Ours alone {x}"), translate("")] == ["Ours alone {x}", ""]


def test_values() -> None:
    """A text with values is English until somebody reads it, and filled in after the translation."""
    text = Text(_("Please use at most {n} characters."), n=64)

    assert text == "Please use at most 64 characters."
    assert translator("de")(text) == "Bitte verwenden Sie höchstens 64 Zeichen."
    assert pickle.loads(pickle.dumps(text)) == str(text)


def test_values_are_not_formats() -> None:
    """Braces in a value are shown, and fill in nothing."""
    text = Text(_("Please use at most {n} characters."), n="{n.__class__}")

    assert "{n.__class__}" in translator("fr")(text)


@pytest.mark.parametrize(
    ("n", "wanted"), [(0, "Es bleiben 0 Codes."), (1, "Es bleibt 1 Code."), (2, "Es bleiben 2 Codes.")]
)
def test_plurals(n: int, wanted: str) -> None:
    """One is another form than none and many."""
    assert translator("de").plural("{n} code is left.", "{n} codes are left.", n) == wanted


@pytest.mark.parametrize("language", languages())
def test_moments(language: str) -> None:
    """A time is written as the language does, in UTC wherever it was, with a 24-hour clock."""
    found = translator(language).moment(AT.astimezone(timezone(timedelta(hours=5))))

    assert found.endswith(("03:04 UTC", "3:04 UTC"))
    assert "2026" in found


@pytest.mark.parametrize(
    ("tag", "wanted"),
    [("de", "de"), ("DE-ch-1996", "de"), ("rm_CH", "rm"), ("deu", None), ("-", None), ("", None), (None, None)],
)
def test_match(tag: str | None, wanted: str | None) -> None:
    """A tag is content with a shorter one, and never with another."""
    assert match(tag) == wanted


def test_languages() -> None:
    """Six languages, each called what its speakers call it."""
    assert languages() == ("en", "de", "fr", "it", "rm", "es")
    assert LANGUAGES["rm"] == "Rumantsch"
