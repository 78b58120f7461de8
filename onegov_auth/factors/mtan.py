"""Codes by text message."""

from __future__ import annotations

import builtins
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, Self
from urllib.parse import urlsplit

from sqlalchemy import func, select

from onegov_auth.attempts import network
from onegov_auth.collections import TANCollection
from onegov_auth.domain import Client, Transaction, UserInfo, hexadecimal
from onegov_auth.errors import SettingsError
from onegov_auth.factors.contract import (
    Enrolled,
    Enrolment,
    EnrolmentForm,
    Factor,
    FactorServices,
    FactorSettings,
    Used,
)
from onegov_auth.factors.phone import e164, masked
from onegov_auth.i18n import _, translator
from onegov_auth.outcomes import Challenge, Refused, Unavailable
from onegov_auth.settings.factors import MTAN

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from onegov_auth.database import Database
    from onegov_auth.mail import Mailer

__all__ = ["MTANFactor", "SendLimits"]

#: What a code is for: one for a login is none for setting a number up, and the other way round (SMS-07).
LOGIN, SET_UP = "mtan_second_factor", "mtan_setup"

#: Names the lock that those who send wait for, on PostgreSQL; any number will do that nobody else uses.
_LOCK = 0x6D54414E

#: Whoever has no address of their own is counted by number and user only.
_NO_ADDRESS = "unknown"


@dataclass(frozen=True, slots=True)
class SendLimits:
    """
    How many messages are sent (SMS-04): each costs money, and whoever owns a number may earn from it.

    Attributes:
        pause: The time between two messages to one number or for one user.
        within: The time that messages are counted in.
        number: How many go to one number in that time.
        user: How many go out for one user.
        address: How many go out for one network address.
    """

    pause: timedelta = timedelta(seconds=30)
    within: timedelta = timedelta(hours=1)
    number: int = 5
    user: int = 5
    address: int = 20


@dataclass(frozen=True, slots=True)
class _Message:
    """One that is to be sent: what its code is bound to, and where it goes."""

    scope: str
    owner: str
    number: str
    flow: str
    address: str = _NO_ADDRESS
    language: str | None = None


@dataclass(frozen=True, kw_only=True)
class MTANFactor(Factor):
    """
    A code that is sent to a phone.

    It is bound to user, number and login, is good for ``valid`` at most, once, and for few tries; a new one voids those
    before. It can be passed on to whoever asks for it: NIST 800-63B-4 §3.1.3.3 restricts it, and the documentation
    says what to offer beside it.
    """

    type: ClassVar[str] = "mtan"
    title: ClassVar[str] = _("Code by text message")
    settings_class: ClassVar[builtins.type[FactorSettings]] = MTAN
    sends: ClassVar[bool] = True
    most: ClassVar[int] = 2

    database: Database = field(repr=False)
    mailer: Mailer = field(repr=False)
    limits: SendLimits = SendLimits()

    @classmethod
    def create(cls, settings: FactorSettings, services: FactorServices) -> Self:
        """
        Make the factor.

        Raises:
            MissingDependencyError: Without the extra ``mtan``.
            SettingsError: If no text messages can be sent.
        """
        e164("", ())
        if services.database is None or services.mailer is None or services.mailer.sms is None:
            raise SettingsError(["second_factors.mtan: needs sms.url, by which text messages leave"])
        kept, sent = services.database, services.mailer
        return cls(settings=settings, clock=services.clock, services=services, database=kept, mailer=sent)

    @property
    def automatic_setup(self) -> bool:
        """Whether people without a factor are asked for their number at the next login."""
        return bool(self.settings.automatic_setup)

    def enrol(
        self, user: UserInfo, answer: str | None, transaction: Transaction
    ) -> Enrolment | EnrolmentForm | Refused | Unavailable:
        """
        Set a number up: ask for it, then for the code that was sent there.

        Returns:
            A form with ``step``: ``number`` (and ``countries``), then ``code`` (and ``number``, masked); the enrolment;
            ``Refused`` with ``invalid_number``, ``too_many_messages`` or ``wrong_code``.
        """
        number = transaction.data.get("number")
        if answer is None:
            return EnrolmentForm({"step": "number", "countries": list(self.settings.countries)})
        flow, owner = _flow(transaction), hexadecimal(user.id)
        if isinstance(number, str):
            message = _Message(SET_UP, owner, number, flow)
            return Enrolment(data={"value": number}) if self._is_right(message, answer) else Refused("wrong_code")
        typed = e164(answer, self.settings.countries)
        if typed is None:
            return Refused("invalid_number")
        address = transaction.hints.get("address", _NO_ADDRESS)
        message = _Message(SET_UP, owner, typed, flow, address, transaction.hints.get("ui_locales"))
        refused = self._send(message)
        return refused or EnrolmentForm({"step": "code", "number": masked(typed)}, {"number": typed})

    def challenge(
        self, enrolled: Sequence[Enrolled], transaction: Transaction, client: Client
    ) -> Challenge | Refused | Unavailable:
        """
        Send a code to the number that was set up last; the page shows ``number``, masked.

        Returns:
            ``Refused("too_many_messages")`` with the seconds to wait, after too many of them.
        """
        factor = enrolled[-1]
        number = str(factor.data.get("value", ""))
        if e164(number, self.settings.countries) != number:
            # Written by an operator or before the countries changed: no message goes to where none is allowed.
            return Unavailable(self.type, "invalid_number")
        message = _Message(LOGIN, str(factor.id), number, _flow(transaction), client.address, client.language)
        refused = self._send(message)
        return refused or Challenge(data={"factor": str(factor.id), "number": number}, show={"number": masked(number)})

    def verify(
        self, enrolled: Sequence[Enrolled], answer: str, transaction: Transaction, client: Client
    ) -> Used | Refused:
        """
        Whether *answer* is the code that was sent in this login, to a number that is still the user's.

        Returns:
            The factor; ``Refused("wrong_code")`` also for one that is too old, used, or another login's.
        """
        del client
        sent = transaction.data
        factor = next((one for one in enrolled if str(one.id) == sent.get("factor")), None)
        if factor is None or factor.data.get("value") != sent.get("number"):
            return Refused("wrong_code")
        message = _Message(LOGIN, str(factor.id), str(sent.get("number")), _flow(transaction))
        return Used(factor.id) if self._is_right(message, answer) else Refused("wrong_code")

    def _is_right(self, message: _Message, answer: str) -> bool:
        code = "".join(answer.split()).replace("-", "").upper()
        # A unit of its own, which commits the failure as well: nothing that follows gives it back.
        return self.database.once(
            lambda db: self._tans(db, message.scope).use(
                code, owner=message.owner, number=message.number, flow=message.flow
            )
        )

    def _tans(self, db: Session, scope: str) -> TANCollection:
        return TANCollection(db, scope, self.settings.valid)

    def _send(self, message: _Message) -> Refused | None:
        def work(db: Session) -> Refused | None:
            if db.get_bind().dialect.name == "postgresql":
                # SQLite has one writer at a time; here two at once would both find the limit not reached.
                db.execute(select(func.pg_advisory_xact_lock(_LOCK)))
            wait = self._wait(db, message)
            if wait:
                return Refused("too_many_messages", retry_after=int(wait.total_seconds()) + 1)
            meta = {"owner": message.owner, "number": message.number, "flow": message.flow}
            tans = self._tans(db, message.scope)
            tans.expire(**meta)
            tan = tans.add(client=network(message.address), created=self.clock(), **meta).tan
            self.mailer.queue_sms(db, "mtan", message.number, self._text(tan, message.language), self.settings.valid)
            return None

        refused = self.database.once(work)
        if refused is None:
            self.mailer.wake()
        return refused

    def _wait(self, db: Session, message: _Message) -> timedelta:
        """How long no further message is sent; nothing if it may be now."""
        limits, rows = self.limits, self.services.entities.tan
        budgets: list[tuple[ColumnElement[bool], int, timedelta]] = [
            (rows.meta["number"].as_string() == message.number, limits.number, limits.pause),
            (rows.meta["owner"].as_string() == message.owner, limits.user, limits.pause),
        ]
        if message.address != _NO_ADDRESS:
            budgets.append((rows.client == network(message.address), limits.address, timedelta(0)))
        now = self.clock()
        waits = [timedelta(0)]
        for whose, most, pause in budgets:
            sent = db.scalars(
                select(rows.created)
                .where(rows.scope.in_([LOGIN, SET_UP]), rows.created > now - limits.within, whose)
                .order_by(rows.created.desc())
                .limit(most)
            ).all()
            if sent:
                waits.append(sent[0] + pause - now)
            if len(sent) == most:
                waits.append(sent[-1] + limits.within - now)
        return max(waits)

    def _text(self, code: str, language: str | None) -> str:
        """What the message says; its last line binds the code to our site (WICG, Origin-bound one-time codes)."""
        minutes = int(self.settings.valid.total_seconds() // 60)
        words = translator(language)(_("{code} is your code for {title}. It is good for {minutes} minutes."))
        # A title of two lines could be mistaken for the one that names the site.
        title = " ".join(self.services.title.split())
        host = urlsplit(self.services.base_url).hostname
        return f"{words.format(code=code, title=title, minutes=minutes)}\n\n@{host} #{code}"


def _flow(transaction: Transaction) -> str:
    """Names the login a code belongs to, without telling who reads the table how to go on with it (MFA-08)."""
    return hashlib.sha256(transaction.id.encode()).hexdigest()
