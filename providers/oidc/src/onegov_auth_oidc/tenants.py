"""Issuers that many organisations share: which of them a token is from, and whether its people may come."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["TENANT", "Issuer"]

#: Stands in the issuer of Entra ID's metadata where a token has its organisation's id.
TENANT = "{tenantid}"

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Issuer:
    """
    The configured issuer.

    Attributes:
        name: The issuer identifier; ``{tenantid}`` in it stands for the claim ``tid``.
        tenant_claim: The claim that names the organisation: Entra ID's ``tid``, Google's ``hd``.
        tenants: The allowed organisations; empty = any, which settings allow only without ``{tenantid}``.
    """

    name: str
    tenant_claim: str | None = None
    tenants: frozenset[str] = frozenset()

    def is_named_by(self, claims: Mapping[str, object]) -> bool:
        """Whether the claim ``iss`` is this very issuer, character by character."""
        named = _filled(self.name, claims)
        return named is not None and claims.get("iss") == named

    def admits(self, claims: Mapping[str, object]) -> bool:
        """Whether the claims are of an allowed organisation."""
        if not self.tenants:
            return TENANT not in self.name
        tenant = claims.get(self.tenant_claim or "")
        return isinstance(tenant, str) and tenant.lower() in self.tenants

    def may_sign(self, key_issuer: str | None, claims: Mapping[str, object]) -> bool:
        """Whether a key that was published for *key_issuer* may sign these claims; ``None`` = for whom, nobody said."""
        return key_issuer is None or _filled(key_issuer, claims) == claims.get("iss")


def _filled(issuer: str, claims: Mapping[str, object]) -> str | None:
    if TENANT not in issuer:
        return issuer
    tenant = claims.get("tid")
    if not isinstance(tenant, str) or not _GUID.fullmatch(tenant):
        return None
    return issuer.replace(TENANT, tenant)
