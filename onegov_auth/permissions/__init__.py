"""What people may do: permissions, who has them, and why. Framework-free."""

from onegov_auth.permissions.classes import Combination, Intent, Permission, Personal, Private, Public, Secret
from onegov_auth.permissions.conditions import has_all, has_any, has_permissions

__all__ = [
    "Combination",
    "Intent",
    "Permission",
    "Personal",
    "Private",
    "Public",
    "Secret",
    "has_all",
    "has_any",
    "has_permissions",
]
