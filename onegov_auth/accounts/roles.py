"""Which role do these groups give, and which rights?"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from onegov_auth.permissions.grants import Right
from onegov_auth.permissions.mapped import Wanted

if TYPE_CHECKING:
    from onegov_auth.providers import ProviderSettings

__all__ = ["ANYBODY", "match_grants", "match_role"]

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


def match_grants(settings: ProviderSettings, groups: frozenset[str] | None) -> Wanted:
    """
    The rights that *groups* give by ``grants``, each with the first group in the settings' order that gives it.

    Args:
        settings: The provider's rules.
        groups: The groups of the person, compared as for a role; ``None`` if the source said nothing: what anybody
            gets is given, and nothing is taken away.
    """
    held = {_folded(group) for group in groups or ()}
    rules = {
        Right(kind, name): rule
        for kind, name, givers in settings.grants.rules()
        if (rule := next((group for group in givers if group == ANYBODY or _folded(group) in held), None)) is not None
    }
    return Wanted(rules, keep=groups is None)


def _folded(group: str) -> str:
    # Not casefold(): that makes "adminſ" (U+017F) the same as "admins".
    return unicodedata.normalize("NFC", group).lower()
