"""What :class:`onegov_auth.auth.Auth` is made of, for each of its parts to use."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onegov_auth.accounts import Accounts, Hooks, LocalPasswords
from onegov_auth.accounts.local import LOCAL
from onegov_auth.api_tokens import ApiTokens
from onegov_auth.attempts import Attempts, RedisCounters
from onegov_auth.clock import Clock, utcnow
from onegov_auth.devices import Devices
from onegov_auth.events import EventLog
from onegov_auth.factors import Factor, FactorServices
from onegov_auth.factors.registry import make_factors
from onegov_auth.jwt import AccessTokens, RefreshTokens, SigningKeys
from onegov_auth.keys import Keys
from onegov_auth.mail import Mailer
from onegov_auth.models import DEFAULT
from onegov_auth.new_passwords import NewPasswords
from onegov_auth.notices import Notices
from onegov_auth.passwords import Hasher, PasswordHistory, PasswordPolicy
from onegov_auth.permissions.effective import Rights
from onegov_auth.permissions.grants import Grants
from onegov_auth.provider_sessions import SessionsOfProvider
from onegov_auth.providers import Provider, Resources, Services
from onegov_auth.providers.health import Health
from onegov_auth.providers.registry import make_providers
from onegov_auth.rechecks import Rechecks
from onegov_auth.road import Road
from onegov_auth.second_factors import FactorGate, FactorStore, TrustedDevices
from onegov_auth.sessions import Sessions
from onegov_auth.signup import SignupLinks
from onegov_auth.steps import AcceptTerms, ChangePassword, CompleteProfile, LoginStep, Steps
from onegov_auth.transactions import Transactions

if TYPE_CHECKING:
    from uuid import UUID

    from onegov_auth.database import Database
    from onegov_auth.models import Entities
    from onegov_auth.providers import ProviderSettings
    from onegov_auth.settings import Settings

__all__ = ["Parts"]


class Parts:
    """
    Settings, database and everything that works on them; made once, and frozen in use.

    Args:
        settings: The checked configuration of one application.
        database: Where everything is kept.
        providers: Name to provider, in the order they are asked.
        factors: Type to second factor, in the order they are offered; by default as the settings say.
        clock: The time.
        entities: The mapped classes.
        hooks: What the application wants to be asked or told.
        hasher: Compares and makes password hashes; by default as the settings say.
        mailer: Sends mails; by default as the settings say.
        mail_templates: Folders with an application's own templates, in a folder ``mail`` below.
        policy: Which new passwords are allowed; by default as the settings say.
        token: Makes a secret of the given number of random bytes, as URL-safe text.
        mount: The path the pages are mounted at, for the address a provider sends the browser back to.
    """

    def __init__(  # noqa: PLR0913 - the design's own signature
        self,
        settings: Settings,
        database: Database,
        *,
        providers: Mapping[str, Provider] | None = None,
        factors: Mapping[str, Factor] | None = None,
        clock: Clock = utcnow,
        entities: Entities = DEFAULT,
        hooks: Hooks | None = None,
        hasher: Hasher | None = None,
        mailer: Mailer | None = None,
        policy: PasswordPolicy | None = None,
        mail_templates: Sequence[str | PathLike[str]] = (),
        resources: Resources | None = None,
        token: Callable[[int], str] = secrets.token_urlsafe,
        mount: str = "/auth",
    ) -> None:
        self.settings = settings
        self._mount = mount
        self.database = database
        self.clock = clock
        self.token = token
        self.entities = entities
        self.hooks = hooks or Hooks()
        self.keys = Keys(settings.secrets, settings.application)
        self.resources = resources or Resources()
        self.hasher = hasher or Hasher.from_settings(settings.passwords)
        self._complete(database)
        self.policy = policy or PasswordPolicy.from_settings(settings)
        self.local = LocalPasswords(database, self.hasher, entities=entities, counts=settings.password_login)
        self.mailer = mailer or self._mailer(mail_templates)
        self.notices = Notices(self.mailer, settings.base_url, mount, clock)
        self.devices = Devices(self.keys, token)
        self._what_works({"clock": clock, "entities": entities})
        self._prove_again(factors)
        self.road = self._road()
        self.providers = providers if providers is not None else make_providers(self._blocks(), self._services)

    def _blocks(self) -> Mapping[str, ProviderSettings]:
        blocks = self.settings.providers
        if self.settings.passwords.login != "none":
            return blocks
        # Nobody is asked for what lets nobody in; every page and road that a local password has ends with it.
        return {name: block for name, block in blocks.items() if name != LOCAL}

    def password_login(self, role: str) -> bool:
        """Whether somebody with that role may log in with a local password; see ``passwords.login``."""
        return LOCAL in self.providers and self.settings.password_login(role)

    def _what_works(self, timed: Any) -> None:
        database, settings = self.database, self.settings
        self.passwords = self._passwords(timed)
        self.events = EventLog(database, **timed)
        self.health = Health(self.resources, settings.application, self.clock)
        self.sessions = self._kept_sessions(self.token, timed)
        self.api_tokens = ApiTokens(database, settings.tokens.api, application=settings.application, **timed)
        self._tokens_of_clients(timed)
        self.rechecks = self._rechecks(timed)
        self.transactions = Transactions(self.keys, database.engine.dialect, token=self.token, **timed)
        self.rights = Rights(database, **timed)
        self.grants = Grants(**timed)
        self.attempts = self._attempts(timed)
        self.signup_links = self._signup_links(self.token)
        self.steps = Steps(self._login_steps(), self.entities)
        self.accounts = self._accounts()

    def _tokens_of_clients(self, timed: Any) -> None:
        settings, limits = self.settings, self.settings.tokens.jwt
        application = settings.application
        self.signing_keys = SigningKeys(self.database, limits, self.keys, token=self.token, **timed)
        self.access_tokens = AccessTokens(
            self.signing_keys, limits, issuer=settings.base_url, audience=application, clock=self.clock
        )
        self.refresh_tokens = RefreshTokens(application, token=self.token, **timed)

    def _prove_again(self, factors: Mapping[str, Factor] | None) -> None:
        self.factors = factors if factors is not None else self._configured_factors(self.token)
        self.factor_store = FactorStore(self.database, self.factors, self.clock, self.entities)
        valid = self.settings.second_factors.trusted_device
        self.trusted_devices = TrustedDevices(self.factor_store, self.keys, valid, self.clock)

    def _complete(self, database: Database) -> None:
        # A database that was made without them has them from now on: users sign their own tokens.
        known = database.context
        database.context = replace(
            known,
            keys=known.keys or self.keys,
            hasher=known.hasher or self.hasher,
            entities=known.entities or self.entities,
        )

    def _mailer(self, templates: Sequence[str | PathLike[str]]) -> Mailer:
        folders = [Path(folder) for folder in templates]
        parts: Any = {"clock": self.clock, "directories": folders, "entities": self.entities}
        return Mailer(self.settings, self.database, self.keys, **parts)

    def _passwords(self, timed: Any) -> NewPasswords:
        keep = self.settings.passwords.forbid.history
        history = PasswordHistory(self.database, self.hasher, keep, **timed)
        return NewPasswords(self.policy, self.hasher, self.notices, history)

    def _kept_sessions(self, token: Callable[[int], str], timed: Any) -> Sessions:
        return Sessions(
            self.database,
            self.settings.sessions,
            self.keys,
            application=self.settings.application,
            token=token,
            still_welcome=self._still_welcome,
            **timed,
        )

    def _attempts(self, timed: Any) -> Attempts:
        settings = self.settings
        counters = None if settings.redis is None else RedisCounters.from_url(settings.redis, settings.application)
        return Attempts(self.database, settings.attempts, devices=self.devices, counters=counters, **timed)

    def _accounts(self) -> Accounts:
        return Accounts(
            self.database,
            roles=tuple(self.settings.roles),
            privileged_roles=self.settings.privileged_roles,
            change_username_roles=self.settings.change_username_roles,
            password_login=self.settings.password_login,
            hooks=self.hooks,
            clock=self.clock,
            entities=self.entities,
        )

    def _still_welcome(self, session_id: UUID, provider: str, checked: float) -> bool:
        return self.rechecks.still_welcome(session_id, provider, checked)

    def _rechecks(self, timed: Any) -> Rechecks:
        return Rechecks(
            self.database,
            self.sessions,
            self.keys,
            providers=lambda: self.providers,
            health=self.health,
            events=self.events,
            **timed,
        )

    def _signup_links(self, token: Callable[[int], str]) -> SignupLinks:
        settings = self.settings
        return SignupLinks(
            self.keys,
            roles=tuple(settings.roles),
            privileged_roles=settings.privileged_roles,
            clock=self.clock,
            entities=self.entities,
            token=token,
        )

    def _login_steps(self) -> list[LoginStep]:
        steps: list[LoginStep] = [ChangePassword(self.passwords)]
        if self.settings.steps.terms is not None:
            steps.append(AcceptTerms(self.settings.steps.terms, self.clock))
        if self.settings.steps.profile:
            steps.append(CompleteProfile(self.settings.steps.profile))
        return [*steps, *self.hooks.login_steps]

    def _road(self) -> Road:
        return Road(
            self.database,
            providers=lambda: self.providers,
            accounts=self.accounts,
            attempts=self.attempts,
            events=self.events,
            sessions=self.sessions,
            transactions=self.transactions,
            hooks=self.hooks,
            steps=self.steps,
            devices=self.devices,
            notices=self.notices,
            gate=FactorGate(
                self.factors,
                self.factor_store,
                self.trusted_devices,
                self.transactions,
                frozenset(self.settings.second_factors.required_for),
            ),
            entities=self.entities,
        )

    def _configured_factors(self, token: Callable[[int], str]) -> Mapping[str, Factor]:
        services = FactorServices(
            clock=self.clock,
            token=token,
            application=self.settings.application,
            title=self.settings.title,
            base_url=self.settings.base_url,
            keys=self.keys,
            database=self.database,
            mailer=self.mailer,
            entities=self.entities,
        )
        return make_factors(self.settings.second_factors.blocks, services)

    def _services(self, name: str) -> Services:
        address = self._address_of(name)
        parts = (self.database, self.transactions, self.events, self.hooks, self.entities)
        return Services(
            resources=self.resources,
            clock=self.clock,
            application=self.settings.application,
            callback_url=f"{address}/callback",
            initiate_url=address,
            local_accounts=self.local if name == LOCAL else None,
            sessions=SessionsOfProvider(name, *parts),
        )

    def _address_of(self, provider: str) -> str:
        """The absolute address of a provider's page, which others are told."""
        return f"{self.settings.base_url}{self._mount}/provider/{provider}"
