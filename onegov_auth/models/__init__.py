"""
The tables, each a mixin and a default class, and what belongs to single rows.

``Base.metadata.create_all(engine)`` works without any settings; an application with classes of its own
makes the rest by :meth:`Entities.on`.
"""

from onegov_auth.models.api_token import ApiToken, ApiTokenMixin
from onegov_auth.models.associations import mapping_table
from onegov_auth.models.attempt import SECOND_SEEDS_KINDS, AttemptMixin, LoginAttempt, account_key
from onegov_auth.models.base import (
    Base,
    Columns,
    TimestampMixin,
    as_key,
    column_values,
    key_name,
    key_of,
    parameters,
    primary_key,
)
from onegov_auth.models.bundle import Bundle, BundleMixin
from onegov_auth.models.context import clock_of, entities_of, keys_of, maybe_keys_of
from onegov_auth.models.directory_sync import DirectorySync, DirectorySyncMixin
from onegov_auth.models.entities import DEFAULT, Entities
from onegov_auth.models.event import AuthEvent, AuthEventMixin
from onegov_auth.models.factor import UserFactor, UserFactorMixin
from onegov_auth.models.grant import Grant, GrantMixin
from onegov_auth.models.group import GroupMixin, UserGroup
from onegov_auth.models.hashing import PasswordHasher, hasher_of
from onegov_auth.models.identity import UserIdentity, UserIdentityMixin
from onegov_auth.models.listener import KEEP_SESSION, end_sessions
from onegov_auth.models.names import MAX_USERNAME, canonical_username
from onegov_auth.models.old_password import OldPassword, OldPasswordMixin
from onegov_auth.models.outbox import OutboxMessage, OutboxMixin
from onegov_auth.models.password_type import PasswordType
from onegov_auth.models.permission import PermissionMixin, PermissionRow
from onegov_auth.models.refresh_token import RefreshToken, RefreshTokenMixin
from onegov_auth.models.registry import EntityRegistry
from onegov_auth.models.rights import Concerned, move_rights
from onegov_auth.models.role_mapping import RoleMapping, RoleMappingMixin
from onegov_auth.models.session import UserSession, UserSessionMixin
from onegov_auth.models.signing_key import SigningKey, SigningKeyMixin
from onegov_auth.models.signup_link import SignupLink, SignupLinkMixin
from onegov_auth.models.tan import TAN, TANMixin
from onegov_auth.models.transaction import LoginTransaction, LoginTransactionMixin
from onegov_auth.models.types import Timestamp, UTCDateTime
from onegov_auth.models.user import User, UserMixin
from onegov_auth.models.user_email import UserEmailMixin, get_username, get_username_key
from onegov_auth.models.user_steps import CHANGE_PASSWORD, step_names
from onegov_auth.models.user_token import AUTH_TOKEN, UserTokenMixin
from onegov_auth.models.user_tokens import RESET, user_id_in

__all__ = [
    "AUTH_TOKEN",
    "CHANGE_PASSWORD",
    "DEFAULT",
    "KEEP_SESSION",
    "MAX_USERNAME",
    "RESET",
    "SECOND_SEEDS_KINDS",
    "TAN",
    "ApiToken",
    "ApiTokenMixin",
    "AttemptMixin",
    "AuthEvent",
    "AuthEventMixin",
    "Base",
    "Bundle",
    "BundleMixin",
    "Columns",
    "Concerned",
    "DirectorySync",
    "DirectorySyncMixin",
    "Entities",
    "EntityRegistry",
    "Grant",
    "GrantMixin",
    "GroupMixin",
    "LoginAttempt",
    "LoginTransaction",
    "LoginTransactionMixin",
    "OldPassword",
    "OldPasswordMixin",
    "OutboxMessage",
    "OutboxMixin",
    "PasswordHasher",
    "PasswordType",
    "PermissionMixin",
    "PermissionRow",
    "RefreshToken",
    "RefreshTokenMixin",
    "RoleMapping",
    "RoleMappingMixin",
    "SigningKey",
    "SigningKeyMixin",
    "SignupLink",
    "SignupLinkMixin",
    "TANMixin",
    "Timestamp",
    "TimestampMixin",
    "UTCDateTime",
    "User",
    "UserEmailMixin",
    "UserFactor",
    "UserFactorMixin",
    "UserGroup",
    "UserIdentity",
    "UserIdentityMixin",
    "UserMixin",
    "UserSession",
    "UserSessionMixin",
    "UserTokenMixin",
    "account_key",
    "as_key",
    "canonical_username",
    "clock_of",
    "column_values",
    "end_sessions",
    "entities_of",
    "get_username",
    "get_username_key",
    "hasher_of",
    "key_name",
    "key_of",
    "keys_of",
    "mapping_table",
    "maybe_keys_of",
    "move_rights",
    "parameters",
    "primary_key",
    "step_names",
    "user_id_in",
]
