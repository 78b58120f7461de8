"""
Values in filters and names: escaping, and when two distinguished names are the same.

ldap3's own functions fall back to guesses on bytes and broken text and emit a raw NUL; these raise.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TypeAlias

__all__ = [
    "Name",
    "account_name",
    "escape_dn",
    "escape_filter",
    "folded",
    "naming_context",
    "normal",
    "parse",
    "parse_name",
]

#: A parsed name: per RDN its sorted pairs of type and prepared value.
Name: TypeAlias = tuple[tuple[tuple[str, str], ...], ...]

#: How many names are kept parsed: a directory names the same groups at every login.
_KEPT = 4096

#: Characters that stand for themselves in a filter whatever reads it.
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@._-")

#: RFC 4514 §2.4.
_SPECIAL = frozenset(',+"\\<>;=')

#: RFC 4514 §3 table and RFC 4519: names, long names and numbers of the same type.
_TYPES = {
    "2.5.4.3": "cn",
    "commonname": "cn",
    "2.5.4.7": "l",
    "localityname": "l",
    "2.5.4.8": "st",
    "stateorprovincename": "st",
    "2.5.4.9": "street",
    "streetaddress": "street",
    "2.5.4.10": "o",
    "organizationname": "o",
    "2.5.4.11": "ou",
    "organizationalunitname": "ou",
    "2.5.4.6": "c",
    "countryname": "c",
    "0.9.2342.19200300.100.1.25": "dc",
    "domaincomponent": "dc",
    "0.9.2342.19200300.100.1.1": "uid",
    "userid": "uid",
}

#: What no ``sAMAccountName`` holds (MS-ADTS §3.1.1.6), and what would make another domain of ``user@domain``.
_NO_ACCOUNT = re.compile(r'[@"/\\\[\]:;|=,+*?<>\x00-\x1f\x7f]')

_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)+")
_HEX = re.compile(r"#(?:[0-9A-Fa-f]{2})+")
_PAIR = re.compile(r"[0-9A-Fa-f]{2}")

#: BER tags of text: OCTET STRING, UTF8String, PrintableString, TeletexString, IA5String.
_TEXT_TAGS = frozenset({0x04, 0x0C, 0x13, 0x14, 0x16})


def escape_filter(value: str) -> str:
    r"""
    *value* for an assertion in a filter (RFC 4515 §3): every octet that is not plainly itself as ``\xx``.

    Raises:
        TypeError: If it is no text; lists and dicts once slipped past an escaper (CVE-2025-61911).
        ValueError: If it can't be UTF-8, or is empty.
    """
    if not isinstance(value, str):
        raise TypeError("only text can stand in a filter")
    if not value:
        raise ValueError("an empty value asserts nothing")
    return "".join(
        char if char in _PLAIN else "".join(f"\\{octet:02x}" for octet in char.encode("utf-8")) for char in value
    )


def escape_dn(value: str) -> str:
    """
    *value* for an RDN (RFC 4514 §2.4).

    Raises:
        TypeError: If it is no text.
        ValueError: If it can't be UTF-8, or is empty.
    """
    if not isinstance(value, str):
        raise TypeError("only text can stand in a name")
    if not value:
        raise ValueError("an empty value names nothing")
    value.encode("utf-8")
    last = len(value) - 1
    return "".join(_escape_char(char, first=at == 0, last=at == last) for at, char in enumerate(value))


def account_name(value: str) -> str | None:
    r"""*value* for ``user@domain`` or ``DOMAIN\user``, ``None`` if it would be more than the user's part (LDAP-08)."""
    return None if not value or _NO_ACCOUNT.search(value) else value


@lru_cache(_KEPT)
def parse(text: str) -> Name:
    """
    The parts of a distinguished name (RFC 4514), prepared for comparison: without regard to case and extra spaces.

    Raises:
        ValueError: If it is no distinguished name, or the empty one.
    """
    rdns = tuple(tuple(sorted(_pair(pair) for pair in _split(rdn, "+"))) for rdn in _split(text, ",;"))
    if not rdns or not all(rdns):
        raise ValueError("an empty part, or none")
    return rdns


@lru_cache(_KEPT)
def normal(name: str | Name) -> str:
    """
    A distinguished name in the one spelling that all equal names share, in lower case.

    Raises:
        ValueError: If it is no distinguished name.
    """
    parts = parse(name) if isinstance(name, str) else name
    return ",".join("+".join(f"{kind}={escape_dn(value)}" for kind, value in rdn) for rdn in parts)


def parse_name(text: str) -> Name | None:
    """As :func:`parse`, ``None`` for what is no distinguished name: for what a directory sends."""
    try:
        return parse(text)
    except ValueError:
        return None


def folded(value: str) -> str:
    """*value* without regard to case, in one spelling of composed characters."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", value).lower())


def naming_context(base: str) -> str:
    """
    Who vouches for the people below *base*: its domain (RFC 2247), or its topmost part.

    A base that is narrowed or widened later stays with the same context.

    Raises:
        ValueError: If it is no distinguished name.
    """
    parts = parse(base)
    start = len(parts)
    while start and parts[start - 1][0][0] == "dc":
        start -= 1
    return normal(parts[start:] or parts[-1:])


def _escape_char(char: str, *, first: bool, last: bool) -> str:
    if char == "\0":
        return "\\00"
    if char in _SPECIAL or (char == " " and (first or last)) or (char == "#" and first):
        return f"\\{char}"
    return char


def _split(text: str, separators: str) -> list[str]:
    # Quotes are RFC 2253's and gone since RFC 4514; a backslash always takes the next character along.
    parts, start, at = [], 0, 0
    while at < len(text):
        if text[at] == "\\":
            at += 2
            continue
        if text[at] in separators:
            parts.append(text[start:at])
            start = at + 1
        at += 1
    return [*parts, text[start:]] if text.strip() else []


def _pair(text: str) -> tuple[str, str]:
    kind, equals, value = text.partition("=")
    kind = kind.strip()
    if not equals or not _TYPE.fullmatch(kind):
        raise ValueError("a part of a name is not of the form type=value")
    kind = kind.lower()
    prepared = _prepare(_value(value.lstrip(" ")))
    if not prepared:
        raise ValueError("a part of a name has no value")
    return _TYPES.get(kind, kind), prepared


def _value(text: str) -> str:
    if text.startswith("#"):
        return _ber_text(text.rstrip(" "))
    octets = bytearray()
    at = 0
    while at < len(text):
        if text[at] != "\\":
            octets += text[at].encode("utf-8")
            at += 1
        elif _PAIR.fullmatch(text[at + 1 : at + 3]):
            octets.append(int(text[at + 1 : at + 3], 16))
            at += 3
        elif text[at + 1 : at + 2] and text[at + 1] in " #" + "".join(_SPECIAL):
            octets += text[at + 1].encode("utf-8")
            at += 2
        else:
            raise ValueError("a backslash in a name escapes nothing")
    return octets.decode("utf-8")


def _ber_text(text: str) -> str:
    if not _HEX.fullmatch(text):
        raise ValueError("a value in hexadecimal is broken")
    octets = bytes.fromhex(text[1:])
    # Short definite lengths only (X.690 §8.1.3.4): longer values are compared as they are spelled.
    if len(octets) > 2 and octets[0] in _TEXT_TAGS and octets[1] == len(octets) - 2 < 128:
        return octets[2:].decode("utf-8")
    return text


def _prepare(value: str) -> str:
    # Case and insignificant spaces as RFC 4518 §2 has them, and no more of it: its mapping (NFKC, case folding, every
    # kind of space) makes "adminſ" and "ａdmins" the same as "admins", and Active Directory lets all three lie side by
    # side. Whoever may make a group would make themselves an administrator (LDAP-58).
    return re.sub(" +", " ", folded(value)).strip(" ")
