"""
The one road by which anybody gets in, and everything a person does with an account.

``Auth`` is its parts put together: the doors (:mod:`onegov_auth.doors`), and what people do with their own
accounts (:mod:`onegov_auth.self_service`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from onegov_auth.accounts import Hooks
from onegov_auth.accounts.local import LOCAL
from onegov_auth.administration import Managing
from onegov_auth.api_clients import ApiClients
from onegov_auth.clock import Clock, utcnow
from onegov_auth.collections import UserCollection
from onegov_auth.database import Database
from onegov_auth.domain import NO_SESSION, Identity, SessionInfo, hexadecimal
from onegov_auth.keys import Keys
from onegov_auth.models import key_of
from onegov_auth.passwords import Hasher
from onegov_auth.permissions.explain import Explanation, explain_permission
from onegov_auth.second_factors.passwordless import Passwordless
from onegov_auth.self_service import EmailChanges, Recovering, TakingSteps
from onegov_auth.self_service.own_tokens import OwnTokens

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.models import User
    from onegov_auth.permissions.classes import Permission
    from onegov_auth.settings import Settings

__all__ = ["Auth"]


class Auth(Managing, ApiClients, OwnTokens, Passwordless, EmailChanges, Recovering, TakingSteps):
    """
    Logs people in and out; framework-free, returns outcomes and never responses.

    Args:
        settings, database, …: See :class:`onegov_auth.parts.Parts`.
    """

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        *,
        clock: Clock = utcnow,
        hooks: Hooks | None = None,
        database: Database | None = None,
        hasher: Hasher | None = None,
        mount: str = "/auth",
        **parts: Any,
    ) -> Self:
        """
        Everything a configuration describes. No server but the database is asked.

        Args:
            settings: The checked configuration.
            clock: The time.
            hooks: What the application wants to be asked or told.
            database: The host's own, in place of the configured one.
            hasher: As for :class:`Auth`.
            mount: The path the pages are mounted at.
            parts: More of what :class:`Auth` takes, such as ``policy``, ``mailer`` or ``mail_templates``.

        Raises:
            SettingsError: If a provider can't work as configured.
            RegistryError: If a provider's distribution is missing.
        """
        if database is None:
            keys = Keys(settings.secrets, settings.application)
            entities = parts.get("entities")
            database = Database(
                settings.database.reveal(), settings.schema_name, clock=clock, keys=keys, entities=entities
            )
        return cls(settings, database, clock=clock, hooks=hooks, hasher=hasher, mount=mount, **parts)

    def close(self) -> None:
        """
        End what runs beside the requests: the thread that sends, connections to providers, and those to the database.

        For the end of a process or of a test; what waits to be sent is sent after the next start.
        """
        self.mailer.close()
        self.resources.clear()
        self.database.dispose()

    def users(self, db: Session) -> UserCollection:
        """The users, as seen by that database session."""
        return UserCollection(db)

    def as_identity(self, user: User, session: SessionInfo | None = None) -> Identity:
        """What a request by *user* would know; without a session it is one that nobody opened."""
        return Identity(
            userid=user.username,
            uid=hexadecimal(key_of(user)),
            role=user.role,
            groupids=frozenset(hexadecimal(key_of(group)) for group in user.groups),
            application_id=self.settings.application,
            session_id=NO_SESSION if session is None else session.id,
            rights=user.rights_stamp,
            provider=(user.source or LOCAL) if session is None else session.provider,
            confirmed=None if session is None or session.confirmed is None else session.confirmed.timestamp(),
            language=user.language,
        )

    def explain_permission(self, user: User, permission: str | type[Permission]) -> Explanation:
        """Why *user* has *permission*, or why not; see :func:`onegov_auth.permissions.explain_permission`."""
        return explain_permission(user, permission)

    def by_identity(self, identity: Identity, db: Session) -> User | None:
        """The user of an identity; ``None`` when there is none any more."""
        return UserCollection(db).by_username(identity.userid)
