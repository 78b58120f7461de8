"""
What a second factor is.

A factor sets itself up, asks, and judges an answer; nothing else. Whose it is, how often somebody may try, that an
answer works once, sessions, events and messages belong to other rooms, and are the same for all factors.
"""

from __future__ import annotations

import builtins
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self
from uuid import UUID

from onegov_auth.clock import Clock, utcnow
from onegov_auth.domain import Client, Transaction, UserInfo
from onegov_auth.models import DEFAULT, Entities
from onegov_auth.outcomes import Challenge, Refused, Unavailable
from onegov_auth.settings.factors import FactorSettings

if TYPE_CHECKING:
    from onegov_auth.database import Database
    from onegov_auth.keys import Keys
    from onegov_auth.mail import Mailer

__all__ = ["Enrolled", "Enrolment", "EnrolmentForm", "Factor", "FactorServices", "FactorSettings", "Used"]


@dataclass(frozen=True, slots=True)
class Enrolled:
    """
    A factor a user has, as its own code sees it.

    Attributes:
        id: The row's id.
        key: What it is found by, such as the public id of a YubiKey; ``None`` if by nothing.
        data: What may be known of it.
        secret: Its secret, decrypted; ``None`` if it has none.
        last_used: When it was used last.
        counter: The highest :attr:`Used.counter` that was accepted; ``None`` if there was none.
    """

    id: UUID
    key: str | None = None
    data: Mapping[str, object] = field(default_factory=dict)
    secret: str | None = field(default=None, repr=False)
    last_used: datetime | None = None
    counter: int | None = None


@dataclass(frozen=True, slots=True)
class Enrolment:
    """
    A factor that was set up and is to be stored.

    Attributes:
        key: What it is found by; nobody else may have a factor of that type with the same key.
        data: What may be known of it; JSON-compatible, never a secret.
        secret: Its secret; encrypted before it is stored.
        counter: As :attr:`Used.counter` of the answer that confirmed it, which can't be used again (RFC 6238 §5.2).
        show: What the person sees now and never again, such as recovery codes.
        name: What to call it, unless the person says otherwise.
    """

    key: str | None = None
    data: Mapping[str, object] = field(default_factory=dict)
    secret: str | None = field(default=None, repr=False)
    counter: int | None = None
    show: Mapping[str, object] = field(default_factory=dict, repr=False)
    name: str | None = None


@dataclass(frozen=True, slots=True)
class EnrolmentForm:
    """What a person has to see and answer before a factor is set up; ``remember`` goes into the transaction."""

    show: Mapping[str, object] = field(default_factory=dict, repr=False)
    remember: Mapping[str, object] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Used:
    """
    The answer is right, unless it was used before: the core decides that by one conditional statement.

    Attributes:
        factor: Which enrolled factor it was.
        once: What may never be accepted again from this factor, such as one of several codes.
        counter: What may only grow, such as a time step or a counter: accepted if it is higher than all before.
        data: What changes in the factor's data.
        refused: A code: the answer would have been right at another time. It is used up and refused, and the person
            may be told so, because it opens nothing later either.
    """

    factor: UUID
    once: str | None = None
    counter: int | None = None
    data: Mapping[str, object] = field(default_factory=dict)
    refused: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorServices:
    """
    What a factor is handed when it is made.

    Attributes:
        clock: The time.
        token: Makes an unguessable URL-safe text of the given number of random bytes.
        application: The application id; separates the tenants of one process.
        title: The application's name, as people know it.
        base_url: Where people find the application.
        keys: Derives keys, signs and encrypts; ``None`` where nothing is kept.
        database: For what a factor keeps besides its rows, in units of work of its own; ``None`` where nothing is kept.
        mailer: Sends text messages; ``None`` where nothing is sent.
        entities: The mapped classes.
    """

    clock: Clock = utcnow
    token: Callable[[int], str] = secrets.token_urlsafe
    application: str = "main/app"
    title: str = "onegov_auth"
    base_url: str = "https://localhost"
    keys: Keys | None = None
    database: Database | None = None
    mailer: Mailer | None = None
    entities: Entities = DEFAULT


@dataclass(frozen=True, kw_only=True)
class Factor(ABC):
    """Proves an identity again. Frozen; one instance per configured type, shared by all threads."""

    #: The name of the entry point, and of the block in ``second_factors``.
    type: ClassVar[str]
    #: What people call it; marked for translation.
    title: ClassVar[str] = ""
    #: Whether its answer may be given together with the password.
    single_step: ClassVar[bool] = False
    #: Whether it only stands in for another one: it can't be the first, and doesn't meet ``required_for`` by itself.
    spare: ClassVar[bool] = False
    #: Whether asking for it sends the person something: then a page asks again for a click only.
    sends: ClassVar[bool] = False
    #: Whether what it asked for is good for one answer, right or wrong: then it has to ask again.
    one_answer: ClassVar[bool] = False
    #: How many of them one user may have.
    most: ClassVar[int] = 10
    #: What its block in the configuration may hold.
    settings_class: ClassVar[builtins.type[FactorSettings]] = FactorSettings

    settings: Any = field(repr=False)
    clock: Clock = utcnow
    services: FactorServices = field(repr=False, default_factory=FactorServices)

    @classmethod
    def create(cls, settings: FactorSettings, services: FactorServices) -> Self:
        """
        Make the instance of a configured block. No network is used here.

        Raises:
            SettingsError: If the block can't work.
            MissingDependencyError: If an optional library is missing.
        """
        return cls(settings=settings, clock=services.clock, services=services)

    @property
    def automatic_setup(self) -> bool:
        """Whether people without a factor are asked to set this one up at their next login."""
        return False

    @abstractmethod
    def enrol(
        self, user: UserInfo, answer: str | None, transaction: Transaction
    ) -> Enrolment | EnrolmentForm | Refused | Unavailable:
        """
        Set the factor up: first called without an answer, then with what the person typed.

        Args:
            user: Whose it will be.
            answer: ``None`` at first; later what the person answered to the last form; untrusted.
            transaction: Its ``data`` has what the last form remembered, and ``"enrolled"``: the keys of the factors
                of this type which the user has. ``hints["ui_locales"]`` is the person's language, or
                empty, and ``hints["address"]`` the network address.

        Returns:
            What is to be stored; another form to answer; ``Refused``, after which the last form is asked again;
            ``Unavailable`` if nobody can say.
        """

    @abstractmethod
    def challenge(
        self, enrolled: Sequence[Enrolled], transaction: Transaction, client: Client
    ) -> Challenge | Refused | Unavailable:
        """
        Ask for it: send a code, make a nonce.

        Returns:
            ``Challenge.data`` is remembered in the transaction, ``Challenge.show`` is what the page shows;
            ``Refused`` if it was asked for too often; ``Unavailable`` if it can't be asked for.
        """

    @abstractmethod
    def verify(
        self, enrolled: Sequence[Enrolled], answer: str, transaction: Transaction, client: Client
    ) -> Used | Refused | Unavailable:
        """
        Is *answer* right for one of the factors this user has enrolled?

        Called outside of any transaction, so that a server may be asked.

        Args:
            enrolled: The user's factors of this type, never empty.
            answer: What was typed; untrusted, and never longer than 100,000 characters.
            transaction: Its ``data`` has what this factor's last challenge remembered; empty if there was none.
            client: From where.
        """
