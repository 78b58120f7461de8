"""Taking the steps that a login waits for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from onegov_auth.accounts.local import SEEN, fingerprint
from onegov_auth.domain import Client, Step, Transaction
from onegov_auth.events import Event
from onegov_auth.models import CHANGE_PASSWORD, as_key, key_of
from onegov_auth.outcomes import Outcome, Refused
from onegov_auth.parts import Parts
from onegov_auth.road import NOT_BEGUN
from onegov_auth.steps import PendingStep
from onegov_auth.waiting import Door, unpack

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

__all__ = ["TakingSteps"]


class TakingSteps(Parts):
    """The part of :class:`onegov_auth.auth.Auth` that goes on with a login; see :mod:`onegov_auth.steps`."""

    def pending_step(self, transaction: str | None, client: Client) -> PendingStep | None:
        """
        What a page needs to ask for the step that a login waits for (``StepRequired``).

        Returns:
            ``None`` for a transaction that is unknown, used, too old, or another browser's.
        """
        with self.database.read() as db:
            waiting = self.transactions.peek(db, transaction, client, "step")
            step = None if waiting is None else self.steps.get(str(waiting.data["step"]))
            if waiting is None or step is None:
                return None
            user = db.get(self.entities.user, as_key(self.entities.user, waiting.data["user"]))
            return None if user is None else PendingStep(step.name, user.username, step.shown(user), waiting.to)

    def take_step(self, transaction: str | None, step: str, answer: Mapping[str, str], client: Client) -> Outcome:
        """
        Take a step that a login waits for, and go on with the login.

        Args:
            transaction: The id of ``StepRequired.transaction``; untrusted.
            step: Which step is answered.
            answer: The form's fields; untrusted.
            client: The browser the login was begun in.

        Returns:
            The session, the next step, or a refusal. After an answer that won't do, the same step is still pending.

        Raises:
            InsecurePasswordError: If the new password that was asked for is forbidden; likewise still pending.
        """

        def work(db: Session) -> Transaction | Refused:
            taken = self.transactions.take(db, transaction, client, "step")
            if isinstance(taken, Refused):
                return taken
            user = db.get(self.entities.user, as_key(self.entities.user, taken.data["user"]), with_for_update=True)
            identity = cast("Mapping[str, Any]", taken.data["identity"])
            known = identity["source"] in self.providers
            if not known or (
                user is not None and isinstance(self.accounts.again(db, key_of(user), unpack(identity)), Refused)
            ):
                # Void by now: whoever knew an old password chooses no new one. The road says why (RACE-14).
                return taken
            asked = self.steps.get(step) if step == taken.data["step"] else None
            refused = Refused("unknown_step") if asked is None or user is None else asked.take(db, user, answer, client)
            if refused is not None or user is None:
                db.rollback()
                return refused or Refused("unknown_step")
            user.step_taken(step)
            db.flush()
            event = Event(type="step", client=client, user_id=user.id, username=user.username, steps=(Step(step),))
            self.events.record(db, event)
            seen = fingerprint(user.password_hash) if step == CHANGE_PASSWORD else identity[SEEN]
            return replace(taken, data={**taken.data, "identity": {**identity, SEEN: seen}})

        taken = self.database.once(work)
        self.notices.wake()
        if isinstance(taken, Refused):
            return self.road.complete(taken, Door(client=client)) if taken.code in NOT_BEGUN else taken
        identity = cast("Mapping[str, Any]", taken.data["identity"])
        return self.road.complete(unpack(identity), Door.again(taken, client, self.entities.user))
