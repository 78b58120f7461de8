"""
The one road by which anybody gets in.

Every door (a password, a redirect, later a passkey or a ticket) ends in
:meth:`onegov_auth.road.Road.complete`, which alone opens a session. The road never runs inside the
request's own transaction and holds none while a provider is asked: the attempt is reserved and
committed, the provider is asked, and then user, session, outcome and event are committed together.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from onegov_auth.accounts import Accounts, Hooks, LocalPasswords
from onegov_auth.accounts.local import LOCAL
from onegov_auth.attempts import Attempts
from onegov_auth.clock import Clock, utcnow
from onegov_auth.collections import UserCollection
from onegov_auth.database import Database
from onegov_auth.domain import (
    Callback,
    Client,
    Headers,
    Identity,
    Password,
    SessionInfo,
    Step,
    VerifiedIdentity,
    hexadecimal,
)
from onegov_auth.events import Event, EventLog
from onegov_auth.keys import Keys
from onegov_auth.models import DEFAULT, key_of
from onegov_auth.outcomes import Challenge, LoggedOut, Outcome, Proof, Redirect, Refused, Unavailable
from onegov_auth.passwords import Hasher
from onegov_auth.providers import PasswordProvider, Provider, RedirectProvider, RequestProvider, Resources, Services
from onegov_auth.providers.registry import make_providers
from onegov_auth.road import Door, PendingLink, Road
from onegov_auth.sessions import Sessions
from onegov_auth.transactions import Transactions

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.models import Entities, User
    from onegov_auth.settings import Settings

__all__ = ["Auth"]

#: The session of an identity that came by none.
NO_SESSION = UUID(int=0)

#: Longer usernames are nobody's; RFC 5321 §4.5.3.1 ends addresses at 254 characters.
MAX_USERNAME = 512


class Auth:
    """
    Logs people in and out; framework-free, returns outcomes and never responses.

    Args:
        settings: The checked configuration of one application.
        database: Where everything is kept.
        providers: Name to provider, in the order they are asked.
        clock: The time.
        entities: The mapped classes.
        hooks: What the application wants to be asked or told.
        hasher: Compares and makes password hashes; by default as the settings say.
        token: Makes a secret of the given number of random bytes, as URL-safe text.
        mount: The path the pages are mounted at, for the address a provider sends the browser back to.
    """

    def __init__(  # noqa: PLR0913 - the design's own signature
        self,
        settings: Settings,
        database: Database,
        *,
        providers: Mapping[str, Provider] | None = None,
        clock: Clock = utcnow,
        entities: Entities = DEFAULT,
        hooks: Hooks | None = None,
        hasher: Hasher | None = None,
        resources: Resources | None = None,
        token: Callable[[int], str] = secrets.token_urlsafe,
        mount: str = "/auth",
    ) -> None:
        self.settings = settings
        self._mount = mount
        self.database = database
        self.clock = clock
        self.entities = entities
        self.hooks = hooks or Hooks()
        self.keys = Keys(settings.secrets, settings.application)
        self.resources = resources or Resources()
        hasher = hasher or Hasher.from_settings(settings.passwords)
        self.local = LocalPasswords(database, hasher, entities=entities)
        timed: Any = {"clock": clock, "entities": entities}
        limits, application = settings.sessions, settings.application
        self.sessions = Sessions(database, limits, self.keys, application=application, token=token, **timed)
        self.transactions = Transactions(self.keys, database.engine.dialect, token=token, **timed)
        self.attempts = Attempts(database, settings.attempts, **timed)
        self.events = EventLog(database, **timed)
        self.accounts = self._accounts()
        self.road = self._road()
        self.providers = providers if providers is not None else make_providers(settings.providers, self._services)

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
    ) -> Self:
        """
        Everything a configuration describes. No server but the database is asked.

        Raises:
            SettingsError: If a provider can't work as configured.
            RegistryError: If a provider's distribution is missing.
        """
        if database is None:
            keys = Keys(settings.secrets, settings.application)
            database = Database(settings.database.reveal(), settings.schema_name, clock=clock, keys=keys)
        return cls(settings, database, clock=clock, hooks=hooks, hasher=hasher, mount=mount)

    # -- the doors -----------------------------------------------------------------------------

    def login(  # noqa: PLR0913 - the first seed's signature
        self,
        username: str,
        password: Password | str,
        client: Client,
        *,
        second_factor: str | None = None,
        skip_providers: bool = False,
        remember: bool = False,
        to: str = "/",
        link: str | None = None,
    ) -> Outcome:
        """
        Log in with a username and a password.

        Args:
            username: As typed.
            password: As typed; compared exactly as received (ASVS 6.2.8).
            client: From where.
            second_factor: The code of a factor that is given together with the password. Without a factor it
                is ignored, and with one nobody gets in as long as this version can't compare it.
            skip_providers: Ask nobody but our own tables.
            remember: Stay logged in.
            to: Where to go afterwards, a path on this site.
            link: A pending link (``StepRequired("prove")``) that this login to the local account confirms.

        Returns:
            The outcome. All refusals look alike to the person; the event log has the code.
        """
        del second_factor
        password = Password(password) if isinstance(password, str) else password
        username = username[:MAX_USERNAME].strip()
        if link is not None and self.pending_link(link, client) is None:
            # Not counted: an address with an old link in it would lock the account it is used with.
            return self.road.complete(Refused("unknown_link"), Door(client=client, username=username))
        admitted = self.attempts.admit("login", username, client)
        if isinstance(admitted, Refused):
            return self.road.complete(admitted, Door(client=client, username=username))
        verdict = self._ask(username, password, local_only=skip_providers or link is not None)
        return self.road.complete(
            verdict,
            Door(client=client, username=username, to=to, remember=remember, attempt=admitted, link=link),
        )

    def start(
        self, provider: str, client: Client, to: str = "/", *, remember: bool = False
    ) -> Redirect | Refused | Unavailable:
        """
        Send the browser to a redirect provider.

        Args:
            provider: Its configured name.
            client: From where; bound to its ``browser`` value.
            to: Where to go after the login, a path on this site.
            remember: Stay logged in.
        """
        chosen = self.providers.get(provider)
        if not isinstance(chosen, RedirectProvider):
            return Refused("unknown_provider")
        if not client.browser:
            return Refused("no_browser")
        transaction = self.transactions.begin("redirect", provider=provider, to=to)
        redirect = chosen.start(transaction)
        if isinstance(redirect, Unavailable):
            self.road.complete(redirect, Door(client=client, provider=provider))
            return redirect
        data = {"provider": dict(redirect.remember), "remember": remember}
        self.database.once(lambda db: self.transactions.store(db, transaction, client, data))
        return redirect

    def finish(self, provider: str, callback: Callback, client: Client) -> Outcome:
        """
        Log in with what a browser brought back from a redirect provider.

        The transaction is consumed before the provider is asked anything: a callback works once
        (OAUTH-14), in the browser that began it (ASVS 10.1.2), at the provider it was begun with (OAUTH-12).
        """
        chosen = self.providers.get(provider)
        if not isinstance(chosen, RedirectProvider):
            return Refused("unknown_provider")
        state = callback.params.get("state")
        taken = self.database.once(lambda db: self.transactions.take(db, state, client, "redirect", provider=provider))
        if isinstance(taken, Refused):
            return self.road.complete(taken, Door(client=client, provider=provider))
        remembered = taken.data.get("provider")
        begun = replace(taken, data=remembered if isinstance(remembered, Mapping) else {})
        verdict = self._own(chosen, chosen.finish(callback, begun))
        remember = taken.data.get("remember") is True
        return self.road.complete(verdict, Door(client=client, to=taken.to, remember=remember, provider=provider))

    def pending_link(self, link: str | None, client: Client) -> PendingLink | None:
        """
        What logging in with this *link* would link, to be shown before anybody types a password.

        Returns:
            ``None`` for a link that is unknown, used, too old, or another browser's.
        """
        with self.database.read() as db:
            pending = self.transactions.peek(db, link, client, "link")
        return None if pending is None else PendingLink.of(pending)

    def authenticate_request(
        self, provider: str, headers: Headers, client: Client, to: str = "/"
    ) -> tuple[Outcome | Challenge, Headers]:
        """
        Log in by what the request itself proves.

        Args:
            provider: A request provider's configured name.
            headers: The request's, in lower case.
            client: From where.
            to: Where to go afterwards, a path on this site.

        Returns:
            The outcome, or what the other side is to be asked; and the headers that belong into the answer.
        """
        chosen = self.providers.get(provider)
        if not isinstance(chosen, RequestProvider):
            return Refused("unknown_provider"), {}
        verdict = chosen.authenticate_request(headers, client)
        if isinstance(verdict, Challenge):
            return verdict, verdict.headers
        proof: Headers = verdict.headers if isinstance(verdict, Proof) else {}
        verified = self._own(chosen, verdict.identity if isinstance(verdict, Proof) else verdict)
        return self.road.complete(verified, Door(client=client, to=to, provider=provider)), proof

    def logout(self, session: SessionInfo, client: Client, to: str = "/") -> LoggedOut:
        """
        End a session here, and say where the provider's own session is ended.

        The local session is over in any case, whatever the provider does.
        """

        def work(db: Session) -> Event:
            user = db.get(self.entities.user, session.user_id)
            if user is not None and self.hooks.on_logout is not None:
                self.hooks.on_logout(db, user, client)
            self.sessions.end(db, session.id)
            event = Event(
                type="logout",
                client=client,
                user_id=session.user_id,
                username=None if user is None else user.username,
                provider=session.provider,
            )
            self.events.record(db, event)
            return event

        self.events.announce(self.database.once(work))
        provider = self.providers.get(session.provider)
        if not isinstance(provider, RedirectProvider):
            return LoggedOut(to)
        return LoggedOut(to, provider.logout(session, self.settings.base_url + to))

    # -- who is it -----------------------------------------------------------------------------

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
            language=user.language,
        )

    def by_identity(self, identity: Identity, db: Session) -> User | None:
        """The user of an identity; ``None`` when there is none any more."""
        return UserCollection(db).by_username(identity.userid)

    # -- the road ------------------------------------------------------------------------------

    def _accounts(self) -> Accounts:
        return Accounts(
            self.database,
            roles=tuple(self.settings.roles),
            privileged_roles=self.settings.privileged_roles,
            change_username_roles=self.settings.change_username_roles,
            hooks=self.hooks,
            clock=self.clock,
            entities=self.entities,
        )

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
            entities=self.entities,
            required_for=frozenset(self.settings.second_factors.required_for),
        )

    def _services(self, name: str) -> Services:
        address = f"{self.settings.base_url}{self._mount}/provider/{name}"
        return Services(
            resources=self.resources,
            clock=self.clock,
            application=self.settings.application,
            callback_url=f"{address}/callback",
            initiate_url=address,
            local_accounts=self.local if name == LOCAL else None,
        )

    def _ask(self, username: str, password: Password, *, local_only: bool) -> VerifiedIdentity | Refused | Unavailable:
        """Ask the provider that owns the username; an unknown one is offered in the configured order."""
        # LDAP-01: with an empty password, a directory's bind "succeeds" as anonymous. No provider sees one.
        clear = password.reveal()
        if not clear.strip() or "\x00" in clear:
            self.local.spend(password)
            return Refused("empty_password" if not clear.strip() else "invalid_password")
        verdict: VerifiedIdentity | Refused | Unavailable = Refused("unknown_user")
        asked_locally = False
        for provider in self._candidates(username, local_only=local_only):
            asked_locally = asked_locally or provider.name == LOCAL
            verdict = self._own(provider, provider.authenticate(username, password))
            if not (isinstance(verdict, Refused) and verdict.code == "unknown_user"):
                break
        if not asked_locally:
            # Roads without a local hash cost one all the same, so that time tells nobody who is local.
            self.local.spend(password)
        return verdict

    def _candidates(self, username: str, *, local_only: bool) -> list[PasswordProvider]:
        """Who may see the password that was typed beside this name."""
        asked = {name: one for name, one in self.providers.items() if isinstance(one, PasswordProvider)}
        others = [provider for name, provider in asked.items() if name != LOCAL]
        mine = [provider for name, provider in asked.items() if name == LOCAL]
        # A local user may type the e-mail address; the local password is no directory's business then either.
        found = self.local.find(username) or self.local.find_by_email(username)
        if local_only or (found is not None and (found.password_hash or not found.source)):
            return mine
        if found is None:
            return list(asked.values())
        # A name that somebody of a redirect provider took locks nobody of a directory out.
        return [asked[found.source]] if found.source in asked else others

    def _own(
        self, provider: Provider, verdict: VerifiedIdentity | Refused | Unavailable
    ) -> VerifiedIdentity | Refused | Unavailable:
        # ASVS 6.8.1: no provider speaks for another one.
        if isinstance(verdict, VerifiedIdentity) and verdict.source != provider.name:
            return Refused("wrong_source", (Step("source", f"{provider.name} said {verdict.source}"),))
        return verdict
