"""Which role do these groups give?"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence

__all__ = ["ANYBODY", "match_role"]

#: As a group in the settings: whoever the provider vouches for.
ANYBODY = "*"


def match_role(roles: Mapping[str, Sequence[str]], order: Iterable[str], groups: frozenset[str] | None) -> str | None:
    """
    The most powerful role that one of *groups* gives.

    Args:
        roles: Role to the groups that give it; ``"*"`` = anybody, whatever their groups.
        order: All roles, the most powerful first.
        groups: The groups of the person; ``None`` if the source said nothing.

    Returns:
        The role, or ``None`` if no group gives one. Names are compared whole and without regard to case
        (LDAP-58: never by prefix).
    """
    held = {_folded(group) for group in groups or ()}
    for role in order:
        wanted = {_folded(group) for group in roles.get(role, ())}
        if wanted & held or ANYBODY in wanted:
            return role
    return None


def _folded(group: str) -> str:
    # Not casefold(): that makes "adminſ" (U+017F) the same as "admins".
    return unicodedata.normalize("NFC", group).lower()
