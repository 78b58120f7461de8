"""Who is asking: the session cookie or a token, looked up once a request by one indexed statement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

import morepath
from morepath.reify import reify

from onegov_auth.web.bearer import bearer_identity

if TYPE_CHECKING:
    from uuid import UUID

    from webob import Response

    from onegov_auth.domain import Identity
    from onegov_auth.models import User
    from onegov_auth.web.request import AuthRequest

__all__ = ["RequestIdentity", "SessionPolicy"]

_NAMES = dict.fromkeys(("uid", "role", "groupids", "application_id", "session_id", "rights", "provider", "language"))


class RequestIdentity(morepath.Identity):
    """
    An identity as Morepath's permission rules want it; lives as long as its request.

    Attributes:
        userid: The username.
        uid: The user's id, in hexadecimal.
        role: The role of this moment.
        groupids: The ids of the user's groups, in hexadecimal.
        application_id: The tenant the session belongs to.
        session_id: The session's public id.
        rights: A number that moves whenever the user's rights change.
        provider: The provider the person came by.
        language: The language the person chose; None leaves it to the browser.
        confirmed: When the person proved last who they are, in seconds since 1970.
        scope: What a token of theirs is good for: permissions, and intents by name; None for all they may do.
        by_token: Whether a token speaks for them, and no session of a browser: it is good for no page of ours.
        tokens: The fine permissions, once an application that gives them was asked.
    """

    userid: str
    uid: str
    role: str
    groupids: frozenset[str]
    application_id: str
    session_id: UUID
    rights: int
    provider: str
    language: str | None
    confirmed: float | None
    scope: frozenset[str] | None
    by_token: bool
    tokens: frozenset[str] | None

    def __init__(self, row: Identity, request: AuthRequest | None = None) -> None:
        # Not by Morepath's own __init__, whose loop over keywords costs more than all of this.
        self._names = _NAMES.keys()
        self.verified = None
        # The request has its identity: a reference back would leave both to the garbage collector.
        self._request = None if request is None else ref(request)
        self.tokens = None
        self.userid = row.userid
        self.uid = row.uid
        self.role = row.role
        self.groupids = row.groupids
        self.application_id = row.application_id
        self.session_id = row.session_id
        self.rights = row.rights
        self.provider = row.provider
        self.language = row.language
        self.confirmed = row.confirmed
        self.scope = row.scope
        self.by_token = row.by_token

    @reify
    def asked_user(self) -> User | None:
        """The user, for conditions that ask it; loaded in the request's database session."""
        request = None if self._request is None else self._request()
        return None if request is None else request.current_user


class SessionPolicy(morepath.IdentityPolicy):
    """Morepath's identity policy over our sessions."""

    def identify(self, request: Any) -> Any:
        """
        Who has the session of the request's cookie, or the token in its head; ``NO_IDENTITY`` for nobody.

        Raises:
            BearerRefused: If there is a token that is no good: whoever shows one is never taken for a visitor.
        """
        if request.is_bearer:
            return RequestIdentity(bearer_identity(request), request)
        token = request.session_token
        if token is None:
            return morepath.NO_IDENTITY
        row = request.root_app.auth.sessions.lookup(token)
        return morepath.NO_IDENTITY if row is None else RequestIdentity(row, request)

    def remember(self, response: Response, request: AuthRequest, identity: Any) -> None:
        """
        Morepath's road to log somebody in; it is closed, because no check would stand on it.

        Raises:
            NotImplementedError: Always; :meth:`onegov_auth.auth.Auth.login` opens sessions.
        """
        raise NotImplementedError("sessions are opened by request.auth.login_to and by nothing else")

    def forget(self, response: Response, request: AuthRequest) -> None:
        """Make the browser drop the session cookie and what it cached of a logged-in person (ASVS 14.3.1)."""
        cookies = request.root_app.cookies
        response.headers.add("Set-Cookie", cookies.forget(cookies.session))
        response.headers["Clear-Site-Data"] = '"cache"'
