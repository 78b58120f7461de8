"""Every marked text is translated into every language."""

from __future__ import annotations

import gettext
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from babel.messages import Catalog

from onegov_auth.i18n import DOMAIN, LANGUAGES, LOCALES

ROOT = Path(__file__).resolve().parents[2]
TRANSLATED = [language for language in LANGUAGES if language != "en"]


@pytest.fixture(name="tool", scope="module")
def _tool() -> Mapping[str, Any]:
    """What ``make messages`` runs."""
    return runpy.run_path(str(ROOT / ".ci" / "messages.py"))


@pytest.fixture(name="source", scope="module")
def _source(tool: Mapping[str, Any]) -> Catalog:
    """All marked texts."""
    catalog: Catalog = tool["extracted"]()
    return catalog


def test_every_language_is_looked_at(tool: Mapping[str, Any]) -> None:
    """No language is forgotten, and none is there that we don't speak."""
    assert list(tool["LANGUAGES"]) == TRANSLATED
    assert {path.name for path in LOCALES.iterdir() if path.is_dir()} == set(TRANSLATED)


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_are_complete(tool: Mapping[str, Any], source: Catalog, language: str) -> None:
    """Nothing is missing, a guess, gone from the sources, or has other placeholders; `make messages` says what is."""
    assert sorted(tool["faults"](source, tool["read"](tool["path_of"](language)))) == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_compiled_catalogues_are_current(tool: Mapping[str, Any], language: str) -> None:
    """What is run with is what was translated; `make catalogues` compiles."""
    compiled = gettext.translation(DOMAIN, LOCALES, [language])
    texts = [message for message in tool["read"](tool["path_of"](language)) if isinstance(message.id, str)]

    assert [message.id for message in texts if compiled.gettext(message.id) != message.string and message.id] == []


def test_our_texts_are_found(source: Catalog) -> None:
    """Texts of Python, pages, mails and WTForms are all extracted, with their plurals."""
    for text in ("Log in", "Set a new password at {title}", "This field is required.", "{n} code is left."):
        assert source.get(text) is not None


def catalogue(**texts: str) -> Catalog:
    """A catalogue of the texts ``a``, ``b {x}``, ``c %(n)d`` with its plural, and ``d``."""
    catalog = Catalog(locale="de")
    ids: dict[str, str | tuple[str, str]] = {"a": "a", "b": "b {x}", "c": ("c %(n)d", "cs %(n)d"), "d": "d"}
    for key, id_ in ids.items():
        if key in texts:
            text = texts[key]
            catalog.add(
                id_, text.split("|") if isinstance(id_, tuple) else text, flags=["fuzzy"] if text == "?" else ()
            )
    return catalog


@pytest.mark.parametrize(
    ("texts", "faults"),
    [
        ({"a": "A", "b": "{x} B", "c": "C %(n)d|Cs %(n)d"}, []),
        ({"b": "{x} B", "c": "C %(n)d|Cs %(n)d"}, ["is not in the catalogue: a"]),
        ({"a": "", "b": "{x} B", "c": "C %(n)d|"}, ["is not translated: a", "is not translated: c %(n)d"]),
        (
            {"a": "A", "b": "B", "c": "C %(n)s|Cs %(n)d"},
            ["has other placeholders: b {x}", "has other placeholders: c %(n)d"],
        ),
        (
            {"a": "?", "b": "{x} {x}", "c": "C %(n)d|Cs %(n)d"},
            ["has other placeholders: b {x}", "is a guess (fuzzy): a"],
        ),
        ({"a": "A", "b": "{x} B", "c": "C %(n)d|Cs %(n)d", "d": "D"}, ["is in no source any more: d"]),
    ],
    ids=["good", "new", "empty", "placeholders", "fuzzy", "gone"],
)
def test_faults_are_noticed(tool: Mapping[str, Any], texts: dict[str, str], faults: list[str]) -> None:
    """A text that is new, empty, guessed, gone, or has other placeholders is reported."""
    source = catalogue(a="", b="", c="|")

    assert sorted(tool["faults"](source, catalogue(**texts))) == faults
