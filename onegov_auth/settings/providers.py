"""The block of a provider: the keys all kinds share."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from onegov_auth.settings.types import FrozenMap, Section

__all__ = ["ProviderSettings", "SyncSettings"]


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
    """

    kind: str
    roles: FrozenMap[str, tuple[str, ...]] = Field(default_factory=dict, validate_default=True)
    default_role: str | None = None
    link: Literal["refuse", "prove", "verified_email"] = "refuse"
    link_domains: tuple[str, ...] = ()
    provision: bool = True
