"""Groups, in all the shapes that providers tell them in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from onegov_auth_oidc.texts import clean, look_up

__all__ = ["MalformedGroupsError", "is_overage", "read_groups"]

Claims = Mapping[str, object]

#: How Entra ID calls them.
ENTRA = "groups"


class MalformedGroupsError(ValueError):
    """Raised for groups that can't be understood; the text is the name of the claim."""


def read_groups(paths: Sequence[str], sources: Sequence[Claims]) -> frozenset[str] | None:
    """
    The groups that stand at any of *paths*, each in the first source that has it.

    Returns:
        ``None`` if there is nothing at any of them: the provider said nothing. Empty if it said "none".

    Raises:
        MalformedGroupsError: If something stands there that names no groups: neither granting nor taking away
            rights would be right.
    """
    found = [(path, value) for path in paths if (value := _first(path, sources)) is not None]
    if not found:
        return None
    # A name that can't be stored grants nothing; the others still do.
    return frozenset(name for path, value in found for entry in _names(path, value) if (name := clean(entry)))


def is_overage(paths: Sequence[str], sources: Sequence[Claims]) -> bool:
    """Whether Entra ID left the groups out because they are too many for a token, and they are wanted."""
    if ENTRA not in paths or _first(ENTRA, sources) is not None:
        return False
    return any(_is_left_out(source) for source in sources)


def _is_left_out(claims: Claims) -> bool:
    elsewhere = claims.get("_claim_names")
    return claims.get("hasgroups") in (True, "true") or (isinstance(elsewhere, Mapping) and ENTRA in elsewhere)


def _first(path: str, sources: Sequence[Claims]) -> object:
    return next((value for source in sources if (value := look_up(source, path)) is not None), None)


def _names(path: str, value: object) -> Iterator[str]:
    if isinstance(value, str):
        # One name, as it is: a name may have blanks and commas in it, and a part of it could grant something.
        yield value
    elif isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        yield from value
    elif isinstance(value, Mapping):
        yield from _keys(path, value)
    else:
        raise MalformedGroupsError(path)


def _keys(path: str, value: Mapping[str, object]) -> Iterator[str]:
    # Zitadel: {"admin": {"1234": "example.org"}}. A key without anything behind it grants nothing.
    for name, granted in value.items():
        if not isinstance(granted, Mapping):
            raise MalformedGroupsError(path)
        if granted:
            yield name
