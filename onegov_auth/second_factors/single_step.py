"""Codes that are given together with the password."""

from __future__ import annotations

from dataclasses import replace

from onegov_auth.domain import VerifiedIdentity
from onegov_auth.doors import Doors
from onegov_auth.outcomes import EnrolmentRequired, FactorRequired, Outcome, Refused, Unavailable
from onegov_auth.second_factors.answering import AnsweringFactors
from onegov_auth.waiting import Door

__all__ = ["SingleStep"]


class SingleStep(Doors, AnsweringFactors):
    """The part of :class:`onegov_auth.auth.Auth` that takes a password and a code at once."""

    def at_once(self, verdict: VerifiedIdentity | Refused | Unavailable, door: Door, code: str) -> Outcome:
        """
        Go on with a login and the code that was given with it.

        The login takes the same two steps as any other: the code is for the first factor the user has that may be
        answered like this, and is not looked at where no factor is asked for.
        """
        # Without a browser, a value that nobody else knows binds the login to this very call.
        client = door.client if door.client.browser else replace(door.client, browser=self.token(32))
        outcome = self.road.complete(verdict, replace(door, client=client))
        if isinstance(outcome, EnrolmentRequired) and not door.client.browser:
            return Refused("enrolment_required")
        if not isinstance(outcome, FactorRequired):
            return outcome
        single = [type_ for type_ in outcome.factors if self.factors[type_].single_step]
        if single:
            return self.verify_factor(outcome.transaction.id, single[0], code, client)
        return outcome if door.client.browser else Refused("factor_required")
