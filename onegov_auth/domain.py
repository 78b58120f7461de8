"""
The nouns that travel between the rooms: who asks, who somebody is, what is pending.

All of them are frozen values without behaviour of their own, and none knows the database or the web.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NoReturn, TypeAlias
from uuid import UUID

__all__ = [
    "NO_SESSION",
    "AuthnContext",
    "Callback",
    "Client",
    "Headers",
    "Identity",
    "Password",
    "SessionInfo",
    "Step",
    "Transaction",
    "UserInfo",
    "VerifiedIdentity",
    "hexadecimal",
]

#: The session of an identity that came by none.
NO_SESSION = UUID(int=0)

#: Header names in lower case to their values.
Headers: TypeAlias = Mapping[str, str]


class Password:
    """
    A password as the person typed it, kept out of logs, traces and ``repr``.

    It can't be pickled, compared or turned into text by accident; :meth:`reveal` is the only way
    to the clear text, and easy to search for.
    """

    __slots__ = ("_clear",)

    def __init__(self, clear: str) -> None:
        self._clear = clear

    def reveal(self) -> str:
        """The clear text."""
        return self._clear

    def __bool__(self) -> bool:
        return bool(self._clear)

    def __repr__(self) -> str:
        return "Password('…')"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        # A pickled password would end in a cache or a queue.
        raise TypeError("a password can't be pickled")


_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


def hexadecimal(key: object) -> str:
    """A primary key as it stands in an identity: UUIDs in hexadecimal, however they are written; other keys as text."""
    if isinstance(key, UUID):
        return key.hex
    text = str(key)
    return text.replace("-", "") if _UUID.fullmatch(text) else text


@dataclass(frozen=True, slots=True)
class Client:
    """
    Who asks: what is known of the other side before anybody says who they are.

    Attributes:
        address: The network address, after trusted proxies were walked; ``"unknown"`` without one.
        user_agent: What the browser says of itself; untrusted text.
        request_id: Names the request in the log and in ``auth_events``.
        browser: A random value kept in a cookie of its own; binds transactions to this browser.
        language: The language the person reads, as a tag such as ``"de"``; ``None`` if unknown.
        session_token: The session this request came with; ended when another one is opened.
        device: The value of the cookie by which a browser is known again, empty if it sent none; ``None`` where
            no such cookie is kept, and nobody is told of new devices.
        trusted: The value of the cookie by which no second factor is asked for in this browser; untrusted.
    """

    address: str = "unknown"
    user_agent: str | None = None
    request_id: str | None = None
    browser: str | None = field(default=None, repr=False)
    language: str | None = None
    session_token: str | None = field(default=None, repr=False)
    device: str | None = field(default=None, repr=False)
    trusted: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Step:
    """
    One decision on the road, for the event log.

    Attributes:
        name: A short stable word, such as ``"search"`` or ``"id_token"``.
        detail: What was decided; never a secret, and safe for a log line.
    """

    name: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class AuthnContext:
    """
    How and when a provider made sure of the person.

    Attributes:
        methods: The authentication methods (RFC 8176 ``amr`` values, such as ``"pwd"`` or ``"otp"``).
        acr: The authentication context class (OpenID Connect Core §2), if the provider named one.
        at: When the person proved who they are, if the provider said so.
        session_id: The provider's own session (OIDC ``sid``, SAML ``SessionIndex``).
        logout_hint: What the provider wants back at logout (OIDC ``id_token``); a secret.
        refresh_token: What the provider can be asked with later whether the person is still welcome; a secret.
    """

    methods: frozenset[str] = frozenset()
    acr: str | None = None
    at: datetime | None = None
    session_id: str | None = None
    logout_hint: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedIdentity:
    """
    Who somebody is, proven. Only a provider's verifying function makes one.

    Attributes:
        source: The provider's configured name, which becomes ``User.source``.
        issuer: Who vouches (OIDC issuer, LDAP naming context); stored, and a changed one is refused.
        source_id: The stable key at the source; never a DN, mail or username. Compared byte by byte.
        username: The name to give a new user; an attribute, never a key.
        email: The address, if the source has one.
        email_verified: Whether the source vouches for the address.
        realname: The name to show.
        groups: ``None`` = the source said nothing; empty = it said "none".
        attributes: What else the source told, for callbacks.
        authn: How and when.
        steps: What the provider did, for the event log.
        role: The role that an application's own rule gives (``map_identity``), in place of what the groups give.
        barred: Why the source lets this person in no more, such as ``account_disabled``; told by
            :meth:`Directory.people` only, and never let in.
    """

    source: str
    issuer: str | None
    source_id: str
    username: str
    email: str | None = None
    email_verified: bool = False
    realname: str | None = None
    groups: frozenset[str] | None = None
    attributes: Mapping[str, object] = field(default_factory=dict)
    authn: AuthnContext = AuthnContext()
    steps: tuple[Step, ...] = ()
    role: str | None = None
    barred: str | None = None


@dataclass(frozen=True, slots=True)
class Transaction:
    """
    Something begun and to be finished once, by the same browser: see ``login_transactions``.

    Attributes:
        id: The one-time value that names it; travels as OIDC ``state``. 256 bits, only its hash is stored.
        kind: What is pending, such as ``"redirect"`` or ``"factor"``.
        provider: The provider it was begun with.
        to: The path to go to afterwards; already reduced to this site.
        data: What the provider or factor remembered (nonce, verifier); JSON-compatible.
        expires: When it is void.
        hints: How a redirect provider is asked to go about it, as OpenID Connect Core §3.1.2.1 names it: ``prompt``,
            ``login_hint``, ``max_age`` (seconds), ``acr_values``, ``ui_locales``. Known when it begins, and not stored.
    """

    id: str = field(repr=False)
    kind: str
    provider: str | None
    to: str
    data: Mapping[str, object] = field(repr=False)
    expires: datetime
    hints: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Callback:
    """
    What a browser brought back from a redirect provider; every value is untrusted.

    Attributes:
        params: Query or form parameters; each name occurs once (a doubled one was refused before).
        method: ``"GET"`` or ``"POST"``.
        url: The address called, without its query.
    """

    params: Mapping[str, str] = field(repr=False)
    method: str = "GET"
    url: str = ""


@dataclass(frozen=True, slots=True)
class UserInfo:
    """
    What may be known of a user outside of a database session.

    Attributes:
        pending_steps: The login steps that were demanded of this very user.
        returning: Whether the user has logged in before.
        factor_types: The types of second factor the user has; ``None`` if nobody looked.
        sessions: How many sessions of the user are kept, open or over; ``None`` if nobody looked.
    """

    id: UUID
    username: str
    role: str
    realname: str | None = None
    source: str | None = None
    source_id: str | None = None
    active: bool = True
    pending_steps: tuple[str, ...] = ()
    returning: bool = False
    factor_types: frozenset[str] | None = None
    sessions: int | None = None

    @property
    def title(self) -> str:
        """The real name, or the username."""
        return (self.realname or "").strip() or self.username


@dataclass(frozen=True, slots=True)
class Identity:
    """
    Who is asking, as of this request: one row of the session look-up.

    Attributes:
        userid: The username.
        uid: The user's id, in hexadecimal.
        role: The role of this moment.
        groupids: The ids of the user's groups, in hexadecimal.
        application_id: The tenant the session belongs to.
        session_id: The session's public id.
        rights: A number that moves whenever the user's rights change.
        provider: The provider the person came by.
        language: The language the person chose; ``None`` leaves it to the browser.
        confirmed: When the person proved last who they are, in seconds since 1970.
        scope: What a token of theirs is good for: permissions, and intents by name; ``None`` for all they may do.
        by_token: Whether a token speaks for them, and no session of a browser: it is good for no page of ours.
    """

    userid: str
    uid: str
    role: str
    groupids: frozenset[str]
    application_id: str
    session_id: UUID
    rights: int
    provider: str
    language: str | None = None
    confirmed: float | None = None
    scope: frozenset[str] | None = None
    by_token: bool = False


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """
    A session as other rooms see it; the token is not in it.

    Attributes:
        id: The row's id, safe to show and to link to.
        user_id: Whose session it is.
        provider: The provider the person came by.
        source_id: The person's key at that provider.
        created: When it was opened.
        last_seen: When it was used last, to the minute.
        expires: When it ends in any case.
        address: The address it was opened from.
        user_agent: The browser it was opened with.
        remember: Whether the person asked to stay logged in.
        provider_session: The provider's session id (OIDC ``sid``).
        logout_hint: What the provider wants back at logout.
        issuer: Who vouched for the person (OIDC ``iss``).
        confirmed: When the person proved last who they are.
    """

    id: UUID
    user_id: UUID
    provider: str
    source_id: str | None
    created: datetime
    last_seen: datetime
    expires: datetime
    address: str | None = None
    user_agent: str | None = None
    remember: bool = False
    provider_session: str | None = None
    logout_hint: str | None = field(default=None, repr=False)
    issuer: str | None = None
    confirmed: datetime | None = None
