"""What the provider's claims mean here."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from onegov_auth.providers import Refused, Step
from onegov_auth_oidc.id_token import is_subject
from onegov_auth_oidc.settings import ClaimNames

__all__ = ["Person", "attributes", "is_complete", "look_up", "read_person"]

#: Longer names are no names.
MAX_TEXT = 1000

#: How a token was made, and nothing about the person.
MECHANICS = frozenset(
    {"acr", "amr", "at_hash", "aud", "azp", "c_hash", "exp", "iat", "iss", "jti", "nbf", "nonce", "sid"}
)

Claims = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Person:
    """
    The mapped claims.

    Attributes:
        id: The stable key.
        username: The name to give a new user.
        email: The address, if there is one.
        email_verified: Whether the provider vouches for this very address.
        realname: The name to show, if there is one.
        groups: ``None`` if the provider said nothing; empty if it said "none".
    """

    id: str
    username: str
    email: str | None
    email_verified: bool
    realname: str | None
    groups: frozenset[str] | None


def look_up(claims: Claims, path: str) -> object:
    """
    The claim of that name, or where the dots lead; ``None`` if there is none, or it is null.

    The whole name goes first: some providers have dots in it (``https://example.org/groups``).
    """
    if path in claims:
        return claims[path]
    found: object = claims
    for name in path.split("."):
        if not isinstance(found, Mapping) or name not in found:
            return None
        found = found[name]
    return found


def is_complete(names: ClaimNames, claims: Claims) -> bool:
    """Whether all mapped claims are there, so that nobody has to be asked for more."""
    wanted = (names.id, names.username, names.email, *names.realname, names.groups)
    return all(look_up(claims, path) is not None for path in wanted)


def attributes(sources: Sequence[Claims]) -> dict[str, object]:
    """All that was told about the person, the first source last, so that it wins."""
    merged: dict[str, object] = {}
    for source in reversed(sources):
        merged |= source
    return {name: value for name, value in merged.items() if name not in MECHANICS}


def read_person(names: ClaimNames, sources: Sequence[Claims]) -> Person | Refused:
    """
    The person, from the first source that tells of each claim: the ID token before UserInfo.

    Returns:
        ``Refused("missing_claim")`` without a key or username, ``Refused("invalid_claim")`` for groups
        that can't be understood: neither granting nor taking away rights would be right.
    """
    key = _first(sources, names.id)[0]
    if not isinstance(key, str) or not is_subject(key):
        return _refused("missing_claim", names.id)
    username = _text(_first(sources, names.username)[0])
    if username is None:
        return _refused("missing_claim", names.username)
    groups = _groups(_first(sources, names.groups)[0])
    if isinstance(groups, Refused):
        return _refused(groups.code, names.groups)
    email, verified = _email(names, sources)
    return Person(key, username, email, verified, _realname(names, sources), groups)


def _refused(code: str, path: str) -> Refused:
    return Refused(code, steps=(Step("claims", path),))


def _first(sources: Sequence[Claims], path: str) -> tuple[object, Claims]:
    for source in sources:
        value = look_up(source, path)
        if value is not None:
            return value, source
    return None, {}


def _text(value: object) -> str | None:
    # Surrogates and control characters can't be stored everywhere, and forge lines in a log.
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        return None
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in value):
        return None
    return value.strip() or None


def _email(names: ClaimNames, sources: Sequence[Claims]) -> tuple[str | None, bool]:
    value, source = _first(sources, names.email)
    email = _text(value)
    if email is None or "@" not in email:
        return None, False
    # email_verified speaks of the claim "email" beside it, and of no other address (nOAuth).
    return email, source.get("email_verified") is True and source.get("email") == value


def _realname(names: ClaimNames, sources: Sequence[Claims]) -> str | None:
    parts = (_text(_first(sources, path)[0]) for path in names.realname)
    return " ".join(part for part in parts if part) or None


def _groups(value: object) -> frozenset[str] | Refused | None:
    if value is None:
        return None
    entries = [value] if isinstance(value, str) else value
    if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
        return Refused("invalid_claim")
    # A name that can't be stored grants nothing; the others still do.
    return frozenset(name for entry in entries if (name := _text(entry)))
