"""The mapped classes that belong together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import MetaData, Table
from sqlalchemy.orm import DeclarativeBase

from onegov_auth.errors import RegistryError
from onegov_auth.models.api_token import ApiToken, ApiTokenMixin
from onegov_auth.models.associations import ASSOCIATIONS, mapping_table
from onegov_auth.models.attempt import AttemptMixin, LoginAttempt
from onegov_auth.models.base import Base
from onegov_auth.models.bundle import Bundle, BundleMixin
from onegov_auth.models.constraints import constrain
from onegov_auth.models.directory_sync import DirectorySync, DirectorySyncMixin
from onegov_auth.models.event import AuthEvent, AuthEventMixin
from onegov_auth.models.factor import UserFactor, UserFactorMixin
from onegov_auth.models.grant import Grant, GrantMixin
from onegov_auth.models.group import GroupMixin, UserGroup
from onegov_auth.models.identity import UserIdentity, UserIdentityMixin
from onegov_auth.models.old_password import OldPassword, OldPasswordMixin
from onegov_auth.models.outbox import OutboxMessage, OutboxMixin
from onegov_auth.models.permission import PermissionMixin, PermissionRow
from onegov_auth.models.refresh_token import RefreshToken, RefreshTokenMixin
from onegov_auth.models.role_mapping import RoleMapping, RoleMappingMixin
from onegov_auth.models.session import UserSession, UserSessionMixin
from onegov_auth.models.signing_key import SigningKey, SigningKeyMixin
from onegov_auth.models.signup_link import SignupLink, SignupLinkMixin
from onegov_auth.models.tan import TAN, TANMixin
from onegov_auth.models.transaction import LoginTransaction, LoginTransactionMixin
from onegov_auth.models.user import User, UserMixin

__all__ = ["DEFAULT", "Entities"]


@dataclass(frozen=True, slots=True)
class Entities:
    """
    The mapped classes that belong together, on one declarative base.

    Annotated as the default classes: an application's own have the same attributes, by the same mixins.

    Attributes:
        user: The users.
        group: The groups of users.
        permission: The catalogue of permissions.
        bundle: Permissions under one name.
        grant: Rights of single users that have an origin or an end.
        role_mapping: Roles on single objects.
        tan: Short codes.
        signup_link: Links by which people may register.
        identity: Whom providers know as whom.
        factor: Second factors.
        session: Sessions.
        transaction: What was begun and is to be finished once.
        attempt: Attempts to get in.
        event: What happened.
        message: Mails and text messages that are to be sent.
        old_password: Passwords that may not come back.
        directory_sync: Which directories are being synced.
        api_token: Tokens by which people's programs come in.
        refresh_token: How API clients get their next access token.
        signing_key: What access tokens are signed with.
        user_groups: The table of memberships: ``user_id``, ``group_id``.
        user_permissions: Permissions of users, given by hand: ``user_id``, ``permission_id``.
        user_bundles: Bundles of users: ``user_id``, ``bundle_id``.
        group_permissions: Permissions of groups: ``group_id``, ``permission_id``.
        group_bundles: Bundles of groups: ``group_id``, ``bundle_id``.
        bundle_permissions: What is in a bundle: ``bundle_id``, ``permission_id``.
    """

    user: type[User]
    group: type[UserGroup]
    permission: type[PermissionRow]
    bundle: type[Bundle]
    grant: type[Grant]
    role_mapping: type[RoleMapping]
    tan: type[TAN]
    signup_link: type[SignupLink]
    identity: type[UserIdentity]
    factor: type[UserFactor]
    session: type[UserSession]
    transaction: type[LoginTransaction]
    attempt: type[LoginAttempt]
    event: type[AuthEvent]
    message: type[OutboxMessage]
    old_password: type[OldPassword]
    directory_sync: type[DirectorySync]
    api_token: type[ApiToken]
    refresh_token: type[RefreshToken]
    signing_key: type[SigningKey]
    user_groups: Table
    user_permissions: Table
    user_bundles: Table
    group_permissions: Table
    group_bundles: Table
    bundle_permissions: Table

    @classmethod
    def on(cls, base: type[DeclarativeBase], **classes: Any) -> Entities:
        """
        Build all tables that are not given on an application's own declarative base.

        Foreign keys follow the primary keys of the classes given, whatever their names and types. Tables
        that are built have the default names.

        Args:
            base: The declarative base.
            classes: The application's own classes by the names of the attributes above; each is made of
                the mixin of that concept, such as ``user=MyUser`` with ``class MyUser(UserMixin, Base)``. Tables
                that tie them together are given as :func:`mapping_table` makes them.

        Raises:
            RegistryError: If a name is unknown, a class is no subclass of its mixin, or is taken already.
        """
        unknown = sorted(classes.keys() - _MIXINS.keys() - ASSOCIATIONS.keys())
        if unknown:
            there_are = ", ".join([*_MIXINS, *ASSOCIATIONS])
            raise RegistryError(f"no such entity: {', '.join(unknown)}; there are {there_are}")
        for name, class_ in classes.items():
            _check(name, class_)
        made: dict[str, Any] = {}
        for name in sorted(_MIXINS, key=lambda name: name not in _POINTED_TO):
            links = {f"__{other}__": made[other] for other in _POINTED_TO if other in made}
            made[name] = classes.get(name) or _build(base, name, links)
        return cls(**made, **_associations(base.metadata, made, classes)).bind()

    def bind(self) -> Entities:
        """Tell the classes that others point to which ones belong to them."""
        for class_ in (self.user, self.group, self.permission, self.bundle):
            class_.__entities__ = self
        constrain(self)
        return self


def _check(name: str, class_: object) -> None:
    if name in ASSOCIATIONS:
        _check_table(name, class_)
        return
    mixin = _MIXINS[name][0]
    if not (isinstance(class_, type) and issubclass(class_, mixin)):
        raise RegistryError(f"{name}: {class_!r} is no subclass of {mixin.__name__}")
    if "__entities__" in vars(class_):
        raise RegistryError(f"{name}: {class_.__name__} belongs to other entities already")


def _check_table(name: str, table: object) -> None:
    keys = [f"{end}_id" for end in ASSOCIATIONS[name][1:]]
    if not isinstance(table, Table) or not set(keys) <= set(table.c.keys()):
        raise RegistryError(f"{name}: {table!r} is no table with the keys {' and '.join(keys)}: see mapping_table")


def _build(base: type[DeclarativeBase], name: str, links: dict[str, type[Any]]) -> type[Any]:
    mixin, default = _MIXINS[name]
    return type(default.__name__, (mixin, base), {"__tablename__": default.__tablename__, **links})


def _associations(metadata: MetaData, made: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    return {
        attribute: mapping_table(attribute, metadata, made[left], made[right])
        for attribute, (_, left, right) in ASSOCIATIONS.items()
        if attribute not in given
    } | {attribute: table for attribute, table in given.items() if attribute in ASSOCIATIONS}


#: The classes that others point to; they are made first.
_POINTED_TO = ("user", "group", "permission", "bundle", "session")

_MIXINS: dict[str, tuple[type[Any], type[Any]]] = {
    "user": (UserMixin, User),
    "group": (GroupMixin, UserGroup),
    "permission": (PermissionMixin, PermissionRow),
    "bundle": (BundleMixin, Bundle),
    "grant": (GrantMixin, Grant),
    "role_mapping": (RoleMappingMixin, RoleMapping),
    "tan": (TANMixin, TAN),
    "signup_link": (SignupLinkMixin, SignupLink),
    "identity": (UserIdentityMixin, UserIdentity),
    "factor": (UserFactorMixin, UserFactor),
    "session": (UserSessionMixin, UserSession),
    "transaction": (LoginTransactionMixin, LoginTransaction),
    "attempt": (AttemptMixin, LoginAttempt),
    "event": (AuthEventMixin, AuthEvent),
    "message": (OutboxMixin, OutboxMessage),
    "old_password": (OldPasswordMixin, OldPassword),
    "directory_sync": (DirectorySyncMixin, DirectorySync),
    "api_token": (ApiTokenMixin, ApiToken),
    "refresh_token": (RefreshTokenMixin, RefreshToken),
    "signing_key": (SigningKeyMixin, SigningKey),
}

_DEFAULTS: dict[str, Any] = {name: default for name, (_, default) in _MIXINS.items()}

#: The default classes.
DEFAULT = Entities(**_DEFAULTS, **_associations(Base.metadata, _DEFAULTS, {})).bind()
