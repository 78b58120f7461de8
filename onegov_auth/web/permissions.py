"""What somebody may do, as Morepath's ``permission=`` takes it; see :mod:`onegov_auth.permissions`."""

from __future__ import annotations

from onegov_auth.permissions.classes import (
    Combination,
    Condition,
    Intent,
    Permission,
    PermissionClass,
    Personal,
    Private,
    Public,
    Secret,
)
from onegov_auth.permissions.conditions import has_all, has_any

__all__ = [
    "Combination",
    "Condition",
    "Intent",
    "Permission",
    "PermissionClass",
    "Personal",
    "Private",
    "Public",
    "Secret",
    "has_all",
    "has_any",
]
