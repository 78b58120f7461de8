"""
The catalogues: brought up to date with the sources, compiled, and looked through for what is missing.

    python .ci/messages.py update    # write what is new into the .po files, take out what is gone, compile
    python .ci/messages.py compile   # make the .mo files that are run with
    python .ci/messages.py missing   # say what has no translation, and fail if there is anything
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import wtforms
from babel.messages import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
LOCALES = ROOT / "onegov_auth" / "locale"
DOMAIN = "onegov_auth"

#: English is what the sources are written in.
LANGUAGES = ("de", "fr", "it", "rm", "es")

METHODS = [("**.py", "python"), ("**.jinja2", "jinja2")]
KEYWORDS = {"_": None, "plural": (1, 2)}

#: WTForms' texts for those who write forms; its catalogues lack languages, so we translate the others.
NOT_FOR_PEOPLE = {"Invalid field name '%s'.", "Choices cannot be None."}

_PLACE = re.compile(r"\{[^{}]*\}|%\([a-z_]+\)[a-z]|%[a-z]")

Key = str | tuple[str, str]


def extracted() -> Catalog:
    """All marked texts: ours, our templates', the adapters', WTForms'."""
    catalog = _empty(None)
    for folder in (ROOT / "onegov_auth", *sorted(ROOT.glob("providers/*/src"))):
        for file, _line, text, comments, _context in extract_from_dir(folder, METHODS, keywords=KEYWORDS):
            where = (folder / file).relative_to(ROOT).as_posix()
            catalog.add(text, locations=[(where, 0)], auto_comments=comments)
    folder = Path(wtforms.__file__).parent
    for file, _line, text, comments, _context in extract_from_dir(folder, [("**.py", "python")]):
        if not file.startswith("csrf") and text not in NOT_FOR_PEOPLE:
            catalog.add(text, locations=[(f"wtforms/{file}", 0)], auto_comments=comments)
    return catalog


def _empty(language: str | None) -> Catalog:
    return Catalog(locale=language, domain=DOMAIN, project="onegov_auth", fuzzy=False)


def path_of(language: str) -> Path:
    """Where a language's texts are."""
    return LOCALES / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def read(path: Path) -> Catalog:
    """A catalogue as it stands in a file."""
    with path.open("rb") as file:
        return read_po(file, domain=DOMAIN)


def faults(source: Catalog, catalog: Catalog) -> Iterator[str]:
    """What is wrong with a language's catalogue."""
    wanted = {message.id: message for message in source if message.id}
    there = {message.id: message for message in catalog if message.id}
    for id_ in wanted.keys() - there.keys():
        yield f"is not in the catalogue: {_short(id_)}"
    for id_ in there.keys() - wanted.keys():
        yield f"is in no source any more: {_short(id_)}"
    for id_ in wanted.keys() & there.keys():
        yield from _message_faults(there[id_], catalog.num_plurals)


def _message_faults(message: Message, plurals: int) -> Iterator[str]:
    texts = [message.string] if isinstance(message.string, str) else list(message.string)
    wanted = [message.id] if isinstance(message.id, str) else list(message.id)
    if not all(texts) or (len(wanted) > 1 and len(texts) != plurals):
        yield f"is not translated: {_short(message.id)}"
    elif message.fuzzy:
        yield f"is a guess (fuzzy): {_short(message.id)}"
    elif any(_places(text) not in [_places(id_) for id_ in wanted] for text in texts):
        yield f"has other placeholders: {_short(message.id)}"


def _places(text: str) -> list[str]:
    return sorted(_PLACE.findall(text))


def _short(id_: Key) -> str:
    text = id_ if isinstance(id_, str) else id_[0]
    return text if len(text) < 100 else f"{text[:97]}…"


def update() -> None:
    """Bring the .po files up to date; nothing is guessed, nothing that is gone is kept."""
    source = extracted()
    for language in LANGUAGES:
        path = path_of(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        known = {message.id: message.string for message in read(path)} if path.exists() else {}
        catalog = _empty(language)
        for message in source:
            if message.id:
                catalog.add(
                    message.id, known.get(message.id, ""), message.locations, message.flags, message.auto_comments
                )
        with path.open("wb") as file:
            write_po(file, catalog, width=100, sort_output=True, include_lineno=False, omit_header=False)
        _without_dates(path)


def _without_dates(path: Path) -> None:
    """Every update would change them."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    dates = ('"POT-Creation-Date', '"PO-Revision-Date', '"Last-Translator', '"Language-Team', '"Report-Msgid', "#")
    head = lines.index("\n")
    kept = [line for number, line in enumerate(lines) if number > head or not line.startswith(dates)]
    path.write_text("".join(kept), encoding="utf-8")


def compile_all() -> None:
    """Make the .mo files."""
    for language in LANGUAGES:
        path = path_of(language)
        with path.with_suffix(".mo").open("wb") as file:
            write_mo(file, read(path))


def missing() -> int:
    """Print all faults; returns how many."""
    source, count = extracted(), 0
    for language in LANGUAGES:
        for fault in sorted(faults(source, read(path_of(language)))):
            print(f"{language}: {fault}")
            count += 1
    return count


def main(command: str) -> int:
    """Do what was asked for."""
    if command == "update":
        update()
    if command in {"update", "compile"}:
        compile_all()
        return 0
    return 1 if missing() else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
