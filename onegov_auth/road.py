"""
The last stretch of the road, which every door ends in: from a verdict to an open session.

:meth:`Road.complete` is the only function that opens one. Whatever has to be checked of everybody
(active, linked rightly, a second factor) is checked here and can't be walked around.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import select

from onegov_auth.accounts import Accounts, Conflict, Hooks, Resolved
from onegov_auth.accounts.local import LOCAL
from onegov_auth.accounts.resolve import user_info
from onegov_auth.domain import Client, Step, Transaction, UserInfo, VerifiedIdentity
from onegov_auth.events import Event, EventLog
from onegov_auth.models import primary_key
from onegov_auth.outcomes import (
    Done,
    EnrolmentRequired,
    FactorRequired,
    LoggedIn,
    Outcome,
    Refused,
    StepRequired,
    Unavailable,
)
from onegov_auth.second_factors.gate import FactorGate, Missing
from onegov_auth.statements import savepoint
from onegov_auth.waiting import Door, Proven, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from sqlalchemy.orm import Session, SessionTransaction

    from onegov_auth.attempts import Attempts
    from onegov_auth.database import Database
    from onegov_auth.devices import Devices
    from onegov_auth.models import Entities, User
    from onegov_auth.notices import Notices
    from onegov_auth.providers import Provider
    from onegov_auth.sessions import Sessions
    from onegov_auth.steps import Steps
    from onegov_auth.transactions import Transactions

__all__ = ["Door", "PendingLink", "Road"]

#: Nobody tried to log in: a callback or link that was not begun here, or a provider that was asked in silence. Any site
#: can make a browser send one, so they are events, but no failed logins that fail2ban would count against the visitor.
NOT_BEGUN = frozenset(
    {"missing_state", "unknown_transaction", "expired_transaction", "unknown_link", "no_provider_session"}
)


@dataclass(frozen=True, slots=True)
class PendingLink:
    """
    What a login would link, for the person to read first.

    Attributes:
        provider: The provider's configured name.
        username: Who the other identity is there; untrusted text.
        local: The account here that it would let in.
    """

    provider: str
    username: str
    local: str

    @classmethod
    def of(cls, pending: Transaction) -> Self:
        """What a stored transaction of kind ``link`` says."""
        data: Mapping[str, Any] = pending.data
        return cls(data["source"], data["email"] or data["username"], data["local"])


class _Before:
    """How everything was before somebody was made, linked or changed; nearly nobody who logs in is."""

    def __init__(self, db: Session) -> None:
        self._db = db
        self._kept: SessionTransaction | None = None

    def keep(self) -> None:
        """Begin a savepoint, unless that was done."""
        if self._kept is None:
            self._kept = savepoint(self._db)

    def rollback(self) -> None:
        """Go back to it, if anything was done since."""
        if self._kept is not None:
            self._kept.rollback()


class Road:
    """The parts the last stretch needs; made once by :class:`onegov_auth.auth.Auth`."""

    def __init__(  # noqa: PLR0913 - collaborators, handed in once
        self,
        database: Database,
        *,
        providers: Callable[[], Mapping[str, Provider]],
        accounts: Accounts,
        attempts: Attempts,
        events: EventLog,
        sessions: Sessions,
        transactions: Transactions,
        hooks: Hooks,
        steps: Steps,
        devices: Devices,
        notices: Notices,
        gate: FactorGate,
        entities: Entities,
    ) -> None:
        self._database = database
        self._providers = providers
        self._accounts = accounts
        self._attempts = attempts
        self._events = events
        self._sessions = sessions
        self._transactions = transactions
        self._hooks = hooks
        self._steps = steps
        self._devices = devices
        self._notices = notices
        self._users: Any = entities.user
        self._gate = gate

    def complete(self, verdict: VerifiedIdentity | Refused | Unavailable, door: Door) -> Outcome:
        """
        Turn a provider's verdict into an outcome; user, session, attempt and event in one commit.

        The unit is done again when it loses a race, for instance against the same new person's
        other browser; every try sees what the winner wrote.
        """

        def work(db: Session) -> tuple[Outcome, Event]:
            outcome, event = self._decide(db, verdict, door)
            if door.attempt is not None:
                success = None if isinstance(outcome, Unavailable) else not isinstance(outcome, Refused)
                person = event.user_id if success else None
                self._attempts.settle(db, door.attempt, event.code, success=success, user_id=person)
            if isinstance(outcome, Refused) and outcome.code not in NOT_BEGUN:
                event = replace(event, failed=True)
            self._events.record(db, event)
            return outcome, event

        outcome, event = self._database.once_alone(work)
        self._events.announce(event)
        if isinstance(outcome, Done) or (isinstance(outcome, LoggedIn) and outcome.device and outcome.user.returning):
            self._notices.wake()
        return outcome

    def _decide(
        self, db: Session, verdict: VerifiedIdentity | Refused | Unavailable, door: Door
    ) -> tuple[Outcome, Event]:
        if isinstance(verdict, Refused | Unavailable):
            provider = verdict.provider if isinstance(verdict, Unavailable) else door.provider
            blank = Event(type="login", client=door.client, username=door.username, provider=provider)
            return verdict, replace(blank, code=verdict.code, steps=verdict.steps)
        name = door.username or verdict.username
        blank = Event(type="login", client=door.client, username=name, provider=verdict.source)
        if door.link_to is not None:
            return self._link_mine(db, verdict, door.link_to, door, replace(blank, type="identity_linked"))
        return self._let_in(db, verdict, door, blank)

    def _let_in(self, db: Session, verdict: VerifiedIdentity, door: Door, blank: Event) -> tuple[Outcome, Event]:
        """Everything that everybody has to pass who is to have a session."""
        if verdict.source not in self._providers():
            # Taken out of the settings while the login waited for something else.
            return Refused("unknown_provider"), replace(blank, code="unknown_provider", steps=verdict.steps)
        before = _Before(db)
        found = self._resolve(db, verdict, door, before)
        if isinstance(found, Refused):
            if door.link is not None:
                # Whoever waits to be linked has not come in by this: nobody is made or changed on their behalf.
                before.rollback()
            return found, replace(blank, code=found.code, steps=(*verdict.steps, *found.steps))
        steps = (*verdict.steps, *found.steps)
        if isinstance(found, Conflict):
            step = self._ask_for_proof(db, found, verdict, door)
            return step, replace(blank, code="prove" if isinstance(step, StepRequired) else step.code, steps=steps)
        proven = self._gate.check(db, found.user, verdict, door, self._trust_amr(verdict))
        if isinstance(proven, Missing | Refused):
            # Half a proof makes no user and links no identity; a role that changed at the source stays changed.
            # Somebody who has to set a factor up first has to be there.
            undone = found.linked and not (found.created and isinstance(proven, Missing))
            if undone:
                before.rollback()
            user_id = None if undone else found.user.id
            asked = self._ask_for_factor(
                db, proven, found, door, door.waiting(verdict, found.user.id, created=found.created, resumed=not undone)
            )
            code = asked.code if isinstance(asked, Refused) else f"{asked.transaction.kind}_required"
            more = asked.steps if isinstance(asked, Refused) else (Step("factor", ", ".join(asked.factors)),)
            return asked, replace(blank, code=code, user_id=user_id, steps=(*steps, *more))
        if proven or door.proven is not None:
            door = replace(door, proven=Proven(found.user.id, proven) if proven else None)
        blank = replace(blank, user_id=found.user.id, factor=", ".join(proven) or None, steps=steps)
        missing = self._next_step(db, found, verdict, door)
        if missing is not None:
            code, name = ("step", missing.step) if isinstance(missing, StepRequired) else (missing.code, "")
            return missing, replace(blank, code=code, steps=(*steps, Step("step", name)))
        return self._open(db, found, verdict, door), blank

    def _trust_amr(self, identity: VerifiedIdentity) -> frozenset[str]:
        """What counts as a second factor of whoever comes by this provider (ASVS 6.8.4)."""
        return frozenset(getattr(self._providers()[identity.source].settings, "trust_amr", ()))

    def _ask_for_factor(
        self, db: Session, missing: Missing | Refused, found: Resolved, door: Door, waiting: Mapping[str, object]
    ) -> FactorRequired | EnrolmentRequired | Refused:
        if isinstance(missing, Refused):
            return missing
        return self._gate.keep(db, missing, found.user.id, door, waiting)

    def _resolve(
        self, db: Session, identity: VerifiedIdentity, door: Door, before: _Before
    ) -> Resolved | Conflict | Refused:
        if door.resumed is not None:
            again = self._accounts.again(db, door.resumed, identity)
            return replace(again, created=door.created) if isinstance(again, Resolved) else again
        settings = self._providers()[identity.source].settings
        if door.link is not None:
            before.keep()
        found = self._accounts.resolve(db, identity, settings, door.client, before_change=before.keep)
        if door.link is None or not isinstance(found, Resolved):
            return found
        return self._prove(db, found, identity, door)

    def _ask_for_proof(
        self, db: Session, conflict: Conflict, identity: VerifiedIdentity, door: Door
    ) -> StepRequired | Refused:
        """Keep the identity until the person has logged in to the local account (``link: prove``)."""
        if not door.client.browser:
            return Refused("conflict", conflict.steps)
        pending = self._transactions.begin("link", to=door.to)
        data = {**pack(identity), "local": conflict.user.username, "user": str(conflict.user.id)}
        return StepRequired(self._transactions.store(db, pending, door.client, data, conflict.user.id), "prove")

    def _prove(self, db: Session, found: Resolved, identity: VerifiedIdentity, door: Door) -> Resolved | Refused:
        """Link the pending identity to the local account whose password was just given (LINK-09, LINK-10)."""
        if identity.source != LOCAL:
            return Refused("link_not_local")
        pending = self._transactions.take(db, door.link, door.client, "link")
        if isinstance(pending, Refused):
            return pending
        external = unpack(pending.data)
        provider = self._providers().get(external.source)
        if provider is None:
            return Refused("unknown_provider")
        conflict = self._accounts.resolve(db, external, provider.settings, door.client)
        mine = isinstance(conflict, Conflict) and conflict.user.id == found.user.id
        if not mine or pending.data["user"] != str(found.user.id):
            return Refused("link_other_user")
        if not self._accounts.application_agrees(db, found.user, external):
            return Refused("refused_by_application")
        step = self._accounts.link(db, found.user, external, "password")
        user = replace(found.user, source=external.source, source_id=external.source_id)
        loaded = db.get_one(self._users, user.id)
        loaded.source, loaded.source_id = user.source, user.source_id
        mapped = self._accounts.map(external) or external
        granted = self._accounts.grant(db, loaded, mapped, provider.settings, door.client)
        return Resolved(user, created=False, steps=(*found.steps, *external.steps, step, *granted), linked=True)

    def _link_mine(
        self, db: Session, verdict: VerifiedIdentity, user_id: UUID, door: Door, event: Event
    ) -> tuple[Done | Refused, Event]:
        """Link an identity to the user who is logged in and has just proven it (LINK-09, LINK-11)."""
        event = replace(event, user_id=user_id, steps=verdict.steps)
        user: User | None = db.scalar(select(self._users).where(primary_key(self._users) == user_id).with_for_update())
        identity = self._accounts.map(verdict)
        if user is None or not user.is_active:
            return self._unlinked("inactive", door, event)
        if identity is None or verdict.barred is not None:
            return self._unlinked("not_a_user", door, event)
        row = self._accounts.identity(db, identity)
        if row is not None and row.user_id != user_id:
            return self._unlinked("identity_taken", door, event)
        if row is not None and row.frozen:
            return self._unlinked("identity_frozen", door, event)
        if not self._accounts.agrees(db, user, identity, user.role):
            return self._unlinked("refused_by_application", door, event)
        info = user_info(user)
        if row is None:
            self._accounts.link(db, info, identity, "session")
            settings = self._providers()[verdict.source].settings
            event = replace(
                event, steps=(*event.steps, *self._accounts.grant(db, user, identity, settings, door.client))
            )
            values = {"provider": identity.source, "identity": identity.email or identity.username}
            self._notices.tell(db, user, "identity_linked", door.client, **values)
        return Done("identity_linked", info, door.to), event

    def _unlinked(self, code: str, door: Door, event: Event) -> tuple[Refused, Event]:
        return Refused(code, to=door.to), replace(event, code=code)

    def _next_step(
        self, db: Session, found: Resolved, identity: VerifiedIdentity, door: Door
    ) -> StepRequired | Refused | None:
        """What is to be done before the session is opened, kept for this browser; ``None`` if nothing is."""
        step = self._steps.next(db, found.user)
        if step is None or isinstance(step, Refused):
            return step
        begun = self._transactions.begin("step", to=door.to)
        if not door.client.browser:
            # Nobody without a browser can take a step: such a client is told which one is missing, and no more.
            return StepRequired(begun, step.name)
        data = {**door.waiting(identity, found.user.id, created=found.created), "step": step.name}
        return StepRequired(self._transactions.store(db, begun, door.client, data, found.user.id), step.name)

    def _open(self, db: Session, found: Resolved, identity: VerifiedIdentity, door: Door) -> LoggedIn:
        self._accounts.logged_in(db, found.user)
        # What somebody else left pending at this browser is not for whoever logs in now (LINK-09).
        self._transactions.drop(db, door.client, "link")
        device = self._device(db, found.user, door.client)
        factors = () if door.proven is None else door.proven.factors
        token, session = self._sessions.open(
            db, found.user, identity, door.client, remember=door.remember, factors=factors
        )
        trusted = self._gate.trust(db, found.user, door)
        if self._hooks.on_login is not None:
            self._hooks.on_login(db, db.get_one(self._users, found.user.id), door.client)
        return LoggedIn(found.user, session, token, door.to, found.created, device, trusted)

    def _device(self, db: Session, user: UserInfo, client: Client) -> str | None:
        if client.device is None:
            return None
        device = self._devices.note(client.device, user.id)
        if device is not None and user.returning:
            self._notices.tell(db, db.get_one(self._users, user.id), "new_device", client)
        return device
