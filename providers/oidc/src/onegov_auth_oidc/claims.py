"""What the provider's claims mean here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from onegov_auth.providers import Refused, Step
from onegov_auth_oidc.emails import is_vouched_for
from onegov_auth_oidc.groups import MalformedGroupsError, read_groups
from onegov_auth_oidc.jws import is_subject
from onegov_auth_oidc.sections import ClaimNames
from onegov_auth_oidc.settings import OIDCSettings
from onegov_auth_oidc.texts import clean, look_up

__all__ = ["Claims", "Person", "attributes", "is_complete", "read_person"]

#: RFC 5321 §4.5.3.1.3; what is longer no mail gets to, and no index of a database holds.
MAX_EMAIL = 254

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


def is_complete(names: ClaimNames, claims: Claims) -> bool:
    """Whether all mapped claims are there, so that nobody has to be asked for more."""
    wanted = (names.id, names.email, *names.realname, *names.groups)
    has_username = any(look_up(claims, path) is not None for path in names.username)
    return has_username and all(look_up(claims, path) is not None for path in wanted)


def attributes(sources: Sequence[Claims]) -> dict[str, object]:
    """All that was told about the person, the first source last, so that it wins."""
    merged: dict[str, object] = {}
    for source in reversed(sources):
        merged |= source
    return {name: value for name, value in merged.items() if name not in MECHANICS}


def read_person(settings: OIDCSettings, sources: Sequence[Claims]) -> Person | Refused:
    """
    The person, from the first source that tells of each claim: the ID token before UserInfo.

    Returns:
        ``Refused("missing_claim")`` without a key or username, ``Refused("invalid_claim")`` for groups
        that can't be understood.
    """
    names = settings.claims
    key = _first(sources, names.id)[0]
    if not isinstance(key, str) or not is_subject(key):
        return _refused("missing_claim", names.id)
    username = next((text for path in names.username if (text := clean(_first(sources, path)[0]))), None)
    if username is None:
        return _refused("missing_claim", " or ".join(names.username))
    try:
        groups = read_groups(names.groups, sources)
    except MalformedGroupsError as error:
        return _refused("invalid_claim", str(error))
    email, verified = _email(settings, sources)
    return Person(key, username, email, verified, _realname(names, sources), groups)


def _refused(code: str, path: str) -> Refused:
    return Refused(code, steps=(Step("claims", path),))


def _first(sources: Sequence[Claims], path: str) -> tuple[object, Claims]:
    for source in sources:
        value = look_up(source, path)
        if value is not None:
            return value, source
    return None, {}


def _email(settings: OIDCSettings, sources: Sequence[Claims]) -> tuple[str | None, bool]:
    value, source = _first(sources, settings.claims.email)
    email = clean(value)
    if email is None or "@" not in email or len(email) > MAX_EMAIL:
        return None, False
    return email, is_vouched_for(email, source, settings.special.email)


def _realname(names: ClaimNames, sources: Sequence[Claims]) -> str | None:
    parts = (clean(_first(sources, path)[0]) for path in names.realname)
    return " ".join(part for part in parts if part) or None
