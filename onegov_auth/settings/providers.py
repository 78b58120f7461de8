"""The block of a provider: the keys all kinds share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field

from onegov_auth.settings.types import FrozenMap, Section

__all__ = ["GrantSettings", "Kind", "ProviderSettings", "SyncSettings"]

#: The name of something; blanks are none.
Name: TypeAlias = Annotated[str, Field(pattern=r"\S")]

#: What may be given.
Kind: TypeAlias = Literal["permission", "bundle", "group"]

#: What is given, to the provider's groups that give it.
Given: TypeAlias = FrozenMap[Name, tuple[Name, ...]]


class SyncSettings(Section):
    """
    What ``onegov-auth sync`` does about people whom a directory has no more.

    Attributes:
        missing: What happens to their account.
        after: After how many runs in a row without them.
        max_drop: A run that misses a larger share of the people known from there, or takes their roles, changes
            nothing.
    """

    missing: Literal["deactivate", "keep"] = "deactivate"
    after: int = Field(2, ge=1)
    max_drop: str = Field("10%", pattern=r"^(100|[0-9]{1,2})\s*%$")

    @property
    def largest_drop(self) -> float:
        """``max_drop`` as a share: 0.1 for ``10%``."""
        return int(self.max_drop.rstrip("% \t")) / 100


class GrantSettings(Section):
    """
    The rights that a provider's groups give: each name to the groups, compared as those of ``roles``.

    Attributes:
        permissions: By the permission's token.
        bundles: By the bundle's name.
        groups: By the name of the group that the person becomes a member of.
    """

    permissions: Given = Field(default_factory=dict, validate_default=True)
    bundles: Given = Field(default_factory=dict, validate_default=True)
    groups: Given = Field(default_factory=dict, validate_default=True)

    def rules(self) -> Iterator[tuple[Kind, str, tuple[str, ...]]]:
        """What kind of thing is given (``permission``, ``bundle`` or ``group``), its name, and the groups giving it."""
        kinds: Mapping[Kind, Mapping[str, tuple[str, ...]]] = {
            "permission": self.permissions,
            "bundle": self.bundles,
            "group": self.groups,
        }
        for kind, names in kinds.items():
            for name, groups in names.items():
                yield kind, name, groups

    def spelled(self, spell: Callable[[str], str]) -> Self:
        """The same, with the provider's groups as *spell* spells them."""

        def again(names: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
            return MappingProxyType({name: tuple(map(spell, groups)) for name, groups in names.items()})

        changed = {key: again(getattr(self, key)) for key in type(self).model_fields}
        return self.model_copy(update=changed)


class ProviderSettings(Section):
    """
    The keys every provider's block understands; an adapter adds its own in a subclass.

    Attributes:
        kind: Which provider; the name of its entry point.
        roles: Role to the groups that grant it, in any order; compared without regard to case. ``"*"`` = anybody.
        default_role: The role of somebody whom no group gives one; ``None`` = refused with ``no_role``.
        link: What to do when a local account has the same username or e-mail.
        link_domains: E-mail domains this provider is authoritative for (``link: verified_email``).
        provision: Whether an unknown person becomes a user.
        grants: See :class:`GrantSettings`.
    """

    kind: str
    roles: FrozenMap[str, tuple[str, ...]] = Field(default_factory=dict, validate_default=True)
    default_role: str | None = None
    link: Literal["refuse", "prove", "verified_email"] = "refuse"
    link_domains: tuple[str, ...] = ()
    provision: bool = True
    grants: GrantSettings = Field(default_factory=GrantSettings)

    @property
    def named_groups(self) -> frozenset[str]:
        """The provider's groups by which something is given, as they are written in the settings; ``"*"`` is none."""
        named = {group for groups in self.roles.values() for group in groups}
        named.update(group for _, _, groups in self.grants.rules() for group in groups)
        return frozenset(named - {"*"})
