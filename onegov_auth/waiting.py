"""How somebody came, and a login that waits in a transaction until the person has done something else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from onegov_auth.accounts.local import SEEN
from onegov_auth.domain import AuthnContext, Client, Transaction, VerifiedIdentity
from onegov_auth.models import as_key

if TYPE_CHECKING:
    from onegov_auth.attempts import Attempt

__all__ = ["Door", "Proven", "pack", "unpack"]


@dataclass(frozen=True, slots=True)
class Proven:
    """
    Second factors that were proven, and whose they are: they count for nobody else (MFA-06).

    Attributes:
        user: The user.
        factors: Their types, or what stands in for one.
    """

    user: UUID
    factors: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """
    How somebody came to the door.

    Attributes:
        client: From where.
        username: The name as typed, if one was.
        to: Where to go afterwards.
        remember: Whether to stay logged in.
        provider: The provider that was asked, if it was chosen before.
        attempt: The reserved attempt to settle.
        link: A pending link that this login confirms.
        link_to: The user who is logged in and has begun to link this identity: nobody logs in.
        resumed: The user whose login goes on.
        created: Whether the login that goes on made the user.
        proven: The second factors that were proven in this login.
        trust: Whether this browser is to be asked for no second factor for some time.
    """

    client: Client
    username: str | None = None
    to: str = "/"
    remember: bool = False
    provider: str | None = None
    attempt: Attempt | None = None
    link: str | None = None
    link_to: UUID | None = None
    resumed: UUID | None = None
    created: bool = False
    proven: Proven | None = None
    trust: bool = False

    def waiting(
        self, identity: VerifiedIdentity, user_id: UUID, *, created: bool, resumed: bool = True
    ) -> dict[str, object]:
        """
        What a transaction has to remember for the login to go on: *identity* and how it came.

        Args:
            identity: Who was proven.
            user_id: Whose login it is.
            created: Whether it made the user.
            resumed: Whether what the provider said was applied and stays; if not, it is looked at once more.
        """
        return {
            "identity": pack(identity),
            "user": str(user_id),
            "username": self.username,
            "remember": self.remember,
            "created": created,
            "provider": self.provider,
            "link": self.link,
            "resumed": resumed,
            "proven": [] if self.proven is None else list(self.proven.factors),
            "trust": self.trust,
        }

    @classmethod
    def again(cls, waited: Transaction, client: Client, users: type[Any]) -> Self:
        """
        The door of a login that goes on, from what :meth:`waiting` remembered.

        Args:
            waited: The transaction.
            client: From where it goes on.
            users: The class of users, which may have keys of its own.
        """
        data: Mapping[str, Any] = waited.data
        user: Any = as_key(users, data["user"])
        return cls(
            client=client,
            username=data["username"],
            to=waited.to,
            remember=data["remember"],
            provider=data["provider"],
            link=data["link"],
            resumed=user if data["resumed"] else None,
            created=data["created"],
            proven=Proven(user, tuple(data["proven"])) if data["proven"] else None,
            trust=data["trust"],
        )


def pack(identity: VerifiedIdentity) -> dict[str, object]:
    """*identity* as JSON; transactions are sealed, so its secrets may be in it."""
    authn = identity.authn
    return {
        "source": identity.source,
        "issuer": identity.issuer,
        "source_id": identity.source_id,
        "username": identity.username,
        "email": identity.email,
        "email_verified": identity.email_verified,
        "realname": identity.realname,
        "groups": None if identity.groups is None else sorted(identity.groups),
        "methods": sorted(authn.methods),
        "acr": authn.acr,
        "at": None if authn.at is None else authn.at.timestamp(),
        "session_id": authn.session_id,
        "logout_hint": authn.logout_hint,
        "refresh_token": authn.refresh_token,
        # Which password hash was compared: a password that is changed meanwhile opens nothing (RACE-14).
        SEEN: identity.attributes.get(SEEN),
    }


def unpack(data: Mapping[str, Any]) -> VerifiedIdentity:
    """What :func:`pack` was given; attributes for callbacks are not kept."""
    at, seen = data["at"], data[SEEN]
    return VerifiedIdentity(
        source=data["source"],
        issuer=data["issuer"],
        source_id=data["source_id"],
        username=data["username"],
        email=data["email"],
        email_verified=data["email_verified"],
        realname=data["realname"],
        groups=None if data["groups"] is None else frozenset(data["groups"]),
        attributes={} if seen is None else {SEEN: seen},
        authn=AuthnContext(
            methods=frozenset(data["methods"]),
            acr=data["acr"],
            at=None if at is None else datetime.fromtimestamp(at, UTC),
            session_id=data["session_id"],
            logout_hint=data["logout_hint"],
            refresh_token=data["refresh_token"],
        ),
    )
