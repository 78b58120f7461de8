"""``request.auth``: the first seed's names for logging in and out, bound to one request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onegov_auth.outcomes import EnrolmentRequired, FactorRequired, LoggedIn
from onegov_auth.web.answers import complete_login, forget_person, going
from onegov_auth.web.factor_asking import after_factor
from onegov_auth.web.identity import RequestIdentity
from onegov_auth.web.redirects import redirect_to, safe_path
from onegov_auth.web.unasked import remember_leaving

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.auth import Auth
    from onegov_auth.collections import UserCollection
    from onegov_auth.web.request import AuthRequest

__all__ = ["RequestAuth"]


class RequestAuth:
    """
    Logs the person of one request in and out.

    Args:
        request: The request.
        to: Where to go afterwards; reduced to a path on this site.
        skip: Whether to leave the login out for somebody who may see *to* already.
        signup_token: The token of a signup link.

    Attributes:
        to: The path.
        skip: As given.
        signup_token: As given.
    """

    def __init__(
        self, request: AuthRequest, to: str | None = "/", *, skip: bool = False, signup_token: str | None = None
    ) -> None:
        self._request = request
        self.to = safe_path(to)
        self.skip = skip
        self.signup_token = signup_token

    def from_request(self, to: str | None = "/", *, skip: bool = False, signup_token: str | None = None) -> RequestAuth:
        """The same for this request, with somewhere to go."""
        return RequestAuth(self._request, to, skip=skip, signup_token=signup_token)

    def from_request_path(self, *, skip: bool = False, signup_token: str | None = None) -> RequestAuth:
        """The same, coming back to the page of this request."""
        return RequestAuth(self._request, self._request.here, skip=skip, signup_token=signup_token)

    @property
    def core(self) -> Auth:
        """The application's :class:`onegov_auth.auth.Auth`."""
        return self._request.root_app.auth

    @property
    def users(self) -> UserCollection:
        """The users, in the request's database session."""
        return self.core.users(self._request.db)

    def redirect(self, path: str | None = None) -> Response:
        """Go to *path*, or to :attr:`to`."""
        return redirect_to(self._request, self.to if path is None else path)

    def skippable(self) -> bool:
        """Whether the login can be left out: it was asked for, and the person may see :attr:`to` already."""
        if not self.skip or self.to == "/":
            return False
        try:
            return self._request.has_access_to_url(self.to)
        except KeyError:
            return False

    def login_to(
        self,
        username: str,
        password: str,
        *,
        second_factor: str | None = None,
        skip_providers: bool = False,
        remember: bool = False,
    ) -> Response | None:
        """
        Log in and go to :attr:`to`.

        Returns:
            The redirect with the session cookie, or the way to the second factor; None if the person is not in, for
            whatever reason.
        """
        outcome = self.core.login(
            username,
            password,
            self._request.client,
            second_factor=second_factor,
            skip_providers=skip_providers,
            remember=remember,
            to=self.to,
        )
        if isinstance(outcome, FactorRequired | EnrolmentRequired):
            return after_factor(self._request, outcome)
        return complete_login(self._request, outcome) if isinstance(outcome, LoggedIn) else None

    def complete_login(self, outcome: LoggedIn) -> Response:
        """The redirect with the session cookie, for an outcome of :attr:`core`."""
        return complete_login(self._request, outcome)

    def logout_to(self, to: str | None = None) -> Response:
        """
        End the session and go to *to*, or to :attr:`to`; by way of the provider where it ends its own session.

        Somebody who is not logged in is sent there as well.
        """
        request, root = self._request, self._request.root_app
        target = self.to if to is None else safe_path(to)
        on_logout = getattr(root, "on_logout", None)
        if on_logout is not None and request.is_logged_in:
            on_logout(request, request.current_user)
        elsewhere = self._end(target)
        # Nothing of this person's waits for the next one at this machine (SESS-09).
        list(request.consume_messages())
        forget_person(request)
        response = redirect_to(request, target) if elsewhere is None else going(request, elsewhere)
        root.forget_identity(response, request)
        remember_leaving(request)
        response.headers.add("Set-Cookie", root.cookies.forget(root.cookies.browser))
        return response

    def _end(self, target: str) -> str | None:
        """End the session; returns where the provider ends its own."""
        identity = self._request.identity
        if not isinstance(identity, RequestIdentity):
            return None
        with self.core.database.read() as db:
            session = self.core.sessions.info(db, identity.session_id)
        if session is None:
            return None
        outcome = self.core.logout(session, self._request.client, target)
        return None if outcome.redirect is None else outcome.redirect.url
