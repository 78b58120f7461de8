"""Setting a second factor up: by somebody who is logged in, or whose login waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from onegov_auth.accounts.local import LOCAL
from onegov_auth.attempts import Attempt
from onegov_auth.domain import Client, Transaction, UserInfo
from onegov_auth.events import Event
from onegov_auth.factors import Enrolment, EnrolmentForm, Factor
from onegov_auth.outcomes import Outcome, Refused, Unavailable
from onegov_auth.second_factors.answering import MAX_ANSWER, NOTHING, AnsweringFactors
from onegov_auth.second_factors.gate import ENROLMENT
from onegov_auth.waiting import Door, unpack

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.models import User

__all__ = ["SettingUp", "Setup"]


@dataclass(frozen=True, slots=True)
class Setup:
    """
    One try of setting a factor up.

    Attributes:
        factor: Which.
        user: Whose it will be.
        client: From where.
        event: What is written of a refusal.
        transaction: In which it was begun.
        begun: Type, ``show`` and ``remember`` of the form that was shown last; empty if none was.
    """

    factor: Factor
    user: UserInfo
    client: Client
    event: Event
    transaction: Transaction
    begun: Mapping[str, Any] = field(repr=False)


class SettingUp(AnsweringFactors):
    """The part of :class:`onegov_auth.auth.Auth` that sets second factors up."""

    def enrol_at_login(
        self, transaction: str | None, factor: str, answer: str | None, client: Client, *, name: str | None = None
    ) -> EnrolmentForm | Outcome:
        """
        Set a factor up that a login waits for (``EnrolmentRequired``), and go on with the login.

        Args:
            transaction: The id of ``EnrolmentRequired.transaction``; untrusted.
            factor: The type the person chose; untrusted.
            answer: ``None`` begins; later what the person answered to the form; untrusted.
            client: The browser the login was begun in.
            name: What the person calls it.

        Returns:
            The form to answer; the outcome of the login; ``Refused`` as :meth:`verify_factor`, and as the factor says:
            then the same form can be answered again.
        """
        found = self._pending(transaction, client, ENROLMENT)
        if found is None:
            return self.road.complete(Refused("unknown_transaction"), Door(client=client))
        waiting, user = found
        event = self._event("factor_enrolled", client, user, factor)
        asked = self.factors.get(factor)
        if asked is None or factor not in cast("list[str]", waiting.data["types"]):
            return self.refused(Refused("unknown_factor"), event)
        begun = cast("Mapping[str, Any]", waiting.data.get("begun") or NOTHING)
        setup = Setup(asked, user, client, event, waiting, begun if begun.get("type") == factor else NOTHING)
        tried = self.try_enrolment(setup, answer)
        if isinstance(tried, EnrolmentForm):
            kept = self.database.once(lambda db: self._keep(db, waiting, client, {"begun": remembered(setup, tried)}))
            return kept if isinstance(kept, Refused) else tried
        if isinstance(tried, Refused | Unavailable):
            return tried
        enrolment, attempt = tried
        taken = self.do(event, lambda db: self._added_at_login(db, setup, enrolment, name), attempt)
        return taken if isinstance(taken, Refused) else self._go_on(taken, client, factor, trust=False)

    def _added_at_login(
        self, db: Session, setup: Setup, enrolment: Enrolment, name: str | None
    ) -> tuple[Transaction | Refused, Event]:
        event = setup.event
        user = self.locked(db, setup.user.id)
        if user is None or not user.is_active:
            return Refused("inactive"), event
        void = self._void(db, setup)
        if void is not None:
            return void, event
        if self.factor_store.primary(self.factor_store.types(db, setup.user.id)):
            # Somebody set one up meanwhile: it is the one that is asked for.
            return Refused("factor_enrolled_meanwhile"), event
        added = self.factor_store.add(db, user, setup.factor, enrolment, name)
        if isinstance(added, Refused):
            return added, event
        self.factor_changed(db, user, "added", setup.factor, setup.client)
        taken = self.transactions.take(db, setup.transaction.id, setup.client, ENROLMENT)
        return taken, replace(event, failed=False)

    def _void(self, db: Session, setup: Setup) -> Refused | None:
        """
        Why the login that waits would be refused by now: then nothing is set up either.

        Whoever knew a password that was changed since would otherwise leave a factor of their own behind (RACE-14).
        """
        data = cast("Mapping[str, Any]", setup.transaction.data)
        identity = unpack(data["identity"])
        if not data["resumed"] and identity.source != LOCAL:
            # Linked by no login yet: there is nothing that could have been taken back.
            return None
        found = self.accounts.again(db, setup.user.id, identity)
        return found if isinstance(found, Refused) else None

    def try_enrolment(
        self, setup: Setup, answer: str | None
    ) -> tuple[Enrolment, Attempt | None] | EnrolmentForm | Refused | Unavailable:
        """
        Let a factor look at what was answered to its form; an answer is counted as the code of a factor is.

        Returns:
            The next form; a refusal, which was written down; or the enrolment and the attempt to settle with it.
        """
        if not setup.begun:
            answer = None
        admitted = None if answer is None else self.attempts.admit("factor", setup.user.username, setup.client)
        if isinstance(admitted, Refused):
            return self.refused(admitted, setup.event)
        with self.database.read() as db:
            keys = [row.key for row in self.factor_store.rows(db, setup.user.id, setup.factor.type)]
        data = {**setup.begun.get("remember", NOTHING), "enrolled": [key for key in keys if key is not None]}
        hints = {"address": setup.client.address, "ui_locales": setup.client.language or ""}
        asked = replace(setup.transaction, data=data, hints=hints)
        verdict = setup.factor.enrol(setup.user, None if answer is None else answer[:MAX_ANSWER], asked)
        if isinstance(verdict, Enrolment):
            return verdict, admitted
        if isinstance(verdict, EnrolmentForm):
            if admitted is not None:
                attempt = admitted
                self.database.once(lambda db: self.attempts.settle(db, attempt, "form", success=None))
            return verdict
        return self._told_off(verdict, setup.event, admitted)

    def factor_changed(self, db: Session, user: User, change: str, factor: Factor | None, client: Client) -> None:
        """Tell the user, wherever they read it, that a factor was added or removed (NIST 800-63B-4 §4.6)."""
        title = "" if factor is None else factor.title or factor.type
        self.notices.tell(db, user, "factor_changed", client, change=change, factor=title)


def remembered(setup: Setup, form: EnrolmentForm) -> Mapping[str, object]:
    """What a transaction keeps of a form that was shown."""
    return {"type": setup.factor.type, "show": dict(form.show), "remember": dict(form.remember)}
