"""Looking after one's own second factors."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from onegov_auth.accounts.resolve import user_info
from onegov_auth.domain import Client, Identity, Transaction, UserInfo
from onegov_auth.factors import Enrolment, EnrolmentForm, Factor
from onegov_auth.models import as_key, key_of
from onegov_auth.outcomes import Done, Enrolling, FactorAdded, Refused, Unavailable
from onegov_auth.second_factors.answering import NOTHING, FactorChoice
from onegov_auth.second_factors.gate import PROVIDER
from onegov_auth.second_factors.setting_up import SettingUp, Setup, remembered
from onegov_auth.second_factors.store import FactorInfo, clean_name
from onegov_auth.self_service.own_account import OwnAccount

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.events import Event
    from onegov_auth.models import User, UserFactor

__all__ = ["OwnFactors"]

#: The kind of transaction in which somebody who is logged in sets a factor up.
ENROL = "enrol"


class OwnFactors(OwnAccount, SettingUp):
    """
    The part of :class:`onegov_auth.auth.Auth` for second factors of people who are logged in.

    Whatever changes them asks for a fresh login, and of somebody who has a factor for a login in which one was proven
    (ASVS 7.5.1, NIST 800-63B-4 §4.1.2.1): refused with ``not_fresh`` otherwise. It is told by mail, voids trusted
    browsers, and ends the other sessions where it is a first factor or the loss of one.
    """

    def factors_of(self, session: Identity) -> list[FactorInfo]:
        """One's own factors, the oldest first."""
        with self.database.read() as db:
            key = as_key(self.entities.user, session.uid)
            return [self.factor_store.info(row) for row in self.factor_store.rows(db, key)]

    def factor_types(self) -> tuple[FactorChoice, ...]:
        """The types that may be set up, spares last."""
        return tuple(map(self.choice, self.factors))

    def enrolling(self, session: Identity, transaction: str | None, client: Client) -> Enrolling | None:
        """The set-up that was begun in this session and browser, and what its form shows; ``None`` if there is none."""
        waiting = self._begun(session, transaction, client)
        if waiting is None:
            return None
        begun: Any = waiting.data["begun"]
        return Enrolling(waiting, begun["type"], begun["show"])

    def enrol(
        self,
        session: Identity,
        factor: str,
        answer: str | None,
        client: Client,
        *,
        transaction: str | None = None,
        name: str | None = None,
    ) -> Enrolling | FactorAdded | Refused | Unavailable:
        """
        Set a factor up.

        Args:
            session: Who.
            factor: Its type; untrusted.
            answer: ``None`` begins; later what was answered to the form; untrusted.
            client: The browser.
            transaction: The id of the ``Enrolling`` that is answered; untrusted.
            name: What the person calls it.

        Returns:
            What to answer; ``FactorAdded``, whose ``show`` is seen now and never again; ``Refused`` with
            ``not_fresh``, ``unknown_factor``, ``no_factor`` (a spare without one that it could stand in for),
            ``too_many_factors``, ``factor_taken``, ``unknown_transaction``, ``locked``, or as the factor says.
        """
        setup = self._setup(session, factor, client, None if answer is None else transaction or "")
        if isinstance(setup, Refused):
            return self.refused(setup, self.event("factor_enrolled", client, session.userid))
        tried = self.try_enrolment(setup, answer)
        if isinstance(tried, EnrolmentForm):
            return self._remember(session, setup, tried)
        if isinstance(tried, Refused | Unavailable):
            return tried
        enrolment, attempt = tried
        return self.do(setup.event, lambda db: self._added(db, session, setup, enrolment, name), attempt)

    def _setup(self, session: Identity, type_: str, client: Client, transaction: str | None) -> Setup | Refused:
        """What is begun (without a *transaction*) or goes on, if this session may."""
        user, factor = self._me(session), self.factors.get(type_)
        if factor is None or user is None or not client.browser:
            return Refused("unknown_factor" if client.browser else "no_browser")
        refused = self._may_not(session, user, factor)
        if refused is not None:
            return refused
        waiting = self.transactions.begin(ENROL) if transaction is None else self._begun(session, transaction, client)
        begun: Any = NOTHING if waiting is None else waiting.data.get("begun", NOTHING)
        if waiting is None or (begun and begun["type"] != type_):
            return Refused("unknown_transaction")
        return Setup(factor, user, client, self._event("factor_enrolled", client, user, type_), waiting, begun)

    def rename_factor(self, session: Identity, factor_id: UUID | str, name: str, client: Client) -> Done | Refused:
        """Call one of one's factors something else; ``Refused("unknown_factor")`` if there is none of that id."""

        def work(db: Session, user: User) -> Done | Refused:
            row = self.factor_store.own(db, key_of(user), factor_id)
            if row is None:
                return Refused("unknown_factor")
            row.name = clean_name(name)
            db.flush()
            return Done("factor_renamed", user_info(user))

        return self._change("factor_renamed", session, client, work)

    def remove_factor(self, session: Identity, factor_id: UUID | str, client: Client) -> Done | Refused:
        """
        Take a factor away; the last one that stands for itself takes its spares along.

        Returns:
            ``Done("factor_removed")``; ``Refused`` with ``not_fresh``, ``unknown_factor``, or ``last_factor`` where
            the role must have one.
        """
        user = self._me(session)
        refused = Refused("unknown_user") if user is None else self._may_not(session, user, None)
        if refused is not None:
            return refused

        def work(db: Session, user: User) -> Done | Refused:
            # The user's row is locked: of two who take the last two factors at once, the second sees the first.
            refused = self._unproven(db, session, key_of(user), None)
            if refused is not None:
                return refused
            rows = self.factor_store.rows(db, key_of(user))
            gone = next((row for row in rows if row.id == as_key(self.entities.factor, factor_id)), None)
            if gone is None:
                return Refused("unknown_factor")
            left = [row for row in rows if row is not gone]
            if not self.factor_store.primary(frozenset(row.type for row in left)):
                if user.role in self.settings.second_factors.required_for and gone.type not in self._spares():
                    return Refused("last_factor")
                self._drop(db, left)
            self._drop(db, [gone])
            self.sessions.end_all(db, key_of(user), keep=session.session_id)
            self.factor_changed(db, user, "removed", self.factors.get(gone.type), client)
            return Done("factor_removed", user_info(user))

        return self._change("factor_removed", session, client, work)

    def regenerate_recovery_codes(self, session: Identity, client: Client) -> FactorAdded | Refused | Unavailable:
        """New recovery codes, shown once; the old ones are void. ``Refused`` as :meth:`enrol`."""
        outcome = self.enrol(session, "recovery_codes", None, client)
        return Refused("unknown_factor") if isinstance(outcome, Enrolling) else outcome

    def may_change_factors(self, session: Identity) -> bool:
        """Whether the login is fresh, and whoever has a factor has proven one in it; all others log in again first."""
        user = self._me(session)
        return user is not None and self._may_not(session, user, None) is None

    def _me(self, session: Identity) -> UserInfo | None:
        with self.database.read() as db:
            user = db.get(self.entities.user, as_key(self.entities.user, session.uid))
            return None if user is None or not user.is_active else user_info(user)

    def _spares(self) -> frozenset[str]:
        return frozenset(type_ for type_, factor in self.factors.items() if factor.spare)

    def _may_not(self, session: Identity, user: UserInfo, factor: Factor | None) -> Refused | None:
        """Why *session* may not change the factors of *user*."""
        if not self.is_fresh(session):
            return Refused("not_fresh")
        with self.database.read() as db:
            return self._unproven(db, session, user.id, factor)

    def _unproven(self, db: Session, session: Identity, user_id: Any, factor: Factor | None) -> Refused | None:
        """
        What the database says against it; asked once more under the lock of the user's row.

        A session that was ended meanwhile, by the first factor that somebody else set up, adds none of its own.
        """
        row = db.get(self.entities.session, session.session_id)
        primary = self.factor_store.primary(self.factor_store.types(db, user_id))
        # A browser that is trusted has proven nothing.
        if row is None or (primary and not {*row.factors} & {*self.factors, PROVIDER}):
            return Refused("not_fresh")
        return Refused("no_factor") if factor is not None and factor.spare and not primary else None

    def _begun(self, session: Identity, transaction: str | None, client: Client) -> Transaction | None:
        with self.database.read() as db:
            waiting = self.transactions.peek(db, transaction, client, ENROL)
        mine = waiting is not None and waiting.data["session"] == [session.uid, str(session.session_id)]
        return waiting if mine else None

    def _remember(self, session: Identity, setup: Setup, form: EnrolmentForm) -> Enrolling | Refused:
        begun = setup.transaction
        data = {"session": [session.uid, str(session.session_id)], "begun": remembered(setup, form)}

        def work(db: Session) -> Transaction | Refused:
            taken = self.transactions.take(db, begun.id, setup.client, ENROL) if setup.begun else begun
            if isinstance(taken, Refused):
                return taken
            return self.transactions.store(db, taken, setup.client, data, setup.user.id)

        stored = self.database.once(work)
        return stored if isinstance(stored, Refused) else Enrolling(stored, setup.factor.type, form.show)

    def _added(
        self, db: Session, session: Identity, setup: Setup, enrolment: Enrolment, name: str | None
    ) -> tuple[FactorAdded | Refused, Event]:
        factor, event = setup.factor, setup.event
        user = self.locked(db, session.uid)
        if user is None or not user.is_active:
            return Refused("unknown_user"), event
        refused = self._unproven(db, session, key_of(user), factor)
        if refused is not None:
            return refused, event
        taken = self.transactions.take(db, setup.transaction.id, setup.client, ENROL) if setup.begun else None
        if isinstance(taken, Refused):
            return taken, event
        before = self.factor_store.rows(db, key_of(user))
        if factor.spare:
            # A new set voids the old one.
            self._drop(db, [row for row in before if row.type == factor.type])
        added = self.factor_store.add(db, user, factor, enrolment, name)
        if isinstance(added, Refused):
            return added, event
        self._first_one(db, session, user, {row.type for row in before}, factor)
        self.factor_changed(db, user, "changed" if factor.spare else "added", factor, setup.client)
        info = self.factor_store.info(added)
        return FactorAdded(info.id, info.type, info.name, enrolment.show), replace(event, failed=False)

    def _first_one(self, db: Session, session: Identity, user: User, before: set[str], factor: Factor) -> None:
        """The session in which somebody sets the first factor up has proven it; all others end (MFA-16)."""
        if factor.spare or self.factor_store.primary(frozenset(before)):
            return
        self.sessions.end_all(db, key_of(user), keep=session.session_id)
        row = db.get(self.entities.session, session.session_id)
        if row is not None:
            row.factors = [*row.factors, factor.type]
            db.flush()

    def _drop(self, db: Session, rows: list[UserFactor]) -> None:
        for row in rows:
            db.delete(row)
        db.flush()
