"""Looking after one's own API tokens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from onegov_auth.api_tokens import ApiTokenInfo, clean_name
from onegov_auth.domain import Client, Identity, Step
from onegov_auth.models import as_key, key_of
from onegov_auth.outcomes import Done, Refused
from onegov_auth.second_factors.own_factors import OwnFactors
from onegov_auth.self_service.mailing import told

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.events import Event
    from onegov_auth.models import User

__all__ = ["OwnTokens", "TokenMade"]


@dataclass(frozen=True, slots=True)
class TokenMade:
    """
    A new token.

    Attributes:
        token: To be shown now, and never again.
        info: What may be known of it.
    """

    token: str = field(repr=False)
    info: ApiTokenInfo


class OwnTokens(OwnFactors):
    """The part of :class:`onegov_auth.auth.Auth` for the API tokens of people who are logged in."""

    def create_api_token(
        self,
        session: Identity,
        name: str,
        client: Client,
        *,
        scope: Iterable[str] | None = None,
        valid: timedelta | None = None,
    ) -> TokenMade | Refused:
        """
        Make a token for a program of one's own; it is told by mail.

        A fresh login is asked for, of somebody with a second factor one in which it was proven; a token makes no token
        (TOK-05).

        Args:
            session: Who.
            name: What the person calls it.
            client: From where.
            scope: What it is good for: permissions, and the intents ``Personal``, ``Private`` and ``Secret``; ``None``
                for all the person may do. What the person may not do (any more), the token may not either.
            valid: How long; ``tokens.api.expires`` if left out, and never longer.

        Returns:
            The token; ``Refused`` with ``not_fresh``, ``no_name``, ``empty_scope``, ``too_many_tokens``,
            ``unknown_user`` or ``locked``.
        """
        event = self.event("api_token_created", client, session.userid)
        chosen = None if scope is None else frozenset(scope)
        wrong = self._refuse_token(session, name, chosen)
        if wrong is not None:
            return self.refused(wrong, event)
        admitted = self.attempts.admit("token", session.userid, client)
        if isinstance(admitted, Refused):
            return self.refused(admitted, event)

        def work(db: Session) -> tuple[TokenMade | Refused, Event]:
            user = self.locked(db, session.uid)
            if user is None or not user.is_active:
                return Refused("unknown_user"), event
            # The user's row is locked: of two at once, the second one counts the first.
            if not self.api_tokens.has_room(db, key_of(user)):
                return Refused("too_many_tokens"), event
            made = TokenMade(*self.api_tokens.create(db, key_of(user), name, scope=chosen, valid=valid))
            url = self.notices.url("account/tokens")
            self.notices.tell(db, user, "api_token_created", client, token_name=made.info.name, url=url)
            return made, told(self.event(event.type, client, user=user), Step("token", made.info.name))

        return self.do(event, work, admitted, every_use_counts=True)

    def revoke_api_token(self, session: Identity, token_id: UUID | str, client: Client) -> bool:
        """Let nobody in by one of one's own tokens any more; says whether it was there."""

        def work(db: Session, user: User) -> Done | Refused:
            key = as_key(self.entities.api_token, token_id)
            token = None if key is None else self.api_tokens.get(db, key)
            if token is None or token.user_id != key_of(user):
                return Refused("unknown_token")
            self.api_tokens.revoke(db, token.id)
            return Done("api_token_revoked")

        return isinstance(self._change("api_token_revoked", session, client, work), Done)

    def _refuse_token(self, session: Identity, name: str, scope: frozenset[str] | None) -> Refused | None:
        if session.by_token or not self.may_change_factors(session):
            return Refused("not_fresh")
        if not clean_name(name):
            return Refused("no_name")
        return Refused("empty_scope") if scope is not None and not scope else None
