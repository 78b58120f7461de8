"""
The public names of the package, imported when they are asked for (PEP 562).

A command or an adapter does not load Morepath, and a web application no command.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["NAMES", "lookup"]

#: Name to the module it comes from.
NAMES = {
    "AttemptMixin": "onegov_auth.models",
    "Auth": "onegov_auth.auth",
    "AuthApp": "onegov_auth.web",
    "AuthBase": "onegov_auth.web",
    "AuthPages": "onegov_auth.web",
    "AuthRequest": "onegov_auth.web",
    "BundleMixin": "onegov_auth.models",
    "Entities": "onegov_auth.models",
    "EntityRegistry": "onegov_auth.models",
    "GrantMixin": "onegov_auth.models",
    "GroupMixin": "onegov_auth.models",
    "Hooks": "onegov_auth.accounts",
    "NavItem": "onegov_auth.web",
    "NavURL": "onegov_auth.web",
    "PasswordType": "onegov_auth.models",
    "Permission": "onegov_auth.permissions",
    "PermissionMixin": "onegov_auth.models",
    "Personal": "onegov_auth.permissions",
    "Private": "onegov_auth.permissions",
    "Public": "onegov_auth.permissions",
    "Secret": "onegov_auth.permissions",
    "UserEmailMixin": "onegov_auth.models",
    "UserMixin": "onegov_auth.models",
    "UserTokenMixin": "onegov_auth.models",
    "explain_permission": "onegov_auth.permissions",
    "get_username": "onegov_auth.models",
    "get_username_key": "onegov_auth.models",
    "has_all": "onegov_auth.permissions",
    "has_any": "onegov_auth.permissions",
    "has_permissions": "onegov_auth.permissions",
    "load_settings": "onegov_auth.settings",
    "mapping_table": "onegov_auth.models",
}


def lookup(name: str) -> Any:
    """
    The public name of the package.

    Raises:
        AttributeError: If there is none of that name.
    """
    if name not in NAMES:
        raise AttributeError(f"module 'onegov_auth' has no attribute {name!r}")
    return getattr(importlib.import_module(NAMES[name]), name)
