"""
API clients that log people in without a page: an access token for some minutes, and a refresh token for the next one.

The way in is that of everybody else (:meth:`onegov_auth.road.Road.complete`): limits, second factors and steps count
here as well, and what comes of it is a session. The tokens hang on it and end with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from onegov_auth.bearers import Bearers
from onegov_auth.domain import Client, Identity, hexadecimal
from onegov_auth.outcomes import FactorRequired, LoggedIn, Outcome, Refused, Unavailable
from onegov_auth.second_factors.single_step import SingleStep

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.jwt import Refreshed

__all__ = ["ApiClients", "TokenOutcome", "TokenPair"]


@dataclass(frozen=True, slots=True)
class TokenPair:
    """
    What an API client goes on with.

    Attributes:
        access: The access token, for the head of its requests.
        refresh: The refresh token, good for one more pair.
        seconds: How long the access token is good.
        scope: What they are good for; ``None`` for all their user may do.
    """

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    seconds: int
    scope: tuple[str, ...] | None


TokenOutcome: TypeAlias = TokenPair | Outcome


class ApiClients(SingleStep, Bearers):
    """The part of :class:`onegov_auth.auth.Auth` for API clients (``tokens.jwt``)."""

    def token_login(
        self,
        username: str,
        password: str,
        client: Client,
        *,
        code: str | None = None,
        scope: Iterable[str] | None = None,
    ) -> TokenOutcome:
        """
        Log in with a username and a password, and open a session that lasts as long as ``tokens.jwt.refresh``.

        Args:
            username: As typed.
            password: As typed.
            client: From where. A login that waits for a factor is bound to its ``browser``, a value of its own.
            code: The code of a second factor that may be given together with the password.
            scope: What the tokens are good for; ``None`` for all the person may do.

        Returns:
            The tokens, or whatever else a login comes to.
        """
        return self._opened(self.login(username, password, client, second_factor=code), scope)

    def token_factor(
        self,
        transaction: str,
        factor: str | None,
        code: str | None,
        client: Client,
        *,
        scope: Iterable[str] | None = None,
    ) -> TokenOutcome:
        """
        Answer the second factor of a login that waits (``FactorRequired``), or have a code sent for it.

        Args:
            transaction: The id of the login that waits; untrusted.
            factor: Its type, by default the first one the person has; untrusted.
            code: The answer; ``None`` asks for the factor: a text message is sent.
            client: As for :meth:`token_login`.
            scope: As for :meth:`token_login`.
        """
        pending = self.pending_factor(transaction, client)
        if pending is None or pending.enrolment:
            return Refused("unknown_transaction")
        types = tuple(choice.type for choice in pending.factors)
        chosen = factor or types[0]
        if code is not None:
            return self._opened(self.verify_factor(transaction, chosen, code, client), scope)
        asked = self.challenge(transaction, chosen, client)
        if isinstance(asked, Refused | Unavailable):
            return asked
        with self.database.read() as db:
            waiting = self.transactions.peek(db, transaction, client, "factor")
        return Refused("unknown_transaction") if waiting is None else FactorRequired(waiting, types)

    def token_session(self, session: Identity, scope: Iterable[str] | None = None) -> TokenPair | Refused:
        """Tokens for somebody who is logged in; they last as long as that session at most."""
        if session.by_token:
            return Refused("unknown_session")

        def work(db: Session) -> Refreshed | Refused:
            info = self.sessions.info(db, session.session_id) if self.sessions.hold(db, session.session_id) else None
            if info is None:
                return Refused("unknown_session")
            until = min(info.expires, self.clock() + self.settings.tokens.jwt.refresh)
            return self.refresh_tokens.begin(db, info.id, until, scope)

        begun = self.database.once(work)
        return begun if isinstance(begun, Refused) else self._pair(begun, session.uid)

    def token_refresh(self, token: str, client: Client) -> TokenPair | Refused:
        """
        The next pair for a refresh token, which is used up.

        Returns:
            The tokens; ``Refused`` with ``unknown_token``, ``unknown_session`` or ``token_reused``: it was used before,
            and the session is over now (RFC 9700 §4.14.2); ``locked`` after too many unknown ones from an address.
        """

        def work(db: Session) -> Refreshed | Refused:
            session_id = self.refresh_tokens.session_of(db, token)
            if session_id is None or not self.sessions.hold(db, session_id):
                return Refused("unknown_token")
            next_ = self.refresh_tokens.rotate(db, token)
            if isinstance(next_, Refused) and next_.code == "token_reused":
                self.sessions.end(db, session_id)
            return next_

        found = self.database.once(work)
        if isinstance(found, Refused) and found.code == "unknown_token":
            return self._unknown(client)
        if isinstance(found, Refused):
            return self.refused(found, replace(self.event("token_refreshed", client), failed=True))
        identity = self.sessions.by_id(found.session_id)
        if identity is None:
            # Idle, of somebody who may not be in any more, or whose provider doesn't vouch for them.
            return self.refused(Refused("unknown_session"), self.event("token_refreshed", client))
        return self._pair(found, identity.uid)

    def token_revoke(self, token: str, client: Client) -> bool:
        """Log an API client out: its session ends, and all its tokens; says whether there was one."""
        with self.database.read() as db:
            session_id = self.refresh_tokens.session_of(db, token)
            session = None if session_id is None else self.sessions.info(db, session_id)
        if session is None:
            return False
        self.logout(session, client)
        return True

    def _opened(self, outcome: Outcome, scope: Iterable[str] | None) -> TokenOutcome:
        if not isinstance(outcome, LoggedIn):
            return outcome
        session, until = outcome.session.id, self.clock() + self.settings.tokens.jwt.refresh

        def work(db: Session) -> Refreshed | Refused:
            # Somebody else may have ended it already.
            if not self.sessions.hold(db, session):
                return Refused("unknown_session")
            self.sessions.last_until(db, session, until)
            return self.refresh_tokens.begin(db, session, until, scope)

        begun = self.database.once(work)
        return begun if isinstance(begun, Refused) else self._pair(begun, hexadecimal(outcome.user.id))

    def _pair(self, next_: Refreshed, uid: str) -> TokenPair:
        session: UUID = next_.session_id
        access = self.access_tokens.issue(session, uid, next_.scope)
        return TokenPair(access, next_.token, self.access_tokens.seconds, next_.scope)
