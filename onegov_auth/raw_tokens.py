"""
Random texts that are tokens: how they are made, recognised and stored.

An API token is ``<prefix>_<key><secret><checksum>``: a prefix by which leaked ones are searched for, 12 characters that
name it, 43 that are its secret (256 bits), and the CRC-32 of all before, by which whoever searches knows a real one
without asking anybody (TOK-01). All but the prefix are letters and digits.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
import secrets
import string
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

__all__ = ["CHARSETS", "MAX_LENGTH", "Presented", "hash_of", "new_token", "presented", "random_text", "with_username"]

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase

#: The sets of characters of the library that the second seed uses, by its names. ``ascii_50`` are the letters and
#: digits without those that look alike: ``1 I i L l 0 O o 5 S 8 B``.
CHARSETS: Mapping[str, str] = MappingProxyType(
    {
        "ascii_72": string.ascii_letters + string.digits + "!@#$%^&*?/",
        "ascii_62": string.ascii_letters + string.digits,
        "ascii_50": "".join(c for c in string.ascii_letters + string.digits if c not in "1IiLl0Oo5S8B"),
        "hex": "0123456789abcdef",
    }
)

#: Bits of a token that can't be guessed: RFC 6749 §10.10 demands 128 of what is not for people.
MIN_ENTROPY = 128

#: Longer ones are none of ours, and are refused before anything is computed of them.
MAX_LENGTH = 1000

_KEY, _SECRET, _CHECK = 12, 43, 6

_OURS = re.compile(rf"[a-z][a-z0-9]{{1,15}}_[0-9A-Za-z]{{{_KEY + _SECRET + _CHECK}}}", re.ASCII)

#: A token without a form of its own; the second seed's have 32 characters of ascii_50.
_PLAIN = re.compile(r"[0-9A-Za-z!@#$%^&*?/]{22,200}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Presented:
    """
    A token as somebody presented it; that it is one of ours is not said by that.

    Attributes:
        key: What it is found by.
        text: The token itself.
        username: Whose it is said to be, if that is said.
    """

    key: str
    text: str = field(repr=False)
    username: str | None = None

    def may_be_of(self, username: str) -> bool:
        """Whether it isn't said to be somebody else's."""
        return self.username is None or self.username.lower() == username.lower()


def random_text(
    length: int = 32,
    entropy: int | None = None,
    charset: str = "ascii_50",
    choice: Callable[[Sequence[str]], str] = secrets.choice,
) -> str:
    """
    A text that can't be guessed.

    Args:
        length: At least so many characters.
        entropy: At least so many bits; the longer of the two counts.
        charset: A name of :data:`CHARSETS`.
        choice: Chooses one of the characters.

    Raises:
        ValueError: If there is no such charset, or the text would have less than 128 bits.
    """
    if charset not in CHARSETS:
        raise ValueError(f"no such charset: {charset}; there are {', '.join(CHARSETS)}")
    characters = CHARSETS[charset]
    bits = math.log2(len(characters))
    length = max(length, math.ceil((entropy or 0) / bits))
    if length * bits < MIN_ENTROPY:
        raise ValueError(f"{length} characters of {charset} can be guessed: take {math.ceil(MIN_ENTROPY / bits)}")
    return "".join(choice(characters) for _ in range(length))


def new_token(prefix: str, choice: Callable[[Sequence[str]], str] = secrets.choice) -> str:
    """An API token that begins with *prefix*."""
    body = f"{prefix}_{''.join(choice(_BASE62) for _ in range(_KEY + _SECRET))}"
    return body + _checksum(body)


def presented(text: str) -> Presented | None:
    """
    What *text* could be found by.

    Returns:
        ``None`` for what can be none of ours: malformed, too long, or with another checksum. No database is asked.
    """
    if len(text) > MAX_LENGTH:
        return None
    name, dot, token = text.rpartition(".")
    found = _found_by(token)
    if found is None or not dot:
        return found
    username = _decoded(name)
    return None if username is None else replace(found, username=username)


def with_username(username: str, token: str) -> str:
    """A token that says whose it is; the second seed's ``generate_api_token`` makes such ones."""
    return f"{base64.urlsafe_b64encode(username.encode()).decode().rstrip('=')}.{token}"


def _decoded(name: str) -> str | None:
    try:
        return base64.b64decode(name + "=" * (-len(name) % 4), altchars=b"-_", validate=True).decode() or None
    except ValueError:
        return None


def _found_by(text: str) -> Presented | None:
    if _OURS.fullmatch(text) is not None:
        body = text[:-_CHECK]
        return Presented(body[-_KEY - _SECRET : -_SECRET], text) if _checksum(body) == text[-_CHECK:] else None
    if _PLAIN.fullmatch(text) is None:
        return None
    # It has no part that names it: half of its hash does, which tells as little of it as the whole.
    return Presented(hashlib.sha256(b"key:" + text.encode()).hexdigest()[:32], text)


def hash_of(application: str, token: Presented) -> str:
    """
    What the table holds of a token. 256 random bits need no salt and no slow hash (ASVS 6.5.2).

    The application is part of it: where two share a table, a token of one is none of the other (ASVS 8.4.1).
    """
    return hashlib.sha256(f"{application}:{token.text}".encode()).hexdigest()


def _checksum(text: str) -> str:
    number, digits = zlib.crc32(text.encode()), ""
    while number:
        number, digit = divmod(number, len(_BASE62))
        digits = _BASE62[digit] + digits
    return digits.rjust(_CHECK, "0")
