"""
Whether a second factor is still missing; asked by the road of every login that would open a session.

Whoever has a factor is never let in without one, and neither is anybody whose role must have one: where none can be
asked for, the answer is no (fail closed).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal
from uuid import UUID

from onegov_auth.domain import Step, UserInfo, VerifiedIdentity
from onegov_auth.factors import Factor
from onegov_auth.outcomes import EnrolmentRequired, FactorRequired, Refused
from onegov_auth.waiting import Door

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.second_factors.store import FactorStore
    from onegov_auth.second_factors.trusted import TrustedDevices
    from onegov_auth.transactions import Transactions

__all__ = ["ENROLMENT", "FACTOR", "PROVIDER", "TRUSTED", "FactorGate", "Missing"]

#: The kinds of transaction.
FACTOR: Final = "factor"
ENROLMENT: Final = "enrolment"

#: What stands in for a factor in a session: the provider's own, or a browser that is trusted.
PROVIDER, TRUSTED = "provider", "trusted_device"


@dataclass(frozen=True, slots=True)
class Missing:
    """
    What is missing.

    Attributes:
        kind: Whether one is to be proven or to be set up.
        types: The types to choose from.
    """

    kind: Literal["factor", "enrolment"]
    types: tuple[str, ...]


class FactorGate:
    """
    Decides.

    Args:
        factors: The configured ones by their types, spares last.
        store: Knows who has which.
        trusted: Knows the browsers that are trusted.
        transactions: Keep what waits.
        required_for: Roles that must have a factor.
    """

    def __init__(
        self,
        factors: Mapping[str, Factor],
        store: FactorStore,
        trusted: TrustedDevices,
        transactions: Transactions,
        required_for: frozenset[str],
    ) -> None:
        self._factors = factors
        self._store = store
        self._trusted = trusted
        self._transactions = transactions
        self._required_for = required_for
        self._offered = tuple(type_ for type_, factor in factors.items() if not factor.spare)
        self._automatic = tuple(type_ for type_ in self._offered if factors[type_].automatic_setup)

    def check(
        self, db: Session, user: UserInfo, identity: VerifiedIdentity, door: Door, trust_amr: frozenset[str]
    ) -> tuple[str, ...] | Missing | Refused:
        """
        What is missing, or what was proven.

        Args:
            db: The unit that would open the session.
            user: Who would get it.
            identity: Who the provider says it is, and how it made sure.
            door: What was proven already.
            trust_amr: The methods and classes of this provider that count as a second factor (ASVS 6.8.4).

        Returns:
            The types of factor that were proven, empty if none was needed; or what is missing; or a refusal.
        """
        types = self._store.types(db, user.id) if user.factor_types is None else user.factor_types
        primary = self._store.primary(types)
        required = user.role in self._required_for
        if door.proven is not None and door.proven.user == user.id:
            return door.proven.factors
        if not primary and not required and not self._automatic:
            return ()
        if trust_amr & {*identity.authn.methods, identity.authn.acr}:
            return (PROVIDER,)
        if primary:
            return self._enrolled(db, user, types, door)
        return self._none_enrolled(door, required=required)

    def _enrolled(
        self, db: Session, user: UserInfo, types: frozenset[str], door: Door
    ) -> tuple[str, ...] | Missing | Refused:
        if self._trusted.is_trusted(db, user.id, door.client):
            return (TRUSTED,)
        usable = tuple(type_ for type_ in self._factors if type_ in types)
        return self._ask(Missing(FACTOR, usable), door, ", ".join(sorted(types)))

    def _none_enrolled(self, door: Door, *, required: bool) -> tuple[str, ...] | Missing | Refused:
        if required:
            return self._ask(Missing(ENROLMENT, self._offered), door, "none enrolled")
        # Nobody without a browser can set one up, and nobody says that they must have one.
        return Missing(ENROLMENT, self._automatic) if door.client.browser else ()

    def _ask(self, missing: Missing, door: Door, detail: str) -> Missing | Refused:
        if not missing.types:
            return Refused("factor_unavailable", (Step("factor", detail),))
        if not door.client.browser:
            # What can't come back can't be asked: such a client gives the code with the password.
            return Refused(f"{missing.kind}_required", (Step("factor", detail),))
        return missing

    def keep(
        self, db: Session, missing: Missing, user_id: UUID, door: Door, waiting: Mapping[str, object]
    ) -> FactorRequired | EnrolmentRequired:
        """Remember the login until the factor was proven or set up, in this browser."""
        begun = self._transactions.begin(missing.kind, to=door.to)
        data = {**waiting, "types": list(missing.types)}
        stored = self._transactions.store(db, begun, door.client, data, user_id)
        outcome = FactorRequired if missing.kind == FACTOR else EnrolmentRequired
        return outcome(stored, missing.types)

    def trust(self, db: Session, user: UserInfo, door: Door) -> str | None:
        """The cookie by which this browser is trusted, if the person wants it and has proven a factor just now."""
        proven = () if door.proven is None or door.proven.user != user.id else door.proven.factors
        return self._trusted.trust(db, user.id) if door.trust and set(proven) & self._factors.keys() else None
