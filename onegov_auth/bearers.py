"""Who comes by a token instead of a session: the request's own proof, looked at with every request."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from onegov_auth.domain import NO_SESSION
from onegov_auth.events import Event
from onegov_auth.outcomes import Refused
from onegov_auth.parts import Parts
from onegov_auth.raw_tokens import presented

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.domain import Client, Identity

__all__ = ["Bearers"]


class Bearers(Parts):
    """The part of :class:`onegov_auth.auth.Auth` that knows people by the tokens of their programs."""

    def by_token(self, token: str, client: Client) -> Identity | Refused:
        """
        Who comes by this token, with the rights of this moment.

        Args:
            token: As it was presented; untrusted.
            client: From where.

        Returns:
            The identity; ``Refused`` with ``malformed_token``, ``unknown_token`` (or expired, revoked, of somebody who
            may not be in: there is no telling which), or ``locked`` where too many unknown ones came from an address.
        """
        if token.count(".") == 2 and self.settings.tokens.jwt.enabled:
            return self._by_access_token(token)
        known = presented(token)
        if known is None:
            # No database is asked, and nothing is counted: nobody has guessed anything.
            return Refused("malformed_token")
        identity = self.api_tokens.find(known)
        return self._unknown(client) if identity is None else identity

    def _by_access_token(self, token: str) -> Identity | Refused:
        """Signature and claims first (ASVS 9.1.1), then the session in the one statement that any request costs."""
        claims = self.access_tokens.read(token)
        found = None if claims is None else self.sessions.by_id(claims.session_id)
        if claims is None or found is None or found.uid != claims.uid:
            return Refused("unknown_token")
        # No proof of the person travels along: what a fresh login is asked for, no token does.
        return replace(found, session_id=NO_SESSION, confirmed=None, scope=claims.scope, by_token=True)

    def _unknown(self, client: Client) -> Refused:
        """Count it for the address. A good token is never refused for that: many people share an address."""
        admitted = self.attempts.admit("token", client.address, client)
        if isinstance(admitted, Refused):
            return admitted
        event = Event(type="token", client=client, code="unknown_token", failed=True)

        def work(db: Session) -> None:
            self.attempts.settle(db, admitted, event.code, success=False)
            self.events.record(db, event)

        self.database.once(work)
        self.events.announce(event)
        return Refused(event.code)
