"""One way to compare usernames."""

from __future__ import annotations

import unicodedata

__all__ = ["MAX_USERNAME", "canonical_username"]

#: No longer name is looked at. Normalising costs, and a folded character can become 18 (UNI-10);
#: 512 characters of four bytes are the most that fits into a PostgreSQL index entry (2,704 bytes).
MAX_USERNAME = 512

#: Characters nobody sees beyond those of category Cf: Unicode's Default_Ignorable_Code_Point.
_INVISIBLE = frozenset(
    [
        *(0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x3164, 0xFFA0),
        *range(0xFE00, 0xFE10),
        *range(0xE0100, 0xE01F0),
    ]
)


def canonical_username(username: str) -> str:
    """
    What *username* is compared and looked up by: two names that look alike to a person are one.

    Unicode's NFKC_Casefold (Unicode Standard 3.13, D146) without surrounding space, repeated until
    nothing changes: applying it again never gives another name (UNI-03).

    Args:
        username: As somebody typed it or a provider told it.

    Returns:
        The canonical name, of at most :data:`MAX_USERNAME` characters.

    Raises:
        ValueError: If the name is empty, too long, or has a NUL, a control character or a lone surrogate.
    """
    if len(username) > MAX_USERNAME:
        raise ValueError(f"a username has at most {MAX_USERNAME} characters")
    if username.isascii() and username.isprintable() and (plain := username.strip().lower()):
        # Nearly every name: there is nothing to compose, and nothing invisible.
        return plain
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in username):
        raise ValueError("a username has no control characters and no lone surrogates")
    before, name = "", username
    while name != before:
        before, name = name, _fold(name)
    if not name:
        raise ValueError("a username can't be empty")
    if len(name) > MAX_USERNAME:
        raise ValueError(f"a username has at most {MAX_USERNAME} characters")
    return name


def _fold(name: str) -> str:
    # NFD first: some characters fold differently when they are composed (Unicode 3.13, D145).
    folded = unicodedata.normalize("NFD", name).casefold()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", folded).casefold())
    return "".join(character for character in folded if not _is_invisible(character)).strip()


def _is_invisible(character: str) -> bool:
    return ord(character) in _INVISIBLE or unicodedata.category(character) == "Cf"
