"""A browser at an application under test, in which anybody may be logged in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import urlsplit

from onegov_auth.domain import Client
from onegov_auth.errors import MissingDependencyError
from onegov_auth.testing.people import open_session

try:
    from webtest import TestApp
    from webtest.app import CookiePolicy
except ImportError as error:
    raise MissingDependencyError("onegov_auth.testing.client", "onegov-auth[testing]") from error

__all__ = ["AuthClient", "AuthTestApp"]

#: Stands for "whoever is logged in in this client".
_WHOEVER: Any = object()


class AuthClient(TestApp):  # type: ignore[misc] # WebTest has no annotations
    """
    A browser without scripts (WebTest) that knows the site by its own address.

    Every request method also takes ``user``: the one request is that user's, or nobody's for ``None``, and the client
    is as it was before. Logging in takes the application's one road, and opens a session as anybody's; there is
    nothing in a request by which a test, or anybody else, could be somebody without one.

    Args:
        app: The application.
        user: Who is logged in, if somebody is: a user, or a username.
        factors: The types of second factors that this user has proven.
        address: From where.
        environ: Other variables of each request.
    """

    def __init__(
        self,
        app: Any,
        user: Any = None,
        *,
        factors: Sequence[str] = (),
        address: str = "192.0.2.1",
        **environ: str,
    ) -> None:
        base = urlsplit(app.auth.settings.base_url)
        known = {"HTTP_HOST": base.netloc, "wsgi.url_scheme": base.scheme, "REMOTE_ADDR": address}
        super().__init__(app, extra_environ={**known, **environ})
        self.cookiejar: CookieJar
        self.address = address
        if user is not None:
            self.log_in(user, factors)

    def log_in(self, user: Any, factors: Sequence[str] = ()) -> None:
        """
        Log a user in, in place of whoever was.

        Raises:
            AssertionError: If the application lets this user in by no password.
        """
        client = Client(address=self.address, user_agent="WebTest", browser="a browser of onegov_auth.testing")
        self.set_cookie(self.app.cookies.session, open_session(self.app, user, client, factors).token)

    def set_cookie(self, name: str, value: str) -> None:
        """Set a cookie as a browser has it: WebTest puts quotes around values, which no value of ours has."""
        super().set_cookie(name, value)
        for cookie in self.cookiejar:
            if cookie.name == name:
                cookie.value = value

    @contextmanager
    def acting_as(self, user: Any) -> Iterator[None]:
        """Be another user for some requests, or nobody for ``None``, and then whoever was logged in before."""
        before, self.cookiejar = self.cookiejar, CookieJar(policy=CookiePolicy())
        try:
            if user is not None:
                self.log_in(user)
            yield
        finally:
            self.cookiejar = before

    def csrf_token(self) -> str:
        """A token for a form that this browser posts."""
        page = self.get(f"/{self.app.auth_path}/login", {"local": "1"})
        return str(next(form["csrf_token"].value for form in page.forms.values() if "csrf_token" in form.fields))

    def get(self, *args: Any, user: Any = _WHOEVER, **kwargs: Any) -> Any:
        """As WebTest's, by *user*."""
        return self._by(user, super().get, args, kwargs)

    def head(self, *args: Any, user: Any = _WHOEVER, **kwargs: Any) -> Any:
        """As WebTest's, by *user*."""
        return self._by(user, super().head, args, kwargs)

    def options(self, *args: Any, user: Any = _WHOEVER, **kwargs: Any) -> Any:
        """As WebTest's, by *user*."""
        return self._by(user, super().options, args, kwargs)

    def post(self, *args: Any, user: Any = _WHOEVER, **kwargs: Any) -> Any:
        """As WebTest's, by *user*."""
        return self._by(user, super().post, args, kwargs)

    def put(self, *args: Any, user: Any = _WHOEVER, **kwargs: Any) -> Any:
        """As WebTest's, by *user*."""
        return self._by(user, super().put, args, kwargs)

    def patch(self, *args: Any, user: Any = _WHOEVER, **kwargs: Any) -> Any:
        """As WebTest's, by *user*."""
        return self._by(user, super().patch, args, kwargs)

    def delete(self, *args: Any, user: Any = _WHOEVER, **kwargs: Any) -> Any:
        """As WebTest's, by *user*."""
        return self._by(user, super().delete, args, kwargs)

    def post_json(self, *args: Any, user: Any = _WHOEVER, **kwargs: Any) -> Any:
        """As WebTest's, by *user*."""
        return self._by(user, super().post_json, args, kwargs)

    def _by(self, user: Any, send: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if user is _WHOEVER:
            return send(*args, **kwargs)
        with self.acting_as(user):
            return send(*args, **kwargs)


#: The second seed's name.
AuthTestApp = AuthClient
