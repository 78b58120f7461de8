"""
What a call to :class:`onegov_auth.auth.Auth`, a provider or a factor comes to.

An expected refusal is a value with a stable code. The person reads one neutral sentence (the
``web`` room has them), the event log keeps the code and the steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from uuid import UUID

from onegov_auth.domain import SessionInfo, Step, Transaction, UserInfo, VerifiedIdentity

__all__ = [
    "Challenge",
    "Done",
    "Enrolling",
    "EnrolmentRequired",
    "FactorAdded",
    "FactorRequired",
    "LoggedIn",
    "LoggedOut",
    "Outcome",
    "Proof",
    "Rechecked",
    "Redirect",
    "Refused",
    "Start",
    "StepRequired",
    "Unavailable",
]


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """
    The person is in.

    Attributes:
        user: Who.
        session: The session that was opened.
        token: The session's secret, for the cookie; nothing else ever sees it.
        to: Where to go now, a path on this site.
        created: Whether the user was made by this very login.
        device: The new value of the cookie by which the browser is known again; ``None`` leaves it as it is.
        trusted: The new value of the cookie by which no second factor is asked for; ``None`` leaves it as it is.
    """

    user: UserInfo
    session: SessionInfo
    token: str = field(repr=False)
    to: str = "/"
    created: bool = False
    device: str | None = field(default=None, repr=False)
    trusted: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Done:
    """
    It is done, and nobody was logged in by it.

    Attributes:
        code: What, such as ``"registered"`` or ``"identity_linked"``.
        user: Whom it is about, where the person may know that.
        to: Where to go now, a path on this site.
    """

    code: str
    user: UserInfo | None = None
    to: str = "/"


@dataclass(frozen=True, slots=True)
class FactorRequired:
    """The identity is proven; one of these factor types has to be proven as well."""

    transaction: Transaction
    factors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EnrolmentRequired:
    """A second factor is demanded of this person, who has none yet."""

    transaction: Transaction
    factors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Enrolling:
    """
    A second factor is being set up by somebody who is logged in.

    Attributes:
        transaction: What is to be answered.
        type: The factor's type.
        show: What the person has to see.
    """

    transaction: Transaction
    type: str
    show: Mapping[str, object] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class FactorAdded:
    """
    A second factor was set up.

    Attributes:
        id: Its row's id.
        type: Its type.
        name: What it is called.
        show: What the person sees now and never again, such as recovery codes.
    """

    id: UUID
    type: str
    name: str
    show: Mapping[str, object] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class StepRequired:
    """Something else has to be done first, such as proving the local account before it is linked."""

    transaction: Transaction
    step: str


@dataclass(frozen=True, slots=True)
class Redirect:
    """
    The browser has to go elsewhere.

    Attributes:
        url: An absolute address the provider made, or a path on this site.
        remember: What the provider wants to find in ``Transaction.data`` when the browser is back.
    """

    url: str = field(repr=False)
    remember: Mapping[str, object] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Start:
    """
    Somebody else asks that a login begins here (OpenID Connect Core §4).

    Attributes:
        to: Where the person shall end up, as asked for: untrusted, and reduced to this site by ``web``.
        hints: As ``Transaction.hints``.
    """

    to: str = "/"
    hints: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Rechecked:
    """
    The provider still vouches for the person of a session.

    Attributes:
        token: The refresh token to ask with from now on.
        id_token: What the provider wants back at logout from now on; ``None`` = what it gave before.
    """

    token: str = field(repr=False)
    id_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """
    No, for a reason that was to be expected.

    Attributes:
        code: The stable reason, for the event log; ``"unknown_user"`` and ``"wrong_password"``
            are told apart here and nowhere a person can see.
        steps: What was decided on the way.
        retry_after: Seconds until another try makes sense, where that is the reason.
        to: Where the person wanted to go, for another try; a path on this site.
        proven: Whether the password was right all the same, so that the person may be told what is wrong with the
            account; everybody else learns nothing (ASVS 6.3.8).
    """

    code: str
    steps: tuple[Step, ...] = ()
    retry_after: int | None = None
    to: str | None = None
    proven: bool = False


@dataclass(frozen=True, slots=True)
class Unavailable:
    """
    Nobody can say: a server is down. Never counted as a failed attempt.

    Attributes:
        provider: Which one could not be asked.
        code: The stable reason, such as ``"timeout"`` or ``"tls"``.
        steps: What was tried.
        to: As of :class:`Refused`.
    """

    provider: str
    code: str = "unavailable"
    steps: tuple[Step, ...] = ()
    to: str | None = None


@dataclass(frozen=True, slots=True)
class Challenge:
    """
    A request provider or a factor asks the other side something first.

    Attributes:
        headers: What a request provider's question consists of.
        data: What a factor has to remember of its question; people don't see it.
        show: What a factor's page shows.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, object] = field(default_factory=dict, repr=False)
    show: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proof:
    """The request itself proved who somebody is; ``headers`` go into the answer."""

    identity: VerifiedIdentity
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """The session is over; ``to`` is a path on this site, ``redirect`` the provider's own logout."""

    to: str = "/"
    redirect: Redirect | None = None


Outcome: TypeAlias = (
    LoggedIn | FactorRequired | EnrolmentRequired | StepRequired | Done | Redirect | Refused | Unavailable
)
