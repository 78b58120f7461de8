"""
What a provider is: one small abstract class per capability.

A provider says who somebody is, and nothing else: finding or making the local user, roles,
throttling, sessions and messages belong to other rooms.
"""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, ClassVar, Protocol, Self

from onegov_auth.clock import Clock, utcnow
from onegov_auth.domain import Callback, Client, Headers, Password, SessionInfo, Transaction, VerifiedIdentity
from onegov_auth.outcomes import Challenge, Proof, Rechecked, Redirect, Refused, Start, Unavailable
from onegov_auth.providers.resources import Resources
from onegov_auth.settings.providers import ProviderSettings, SyncSettings

__all__ = [
    "Answer",
    "Check",
    "CheckState",
    "Directory",
    "Handler",
    "LocalAccounts",
    "PasswordProvider",
    "Provider",
    "ProviderSessions",
    "ProviderSettings",
    "RedirectProvider",
    "RequestProvider",
    "Services",
]


class CheckState(StrEnum):
    """How a step of the doctor went."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """
    One step of ``onegov-auth check``.

    Attributes:
        name: What was looked at.
        state: How it went.
        detail: What was found; never a secret.
        hint: What to change.
        seconds: How long it took.
        identity: Somebody that was found on the way; the command says which account they would get.
    """

    name: str
    state: CheckState
    detail: str = ""
    hint: str = ""
    seconds: float = 0.0
    identity: VerifiedIdentity | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an extra endpoint of a provider answers."""

    status: int
    body: str = ""
    content_type: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=dict)


#: An extra endpoint below ``provider/{name}/``; takes the request's untrusted values.
#: ``Start`` begins a login at this very provider, in the browser that asks.
Handler = Callable[[Callback, Client], Answer | Redirect | Start | Refused | Unavailable]


class LocalAccounts(Protocol):
    """What the built-in ``local`` provider may ask of the accounts in our own tables."""

    def verify(self, username: str, password: Password) -> VerifiedIdentity | Refused:
        """
        Compare *password* with the stored hash of the user *username*.

        An unknown user costs the same hash as a known one (ASVS 6.3.8).
        """
        ...


class ProviderSessions(Protocol):
    """What a provider may do to the sessions that were opened by it, and to no others."""

    def end(
        self,
        client: Client,
        *,
        provider_session: str | None = None,
        source_id: str | None = None,
        once: str | None = None,
        valid_for: timedelta = timedelta(),
    ) -> int | Refused:
        """
        End sessions because the provider says so; in all processes, at once.

        Args:
            client: Who says so, for the event log.
            provider_session: The provider's own session: ends those opened by it.
            source_id: The person. Alone: ends all of theirs by this provider. Beside *provider_session*: whose that
                has to be.
            once: Names the message that says so, such as a ``jti``. It is used up together with ending the sessions.
            valid_for: How long the message is good, and its name has to be remembered.

        Returns:
            How many were ended; ``Refused("replayed")`` for a message that was used before,
            ``Refused("wrong_person")`` if the session is somebody else's.

        Raises:
            ValueError: If neither a session nor a person is named.
        """
        ...

    def once(self, key: str, valid_for: timedelta) -> bool:
        """
        Whether *key* is used for the first time, in all processes; from now on it was.

        Args:
            key: Names something that may happen once, such as an assertion's id.
            valid_for: How long it has to be remembered.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """
    What a provider is handed when it is made.

    Attributes:
        resources: Where pools, key caches and health live; may be lost at any time.
        clock: The time.
        token: Makes an unguessable URL-safe text of the given number of random bytes.
        application: The application id; separates the tenants of one process.
        callback_url: The absolute address the browser comes back to (``RedirectProvider``).
        initiate_url: The absolute address of ``provider/{name}``.
        local_accounts: For the ``local`` provider only.
        sessions: The sessions opened by this provider; ``None`` where nothing is kept.
    """

    resources: Resources = field(default_factory=Resources)
    clock: Clock = utcnow
    token: Callable[[int], str] = secrets.token_urlsafe
    application: str = "main/app"
    callback_url: str = ""
    initiate_url: str = ""
    local_accounts: LocalAccounts | None = None
    sessions: ProviderSessions | None = None


@dataclass(frozen=True, kw_only=True)
class Provider(ABC):
    """
    Says who somebody is. Frozen; one instance per configured name, shared by all threads.

    Attributes:
        name: The name in the configuration, which becomes ``User.source``; immutable once used.
        settings: Its block of the configuration, checked.
        services: See :class:`Services`.
    """

    #: The name of the entry point.
    kind: ClassVar[str]
    #: What its block in the configuration may hold.
    settings_class: ClassVar[type[ProviderSettings]] = ProviderSettings

    name: str
    settings: Any = field(repr=False)
    services: Services = field(repr=False, default_factory=Services)

    @classmethod
    def create(cls, name: str, settings: ProviderSettings, services: Services) -> Self:
        """
        Make the instance of a configured block. No network is used here.

        Raises:
            SettingsError: If the block can't work, such as a file that can't be read.
        """
        return cls(name=name, settings=settings, services=services)

    def check(self, login: str | None = None, claims: Mapping[str, object] | None = None) -> Iterator[Check]:
        """
        The doctor's steps, each yielded as soon as it is known.

        Args:
            login: Somebody to look up on the way, without their password.
            claims: What a provider told of somebody, to see what would become of it, which a step ``claims`` tells;
                a provider that is told nothing of people has no such step.
        """
        del login, claims
        yield Check("settings", CheckState.OK)

    def routes(self) -> Mapping[str, Handler]:
        """Extra endpoints below ``provider/{name}/``, such as ``backchannel-logout``."""
        return {}


class PasswordProvider(Provider):
    """Checks the username and password of the login form."""

    @property
    def hint(self) -> str:
        """Markdown to show above the form; empty for none."""
        return ""

    @abstractmethod
    def authenticate(self, username: str, password: Password) -> VerifiedIdentity | Refused | Unavailable:
        """
        Who has this username and password?

        An empty password is refused before anything is asked (RFC 4513 §5.1.2).

        Returns:
            The identity; ``Refused("unknown_user")`` if there is no such entry, which alone lets the next
            provider be asked; ``Refused`` with another code for everything that is wrong with an entry
            that exists; ``Unavailable`` if nobody can say.
        """


class RedirectProvider(Provider):
    """Sends the browser away and reads what it brings back."""

    @property
    def button(self) -> str:
        """Markdown of the button on the login page."""
        return self.name

    @abstractmethod
    def start(self, transaction: Transaction) -> Redirect | Unavailable:
        """
        Where to send the browser.

        ``Redirect.remember`` is stored with the transaction and found in its ``data`` by :meth:`finish`.
        """

    @abstractmethod
    def finish(self, callback: Callback, transaction: Transaction) -> VerifiedIdentity | Refused | Unavailable:
        """Who came back? *transaction* was consumed by this very callback and is from the same browser."""

    def logout(self, session: SessionInfo, back_to: str, state: str = "") -> Redirect | None:
        """
        Where to send a browser whose local session is over, to end the provider's own session.

        Args:
            session: The session that was ended.
            back_to: The absolute address to come back to: ``provider/{name}/logout``, to be registered there.
            state: What the browser has to bring back, to go on where the person wanted to.
        """
        del session, back_to, state
        return None

    @property
    def recheck_after(self) -> timedelta | None:
        """How old the provider's word for a session may get before :meth:`recheck` is called; ``None`` = any age."""
        return None

    def recheck(self, token: str, session: SessionInfo) -> Rechecked | Refused | Unavailable:
        """
        Does the provider still vouch for the person of *session*?

        Called for one request at a time. ``Refused`` ends the session: the person is gone, or somebody else now.

        Args:
            token: What ``AuthnContext.refresh_token`` or the last ``Rechecked.token`` was.
            session: Whose it is.
        """
        del token, session
        return Refused("recheck_unsupported")

    def revoke(self, token: str) -> None:
        """Tell the provider that a refresh token is not needed any more (RFC 7009); whatever it answers."""
        del token


class RequestProvider(Provider):
    """The request itself is the proof: SPNEGO, or the header of a trusted proxy."""

    @abstractmethod
    def authenticate_request(self, headers: Headers, client: Client) -> Proof | Challenge | Refused | Unavailable:
        """Who sends these headers?"""


class Directory(ABC):
    """A second capability: can list its people, for ``onegov-auth sync``."""

    @property
    def sync_settings(self) -> SyncSettings:
        """What to do about people who are gone."""
        return SyncSettings()

    @abstractmethod
    def people(self) -> Iterator[VerifiedIdentity]:
        """
        Everybody, page by page, as a login would verify them.

        Somebody who is there and may not come in any more has :attr:`VerifiedIdentity.barred`.

        Raises:
            DirectoryUnavailableError: When the directory stops answering, so that a part never looks whole.
        """
