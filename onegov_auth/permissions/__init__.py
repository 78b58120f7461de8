"""What people may do: permissions, who has them, and why. Framework-free."""

from onegov_auth.permissions.classes import Combination, Intent, Permission, Personal, Private, Public, Secret
from onegov_auth.permissions.conditions import has_all, has_any, has_permissions
from onegov_auth.permissions.explain import Chain, Explanation, explain_permission

__all__ = [
    "Chain",
    "Combination",
    "Explanation",
    "Intent",
    "Permission",
    "Personal",
    "Private",
    "Public",
    "Secret",
    "explain_permission",
    "has_all",
    "has_any",
    "has_permissions",
]
