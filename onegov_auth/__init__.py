"""Authentication for Morepath applications. Names are imported when asked for; see :mod:`onegov_auth.lazy`."""

from typing import TYPE_CHECKING

from onegov_auth.lazy import lookup as __getattr__  # noqa: F401 - Python calls it

if TYPE_CHECKING:
    from onegov_auth.accounts import Hooks
    from onegov_auth.auth import Auth
    from onegov_auth.models import (
        AttemptMixin,
        BundleMixin,
        Entities,
        EntityRegistry,
        GrantMixin,
        GroupMixin,
        PasswordType,
        PermissionMixin,
        UserEmailMixin,
        UserMixin,
        UserTokenMixin,
        get_username,
        get_username_key,
        mapping_table,
    )
    from onegov_auth.permissions import (
        Permission,
        Personal,
        Private,
        Public,
        Secret,
        explain_permission,
        has_all,
        has_any,
        has_permissions,
    )
    from onegov_auth.settings import load_settings
    from onegov_auth.web import (
        AuthApp,
        AuthBase,
        AuthPages,
        AuthRequest,
        NavItem,
        NavURL,
    )

__all__ = [
    "AttemptMixin",
    "Auth",
    "AuthApp",
    "AuthBase",
    "AuthPages",
    "AuthRequest",
    "BundleMixin",
    "Entities",
    "EntityRegistry",
    "GrantMixin",
    "GroupMixin",
    "Hooks",
    "NavItem",
    "NavURL",
    "PasswordType",
    "Permission",
    "PermissionMixin",
    "Personal",
    "Private",
    "Public",
    "Secret",
    "UserEmailMixin",
    "UserMixin",
    "UserTokenMixin",
    "explain_permission",
    "get_username",
    "get_username_key",
    "has_all",
    "has_any",
    "has_permissions",
    "load_settings",
    "mapping_table",
]
