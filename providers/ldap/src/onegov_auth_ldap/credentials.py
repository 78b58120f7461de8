"""What a person typed, looked at before any server is."""

from __future__ import annotations

import re
import stringprep
import unicodedata

from onegov_auth.providers import Password, Refused

__all__ = ["login_name", "password_octets"]

#: Characters; RFC 5321 §4.5.3.1 ends addresses at 254.
MAX_NAME = 256

#: Octets; Active Directory ends at 256 characters, OpenLDAP's schema at 128 octets.
MAX_PASSWORD = 1024

#: A stored hash, as RFC 2307 §5.3 writes it.
_HASH = re.compile(r"\{[A-Za-z0-9-]+\}")


def login_name(typed: str) -> str | None:
    """The name to look for; ``None`` for what no entry can be called."""
    name = unicodedata.normalize("NFC", typed[: MAX_NAME + 1]).strip()
    return name if name and len(name) <= MAX_NAME and name.isprintable() else None


def password_octets(password: Password, *, compared: bool = False) -> bytes | Refused:
    """
    The password as it is sent, or the refusal of one that must never be.

    Args:
        password: As typed.
        compared: Whether it goes into a comparison: there the stored hash itself would be a password.
    """
    clear = password.reveal()
    # RFC 4513 §5.1.2: a bind without a password succeeds and proves nothing. Blanks, NULs and characters that
    # SASLprep (RFC 4013 §2.1) maps to nothing are no password either: servers prepare them away.
    if not any(map(_counts, clear[: MAX_PASSWORD + 1])):
        return Refused("empty_password")
    if len(clear) > MAX_PASSWORD or "\0" in clear or (compared and _HASH.match(clear)):
        # A server in C might read a password up to its NUL only.
        return Refused("invalid_password")
    try:
        octets = unicodedata.normalize("NFC", clear).encode("utf-8")
    except UnicodeEncodeError:
        return Refused("invalid_password")
    return octets if len(octets) <= MAX_PASSWORD else Refused("invalid_password")


def _counts(char: str) -> bool:
    nothing = stringprep.in_table_b1(char) or stringprep.in_table_c12(char) or char.isspace()
    return not nothing and unicodedata.category(char) not in {"Cc", "Cf"}
