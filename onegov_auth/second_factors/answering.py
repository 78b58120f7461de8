"""Proving a second factor, or setting one up, in the middle of a login."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from onegov_auth.accounts.resolve import user_info
from onegov_auth.attempts import Attempt
from onegov_auth.domain import Client, Transaction, UserInfo
from onegov_auth.errors import DecryptionError
from onegov_auth.events import Event
from onegov_auth.factors import Enrolled, Used
from onegov_auth.models import as_key
from onegov_auth.outcomes import Challenge, Outcome, Refused, Unavailable
from onegov_auth.second_factors.gate import ENROLMENT, FACTOR
from onegov_auth.second_factors.store import used_up
from onegov_auth.self_service.mailing import SelfService
from onegov_auth.waiting import Door, Proven, unpack

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


__all__ = ["AnsweringFactors", "FactorChoice", "PendingFactor"]

V = TypeVar("V", bound=Refused | Unavailable)

#: No answer is longer; a passkey's is some kilobytes.
MAX_ANSWER = 100_000

#: The person's first try of this browser's page: nothing was begun.
NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class FactorChoice:
    """
    A type of factor to choose.

    Attributes:
        type: Its name.
        title: What people call it; marked for translation.
        spare: Whether it only stands in for another one.
    """

    type: str
    title: str
    spare: bool = False


@dataclass(frozen=True, slots=True)
class PendingFactor:
    """
    What a page needs to ask for a second factor.

    Attributes:
        username: Whose login it is.
        factors: The types to choose from.
        enrolment: Whether one is to be set up first.
        to: Where the person goes afterwards.
        trust: Whether the person may have this browser trusted.
        begun: The type that was asked for last, or whose set-up was begun.
        show: What its page shows.
    """

    username: str
    factors: tuple[FactorChoice, ...]
    enrolment: bool
    to: str = "/"
    trust: bool = False
    begun: str | None = None
    show: Mapping[str, object] = field(default_factory=dict, repr=False)


class AnsweringFactors(SelfService):
    """The part of :class:`onegov_auth.auth.Auth` that goes on with a login that a factor is missing of."""

    def pending_factor(self, transaction: str | None, client: Client) -> PendingFactor | None:
        """
        What a page needs to ask for the factor that a login waits for (``FactorRequired``, ``EnrolmentRequired``).

        Returns:
            ``None`` for a transaction that is unknown, used, too old, or another browser's.
        """
        for kind in (FACTOR, ENROLMENT):
            found = self._pending(transaction, client, kind)
            if found is not None:
                waiting, user = found
                types = cast("list[str]", waiting.data["types"])
                begun = cast("Mapping[str, Any]", waiting.data.get("begun") or NOTHING)
                return PendingFactor(
                    user.username,
                    tuple(self.choice(type_) for type_ in types if type_ in self.factors),
                    kind == ENROLMENT,
                    waiting.to,
                    kind == FACTOR and self.trusted_devices.offered,
                    begun.get("type"),
                    begun.get("show", NOTHING),
                )
        return None

    def choice(self, type_: str) -> FactorChoice:
        """What a page shows of a configured type of factor."""
        factor = self.factors[type_]
        return FactorChoice(type_, factor.title or type_, factor.spare)

    def challenge(self, transaction: str | None, factor: str, client: Client) -> Challenge | Refused | Unavailable:
        """
        Ask for a factor: send a code, make a nonce.

        Args:
            transaction: The id of ``FactorRequired.transaction``; untrusted.
            factor: The type the person chose; untrusted.
            client: The browser the login was begun in.

        Returns:
            What the page shows (``Challenge.show``); ``Refused`` with ``unknown_transaction`` or ``unknown_factor``,
            or as the factor says.
        """
        found = self._pending(transaction, client, FACTOR)
        if found is None:
            return Refused("unknown_transaction")
        waiting, user = found
        asked = self.factors.get(factor)
        enrolled = self._enrolled(user, factor)
        if asked is None or not enrolled:
            return self.refused(Refused("unknown_factor"), self._event("factor", client, user, factor))
        verdict = asked.challenge(enrolled, replace(waiting, data=NOTHING), client)
        if not isinstance(verdict, Challenge):
            return self._told_off(verdict, self._event("factor", client, user, factor))
        asked_before = cast("Mapping[str, Any]", waiting.data.get("challenges") or NOTHING)
        challenges = {**asked_before, factor: dict(verdict.data)}
        more = {"challenges": challenges, "begun": {"type": factor, "show": dict(verdict.show)}}
        kept = self.database.once(lambda db: self._keep(db, waiting, client, more))
        return kept if isinstance(kept, Refused) else verdict

    def verify_factor(
        self, transaction: str | None, factor: str, answer: str, client: Client, *, trust: bool = False
    ) -> Outcome:
        """
        Answer a second factor, and go on with the login.

        Every try is counted before it is looked at, per user and per address, in a transaction of its own; neither
        another factor nor another login gives the budget back, only a right answer does.

        Args:
            transaction: The id of ``FactorRequired.transaction``; untrusted.
            factor: The type that is answered; untrusted.
            answer: What was typed; untrusted.
            client: The browser the login was begun in.
            trust: Ask for no factor in this browser for some time (``second_factors.trusted_device``).

        Returns:
            The session, a step that is missing, ``Unavailable``, or ``Refused`` with ``locked``, ``wrong_code``,
            ``invalid_code``, ``code_used``, ``clock_off``, ``unknown_factor``, ``unknown_transaction`` or
            ``expired_transaction``. After an answer that won't do, the same login is still pending.
        """
        found = self._pending(transaction, client, FACTOR)
        if found is None:
            return self.road.complete(Refused("unknown_transaction"), Door(client=client))
        waiting, user = found
        event = self._event("factor", client, user, factor)
        admitted = self.attempts.admit("factor", user.username, client)
        if isinstance(admitted, Refused):
            return self.refused(admitted, event)
        verdict = self._verify(waiting, user, factor, answer, client)
        if isinstance(verdict, Unavailable):
            return self._told_off(verdict, event, admitted)

        if isinstance(verdict, Used) and verdict.refused is not None:
            verdict = self._burn(verdict, verdict.refused)
        judged = verdict

        def work(db: Session) -> tuple[Transaction | Refused, Event]:
            refused = judged if isinstance(judged, Refused) else self.factor_store.use(db, judged)
            if isinstance(judged, Refused) or refused is not None:
                return refused or Refused("wrong_code"), event
            taken = self.transactions.take(db, transaction, client, FACTOR)
            if not isinstance(taken, Refused):
                self._notice(db, user, judged, client)
            return taken, replace(event, failed=False)

        taken = self.do(event, work, admitted)
        return taken if isinstance(taken, Refused) else self._go_on(taken, client, factor, trust=trust)

    def _burn(self, used: Used, code: str) -> Refused:
        """Use an answer up that is refused: whoever is told of it can't come back with it later."""
        self.database.once(lambda db: self.factor_store.use(db, used))
        return Refused(code)

    def _pending(self, transaction: str | None, client: Client, kind: str) -> tuple[Transaction, UserInfo] | None:
        with self.database.read() as db:
            waiting = self.transactions.peek(db, transaction, client, kind)
            if waiting is None:
                return None
            user = db.get(self.entities.user, as_key(self.entities.user, str(waiting.data["user"])))
            return None if user is None else (waiting, user_info(user))

    def _enrolled(self, user: UserInfo, type_: str) -> list[Enrolled]:
        if type_ not in self.factors:
            # Any text may come; some of it no database takes.
            return []
        with self.database.read() as db:
            try:
                return self.factor_store.enrolled(db, user.id, type_)
            except DecryptionError:
                # Its secret was taken out of the settings: nobody can say, and nobody gets in by it.
                return []

    def _verify(
        self, waiting: Transaction, user: UserInfo, factor: str, answer: str, client: Client
    ) -> Used | Refused | Unavailable:
        asked = self.factors.get(factor)
        enrolled = self._enrolled(user, factor)
        if asked is None or not enrolled:
            return Refused("unknown_factor")
        if not answer or len(answer) > MAX_ANSWER:
            return Refused("invalid_code")
        challenges = cast("Mapping[str, Any]", waiting.data.get("challenges") or NOTHING)
        # MFA-08: only what this factor asked in this very login.
        asked_for = replace(waiting, data=challenges.get(factor, NOTHING))
        verdict = asked.verify(enrolled, answer, asked_for, client)
        if isinstance(verdict, Used) and verdict.factor not in {one.id for one in enrolled}:
            # MFA-07: a factor speaks of nobody else's.
            return Refused("unknown_factor")
        if isinstance(verdict, Refused) and asked.one_answer:
            left = {type_: data for type_, data in challenges.items() if type_ != factor}
            self.database.once(lambda db: self._keep(db, waiting, client, {"challenges": left}))
        return verdict

    def _go_on(self, taken: Transaction, client: Client, factor: str, *, trust: bool) -> Outcome:
        door = Door.again(taken, client, self.entities.user)
        identity = cast("Mapping[str, Any]", taken.data["identity"])
        key: Any = as_key(self.entities.user, str(taken.data["user"]))
        return self.road.complete(unpack(identity), replace(door, proven=Proven(key, (factor,)), trust=trust))

    def _keep(
        self, db: Session, waiting: Transaction, client: Client, more: Mapping[str, object]
    ) -> Transaction | Refused:
        """Remember more in a transaction; consumed meanwhile, it stays so."""
        taken = self.transactions.take(db, waiting.id, client, waiting.kind)
        if isinstance(taken, Refused):
            return taken
        return self.transactions.store(
            db, taken, client, {**taken.data, **more}, as_key(self.entities.user, str(taken.data["user"]))
        )

    def _notice(self, db: Session, user: UserInfo, used: Used, client: Client) -> None:
        """Tell of what stood in for the factor, so that nobody else's use of it goes unseen (NIST 800-63B-4 §4.2.3)."""
        row = self.factor_store.own(db, user.id, used.factor)
        if row is None or not self.factors[row.type].spare:
            return
        db.refresh(row)
        values = {} if "count" not in row.data else {"left": int(row.data["count"]) - used_up(row)}
        self.notices.tell(db, db.get_one(self.entities.user, user.id), "recovery_code_used", client, **values)

    def _told_off(self, verdict: V, event: Event, attempt: Attempt | None = None) -> V:
        """Write down that nothing came of it; whoever can't be asked has guessed nothing."""
        refused = isinstance(verdict, Refused)
        done = replace(event, code=verdict.code, steps=(*event.steps, *verdict.steps), failed=refused)

        def work(db: Session) -> None:
            if attempt is not None:
                self.attempts.settle(db, attempt, verdict.code, success=False if refused else None)
            self.events.record(db, done)

        self.database.once(work)
        self.events.announce(done)
        return verdict

    def _event(self, type_: str, client: Client, user: UserInfo, factor: str) -> Event:
        """What is written of a refusal; see :meth:`SelfService.do`."""
        shown = factor if factor in self.factors else "unknown"
        return Event(type=type_, client=client, user_id=user.id, username=user.username, factor=shown, failed=True)
