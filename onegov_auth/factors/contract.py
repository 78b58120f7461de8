"""What a second factor is."""

from __future__ import annotations

import builtins
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from onegov_auth.clock import Clock, utcnow
from onegov_auth.domain import Client, Transaction, UserInfo
from onegov_auth.outcomes import Challenge, Refused, Unavailable
from onegov_auth.settings.types import Section

__all__ = ["Enrolled", "Enrolment", "EnrolmentForm", "Factor", "FactorSettings", "Used"]


class FactorSettings(Section):
    """The block of a factor in the configuration; each factor has a subclass of its own."""


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
    """

    id: UUID
    key: str | None = None
    data: Mapping[str, object] = field(default_factory=dict)
    secret: str | None = field(default=None, repr=False)
    last_used: datetime | None = None


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A factor that was set up and is to be stored."""

    key: str | None = None
    data: Mapping[str, object] = field(default_factory=dict)
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class EnrolmentForm:
    """What a person has to see and answer before a factor is set up; ``remember`` goes into the transaction."""

    show: Mapping[str, object] = field(default_factory=dict)
    remember: Mapping[str, object] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Used:
    """
    The answer is right.

    Attributes:
        factor: Which enrolled factor it was.
        once: What may never be accepted again (a time step, a counter); the core stores it with one
            conditional statement and refuses the second of two at once.
    """

    factor: UUID
    once: str | None = None


@dataclass(frozen=True, kw_only=True)
class Factor(ABC):
    """Proves an identity again. Frozen; one instance per configured type, shared by all threads."""

    #: The name of the entry point.
    type: ClassVar[str]
    #: Whether its answer may be given together with the password.
    single_step: ClassVar[bool] = False
    #: What its block in the configuration may hold.
    settings_class: ClassVar[builtins.type[FactorSettings]] = FactorSettings

    settings: Any = field(repr=False)
    clock: Clock = utcnow

    @abstractmethod
    def enrol(
        self, user: UserInfo, answer: str | None, transaction: Transaction
    ) -> Enrolment | EnrolmentForm | Refused:
        """Set the factor up: first called without an answer, then with what the person typed."""

    @abstractmethod
    def challenge(
        self, enrolled: Sequence[Enrolled], transaction: Transaction, client: Client
    ) -> Challenge | Unavailable:
        """Ask for it: send a code, make a nonce. What it returns is remembered in the transaction."""

    @abstractmethod
    def verify(
        self, enrolled: Sequence[Enrolled], answer: str, transaction: Transaction, client: Client
    ) -> Used | Refused | Unavailable:
        """Is *answer* right for one of the factors this user has enrolled?"""
