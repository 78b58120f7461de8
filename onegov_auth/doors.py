"""
The doors: every way to log in, and out again.

All of them end in :meth:`onegov_auth.road.Road.complete`, which alone opens a session. None runs inside the
request's own transaction, and none holds one while a provider is asked: the attempt is reserved and
committed, the provider is asked, and then user, session, outcome and event are committed together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from onegov_auth.accounts.local import LOCAL
from onegov_auth.domain import (
    Callback,
    Client,
    Headers,
    Identity,
    Password,
    SessionInfo,
    Step,
    VerifiedIdentity,
)
from onegov_auth.events import Event
from onegov_auth.models import as_key
from onegov_auth.outcomes import Challenge, LoggedOut, Outcome, Proof, Redirect, Refused, Unavailable
from onegov_auth.parts import Parts
from onegov_auth.providers import PasswordProvider, Provider, RedirectProvider, RequestProvider
from onegov_auth.road import Door, PendingLink
from onegov_auth.tokens import issue, read
from onegov_auth.transactions import VALID

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

__all__ = ["Doors"]

#: Longer usernames are nobody's; RFC 5321 §4.5.3.1 ends addresses at 254 characters.
MAX_USERNAME = 512

#: What a provider answers that was asked in silence (``prompt=none``), and would have to ask the person something
#: (OpenID Connect Core §3.1.2.6).
NEEDS_THE_PERSON = frozenset(
    {"account_selection_required", "consent_required", "interaction_required", "login_required"}
)

#: When somebody proved last who they are, where nobody says.
LONG_AGO = datetime.fromtimestamp(0, UTC)

#: How long a proof counts as fresh, for changes of what an account is kept with.
FRESH = timedelta(minutes=5)

#: A longer path is forgotten over a provider's logout: it travels in an address beside a whole ID token.
MAX_KEPT_PATH = 500


class Doors(Parts):
    """The part of :class:`onegov_auth.auth.Auth` that logs people in and out."""

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
            second_factor: The code of a factor that may be given together with the password (a YubiKey's). Ignored
                if none is asked for. A client without a browser can give it in no other way.
            skip_providers: Ask nobody but our own tables.
            remember: Stay logged in.
            to: Where to go afterwards, a path on this site.
            link: A pending link (``StepRequired("prove")``) that this login to the local account confirms.

        Returns:
            The outcome. All refusals look alike to the person; the event log has the code.
        """
        password = Password(password) if isinstance(password, str) else password
        username = username[:MAX_USERNAME].strip()
        if link is not None and self.pending_link(link, client) is None:
            # Not counted: an address with an old link in it would lock the account it is used with.
            return self.road.complete(Refused("unknown_link"), Door(client=client, username=username))
        admitted = self.attempts.admit("login", username, client, covert=True)
        if isinstance(admitted, Refused):
            return self.road.complete(admitted, Door(client=client, username=username))
        verdict = self._ask(username, password, local_only=skip_providers or link is not None)
        if admitted.void and not isinstance(verdict, Unavailable):
            # Asked all the same, and not listened to: it looks and takes as long as any wrong password.
            verdict = Refused("locked")
        door = Door(client=client, username=username, to=to, remember=remember, attempt=admitted, link=link)
        return (
            self.road.complete(verdict, door) if second_factor is None else self.at_once(verdict, door, second_factor)
        )

    def at_once(self, verdict: VerifiedIdentity | Refused | Unavailable, door: Door, code: str) -> Outcome:
        """Go on with a login and the code that was given with it: see :mod:`onegov_auth.second_factors.single_step`."""
        del code
        return self.road.complete(verdict, door)

    def start(
        self,
        provider: str,
        client: Client,
        to: str = "/",
        *,
        remember: bool = False,
        hints: Mapping[str, str] | None = None,
        link_to: Identity | None = None,
    ) -> Redirect | Refused | Unavailable:
        """
        Send the browser to a redirect provider.

        Args:
            provider: Its configured name.
            client: From where; bound to its ``browser`` value.
            to: Where to go after the login, a path on this site.
            remember: Stay logged in.
            hints: How the provider shall go about it, as ``Transaction.hints``.
            link_to: Who is logged in and wants to come by this provider as well: the identity that comes back is
                linked to this user, in this session only (LINK-09), and nobody is logged in.
        """
        chosen = self.providers.get(provider)
        if not isinstance(chosen, RedirectProvider):
            return Refused("unknown_provider")
        if not client.browser:
            return Refused("no_browser")
        if link_to is not None and not self.is_fresh(link_to):
            return Refused("not_fresh")
        hints = hints or {}
        transaction = replace(self.transactions.begin("redirect", provider=provider, to=to), hints=hints)
        redirect = chosen.start(transaction)
        self.health.note(provider, redirect)
        if isinstance(redirect, Unavailable):
            self.road.complete(redirect, Door(client=client, provider=provider))
            return redirect
        data = {"provider": dict(redirect.remember), "remember": remember, "silent": hints.get("prompt") == "none"}
        if link_to is not None:
            data["link_to"] = [link_to.uid, str(link_to.session_id)]
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
        taken = self.database.once_on_driver(
            lambda driver: self.transactions.take_alone(driver, state, client, "redirect", provider=provider),
            single=True,
        )
        if isinstance(taken, Refused):
            return self.road.complete(taken, Door(client=client, provider=provider))
        remembered = taken.data.get("provider")
        begun = replace(taken, data=remembered if isinstance(remembered, Mapping) else {})
        verdict = self._own(chosen, chosen.finish(callback, begun))
        if taken.data.get("silent") is True:
            verdict = _unasked(verdict)
        door = Door(client=client, to=taken.to, remember=taken.data.get("remember") is True, provider=provider)
        link_to = taken.data.get("link_to")
        if link_to is not None:
            mine = self._who_links(link_to, client)
            verdict, door = (verdict, replace(door, link_to=mine)) if mine else (Refused("link_other_session"), door)
        outcome = self.road.complete(verdict, door)
        return replace(outcome, to=taken.to) if isinstance(outcome, Refused | Unavailable) else outcome

    def provider_for(self, username: str) -> str | None:
        """
        The redirect provider that people with such an e-mail address log in at (``domains``); ``None`` = any.

        The domain alone decides, so that the answer tells nothing of accounts (ENUM-01).
        """
        person, _, domain = username.strip().lower().rpartition("@")
        for name, provider in self.providers.items():
            domains = getattr(provider.settings, "domains", ()) if isinstance(provider, RedirectProvider) else ()
            if person and domain in domains:
                return name
        return None

    def pending_link(self, link: str | None, client: Client) -> PendingLink | None:
        """
        What logging in with this *link* would link, to be shown before anybody types a password.

        Returns:
            ``None`` for a link that is unknown, used, too old, or another browser's.
        """
        with self.database.read() as db:
            pending = self.transactions.peek(db, link, client, "link")
        return None if pending is None else PendingLink.of(pending)

    def is_fresh(self, session: Identity) -> bool:
        """Whether the person of *session* proved who they are in the last five minutes (ASVS 7.5.1)."""
        return session.confirmed is not None and self.clock().timestamp() - session.confirmed <= FRESH.total_seconds()

    def _who_links(self, link_to: object, client: Client) -> UUID | None:
        """The user who began to link, if it is still the same person's same session."""
        now = self.sessions.lookup(client.session_token or "")
        same = now is not None and [now.uid, str(now.session_id)] == link_to
        return as_key(self.entities.user, now.uid) if now is not None and same else None

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

        def work(db: Session) -> tuple[Event, str | None]:
            token = self.rechecks.token_of(db, session.id)
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
            return event, token

        event, token = self.database.once(work)
        self.events.announce(event)
        provider = self.providers.get(session.provider)
        if not isinstance(provider, RedirectProvider):
            return LoggedOut(to)
        if token is not None:
            # RFC 9700 §4.14: nobody is to ask with it any more.
            provider.revoke(token)
        # One address for all, because a provider only sends people back to what was registered with it; where they
        # wanted to go comes back as state, signed.
        kept = {"provider": provider.name, "to": to if len(to) <= MAX_KEPT_PATH else "/"}
        state = issue(self.keys, "after-logout", kept, VALID, self.clock)
        return LoggedOut(to, provider.logout(session, f"{self._address_of(provider.name)}/logout", state))

    def after_logout(self, provider: str, state: str) -> str | None:
        """
        Where somebody wanted to go who is back from a provider's own logout.

        Args:
            provider: Its configured name.
            state: What the browser brought back; untrusted.

        Returns:
            A path on this site; ``None`` if *state* is not ours, too old or missing.
        """
        data = read(self.keys, "after-logout", state, self.clock)
        return data["to"] if data is not None and data.get("provider") == provider else None

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
        if local_only or (found is not None and (self.local.lets_in(found) or not found.source)):
            return mine
        if found is None:
            return list(asked.values())
        # A name that somebody of a redirect provider took locks nobody of a directory out.
        return [asked[found.source]] if found.source in asked else others

    def _own(
        self, provider: Provider, verdict: VerifiedIdentity | Refused | Unavailable
    ) -> VerifiedIdentity | Refused | Unavailable:
        self.health.note(provider.name, verdict)
        # ASVS 6.8.1: no provider speaks for another one.
        if isinstance(verdict, VerifiedIdentity) and verdict.source != provider.name:
            return Refused("wrong_source", (Step("source", f"{provider.name} said {verdict.source}"),))
        return verdict


def _unasked(verdict: VerifiedIdentity | Refused | Unavailable) -> VerifiedIdentity | Refused | Unavailable:
    """The *verdict* of a provider that asked the person nothing."""
    if isinstance(verdict, Refused) and verdict.code in NEEDS_THE_PERSON:
        return Refused("no_provider_session", verdict.steps)
    if isinstance(verdict, VerifiedIdentity) and verdict.authn.at is None:
        # Whoever sits at the browser proved nothing just now: that is no fresh login (ASVS 7.5.1).
        return replace(verdict, authn=replace(verdict.authn, at=LONG_AGO))
    return verdict
