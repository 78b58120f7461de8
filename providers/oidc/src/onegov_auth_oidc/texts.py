"""Finding claims, and taking them as text."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

__all__ = ["clean", "look_up"]

#: Longer names are no names.
MAX_TEXT = 1000


def look_up(claims: Mapping[str, object], path: str) -> object:
    """
    The claim of that name, or where the dots lead; ``None`` if there is none, or it is null.

    The whole name goes first: some providers have dots in it (``https://example.org/groups``). Through a list
    of objects the dots lead into each of them.
    """
    if path in claims:
        return claims[path]
    found: object = claims
    for name in path.split("."):
        if isinstance(found, list):
            inner = [entry[name] for entry in found if isinstance(entry, Mapping) and name in entry]
            # A list in which nothing has that name says nothing; an empty list says "none".
            found = inner if inner or not found else None
        elif isinstance(found, Mapping) and name in found:
            found = found[name]
        else:
            return None
    return found


def clean(value: object) -> str | None:
    """*value*, if it is text that can be stored and shown."""
    # Surrogates and control characters can't be stored everywhere, and forge lines in a log.
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        return None
    if not value.isprintable() and any(unicodedata.category(character) in {"Cc", "Cs"} for character in value):
        return None
    return value.strip() or None
