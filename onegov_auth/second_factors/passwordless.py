"""Logging in with a passkey alone: it says who, and proves two factors at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from onegov_auth.accounts.local import LOCAL, SEEN, fingerprint
from onegov_auth.attempts import Attempt, Tried, network
from onegov_auth.domain import AuthnContext, Client, Transaction, VerifiedIdentity, hexadecimal
from onegov_auth.factors import Enrolled, Used
from onegov_auth.factors.webauthn import WebAuthnFactor
from onegov_auth.models import key_of
from onegov_auth.outcomes import Outcome, Refused
from onegov_auth.parts import Parts
from onegov_auth.waiting import Door, Proven

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.models import User

__all__ = ["PASSKEY", "PasskeyAsked", "Passwordless"]

#: The kind of transaction.
PASSKEY = "passkey"

#: Under this name in its data: the attempt that the question is counted as.
_ASKED = "asked"


@dataclass(frozen=True, slots=True)
class PasskeyAsked:
    """
    A passkey is asked for, anybody's.

    Attributes:
        transaction: What is to be answered; good for one answer.
        show: ``mode`` and ``options`` for the browser.
    """

    transaction: Transaction
    show: Mapping[str, object] = field(default_factory=dict, repr=False)


class Passwordless(Parts):
    """The part of :class:`onegov_auth.auth.Auth` that lets people in by passkey, without username and password."""

    @property
    def passwordless(self) -> bool:
        """Whether a passkey alone may log in (``second_factors.webauthn.passwordless``)."""
        return self._passkeys() is not None

    def begin_passkey(self, client: Client, to: str = "/") -> PasskeyAsked | Refused:
        """
        Ask the browser for a passkey; whose it is, nobody has said yet.

        Args:
            client: From where; bound to its ``browser`` value.
            to: Where to go after the login, a path on this site.

        Returns:
            ``Refused`` with ``passwordless_off``, ``no_browser`` or ``locked``.
        """
        passkeys = self._passkeys()
        if passkeys is None:
            return Refused("passwordless_off")
        if not client.browser:
            return Refused("no_browser")
        # Each question is a row: those that are left unanswered count for the address (RATE-04).
        admitted = self.attempts.admit("factor", None, client)
        if isinstance(admitted, Refused):
            return admitted
        asked = passkeys.ask_anybody()
        begun = self.transactions.begin(PASSKEY, to=to)
        data = {**asked.data, _ASKED: [admitted.id, admitted.entry, network(client.address)]}
        stored = self.database.once(lambda db: self.transactions.store(db, begun, client, data))
        return PasskeyAsked(stored, asked.show)

    def login_with_passkey(
        self, transaction: str | None, answer: str, client: Client, *, remember: bool = False
    ) -> Outcome:
        """
        Log in with what the browser's passkey answered.

        The challenge is consumed before anything is looked at: it is good for one answer, right or wrong (WAN-15).

        Args:
            transaction: The id of ``PasskeyAsked.transaction``; untrusted.
            answer: The credential as JSON; untrusted.
            client: The browser it was begun in.
            remember: Stay logged in.

        Returns:
            The outcome of the login. Only people with a local password come in this way: whoever belongs to a
            provider would be let in here when the provider lets them in no more.
        """
        passkeys = self._passkeys()
        if passkeys is None:
            return self._passkey_refused(Refused("passwordless_off"), Door(client=client))
        taken = self.database.once(lambda db: self._taken(db, transaction, client))
        if isinstance(taken, Refused):
            return self._passkey_refused(taken, Door(client=client))
        door = Door(client=client, to=taken.to, remember=remember, provider=LOCAL)
        found = self._passkey_of(passkeys.named(answer))
        if isinstance(found, Refused):
            return self._passkey_refused(found, door)
        user, enrolled = found
        admitted = self.attempts.admit("factor", user.username, client)
        door = replace(door, username=user.username)
        if isinstance(admitted, Refused):
            return self._passkey_refused(admitted, door)
        door = replace(door, attempt=admitted)
        used = self._passkey_used(passkeys.verify_alone([enrolled], answer, taken))
        return self._passkey_refused(used, door) if isinstance(used, Refused) else self._passkey_let_in(user, door)

    def _taken(self, db: Session, transaction: str | None, client: Client) -> Transaction | Refused:
        """The question that is answered, and counts no more: its answer does."""
        taken = self.transactions.take(db, transaction, client, PASSKEY)
        if isinstance(taken, Refused):
            return taken
        data: dict[str, Any] = dict(taken.data)
        number, entry, address = data.pop(_ASKED)
        asked = Attempt(number, tried=Tried("factor", None, address), entry=entry)
        self.attempts.settle(db, asked, "answered", success=None)
        return replace(taken, data=data)

    def _passkey_refused(self, refusal: Refused, door: Door) -> Outcome:
        outcome = self.road.complete(refusal, door)
        return replace(outcome, to=door.to) if isinstance(outcome, Refused) else outcome

    def _passkey_let_in(self, user: User, door: Door) -> Outcome:
        key = key_of(user)
        identity = VerifiedIdentity(
            source=LOCAL,
            issuer=None,
            source_id=hexadecimal(key),
            username=user.username,
            attributes={SEEN: fingerprint(user.password_hash)},
            # RFC 8176 §2: proof of a key in hardware, or at least bound to a device, and presence of its user.
            authn=AuthnContext(methods=frozenset({"hwk", "user"}), at=self.clock()),
        )
        outcome = self.road.complete(identity, replace(door, proven=Proven(key, (WebAuthnFactor.type,))))
        return replace(outcome, to=door.to) if isinstance(outcome, Refused) else outcome

    def _passkey_used(self, verdict: Used | Refused) -> Used | Refused:
        """*verdict*, unless it was used before."""
        if isinstance(verdict, Refused):
            return verdict
        return self.database.once(lambda db: self.factor_store.use(db, verdict)) or verdict

    def _passkey_of(self, key: str | Refused) -> tuple[User, Enrolled] | Refused:
        """Whose passkey it is, and the passkey."""
        if isinstance(key, Refused):
            return key
        with self.database.read() as db:
            row = self.factor_store.find(db, WebAuthnFactor.type, key)
            if row is None:
                return Refused("unknown_factor")
            user = db.get_one(self.entities.user, row.user_id)
            if not user.password_hash:
                return Refused("no_local_password")
            if not self.password_login(user.role):
                return Refused("password_login_off")
            return user, Enrolled(row.id, row.key, dict(row.data), None, row.last_used, row.counter)

    def _passkeys(self) -> WebAuthnFactor | None:
        factor = self.factors.get(WebAuthnFactor.type)
        # It stands in for a local password, and where those let nobody in, it doesn't either.
        if LOCAL not in self.providers:
            return None
        return factor if isinstance(factor, WebAuthnFactor) and factor.passwordless else None
