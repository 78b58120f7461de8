"""The request: who is asking, what they may do, and the small helpers of pages. Everything is made when asked for."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

import morepath
from morepath.reify import reify
from sqlalchemy.exc import OperationalError
from webob.acceptparse import create_accept_language_header

from onegov_auth import tokens
from onegov_auth.domain import Client
from onegov_auth.i18n import Translator, languages, match, translator
from onegov_auth.web import csrf
from onegov_auth.web.bearer import has_bearer
from onegov_auth.web.clients import client_address, request_id
from onegov_auth.web.cookies import read_cookie
from onegov_auth.web.destinations import destination
from onegov_auth.web.fields import MAX_BODY
from onegov_auth.web.flash import Flash, Message
from onegov_auth.web.hosts import own_origin
from onegov_auth.web.identity import RequestIdentity
from onegov_auth.web.permissions import Personal, Private, Public, Secret
from onegov_auth.web.redirects import safe_path
from onegov_auth.web.request_auth import RequestAuth

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.models import User
    from onegov_auth.web.app import AuthApp
    from onegov_auth.web.navigation import NavNode

__all__ = ["AuthRequest"]

T = TypeVar("T")

#: The age of a token is judged by whoever loads it.
_FOR_EVER = timedelta(days=36500)

#: Models with this ``access`` can be reached by their address, and are left out of lists.
UNLISTED = frozenset({"secret", "secret_mtan"})


#: Browsers send some twenty characters; what is longer is read anew each time.
MAX_KEPT_LANGUAGES = 200


@lru_cache(maxsize=256)
def _preferred(accept_language: str) -> str | None:
    found: str | None = create_accept_language_header(accept_language or None).lookup(languages(), default="")
    return found or None


class AuthRequest(morepath.Request[Any]):
    """A request to an application that people log in to."""

    #: WebOb writes larger bodies to a temporary file; a form of ours may have a password in it.
    request_body_tempfile_limit = MAX_BODY

    @property
    def root_app(self) -> AuthApp:
        """The application at the root, which everything of the configuration hangs on."""
        return cast("AuthApp", self._root_app)

    # -- who is asking -------------------------------------------------------------------------

    @reify
    def is_bearer(self) -> bool:
        """Whether a token speaks for this request, see :mod:`onegov_auth.web.bearer`; then no cookie does (CSRF-07)."""
        return has_bearer(self.environ)

    @reify
    def session_token(self) -> str | None:
        """The token of the session cookie, unchecked; None without one, or with two (COOKIE-03)."""
        header = self.environ.get("HTTP_COOKIE")
        if not header or self.is_bearer:
            return None
        return read_cookie(header, self.root_app.cookies.session) or None

    @reify
    def known_browser(self) -> str | None:
        """The browser's random value as it came with the request; None if it has none yet."""
        value = read_cookie(self.environ.get("HTTP_COOKIE"), self.root_app.cookies.browser)
        return value if value and 32 <= len(value) <= 64 else None

    @reify
    def browser(self) -> str:
        """The browser's random value; a new one is sent with the response."""
        if self.known_browser is not None:
            return self.known_browser
        value = secrets.token_urlsafe(32)
        cookies = self.root_app.cookies
        self.add_cookie(cookies.header(cookies.browser, value))
        return value

    @reify
    def carried_token(self) -> str | None:
        """What a mailed link carried here; see :mod:`onegov_auth.web.carried`."""
        return read_cookie(self.environ.get("HTTP_COOKIE"), self.root_app.cookies.carried)

    @reify
    def request_id(self) -> str:
        """Names this request in the log, in ``auth_events`` and on error pages."""
        return request_id(self.environ, self.root_app.auth.settings.trusted_proxies)

    @reify
    def client(self) -> Client:
        """What is known of the other side, for :class:`onegov_auth.auth.Auth`; gives a new browser its value."""
        return self._client(self.browser)

    @reify
    def known_client(self) -> Client:
        """The same for what another site may make a browser ask for: no value is given to a new browser."""
        return self._client(self.known_browser)

    def _client(self, browser: str | None) -> Client:
        cookies, header = self.root_app.cookies, self.environ.get("HTTP_COOKIE")
        return Client(
            address=client_address(self.environ, self.root_app.auth.settings.trusted_proxies),
            user_agent=self.user_agent,
            request_id=self.request_id,
            browser=browser,
            language=self.language,
            session_token=self.session_token,
            device=read_cookie(header, cookies.device) or "",
            trusted=read_cookie(header, cookies.trusted),
        )

    @reify
    def current_user(self) -> User | None:
        """The user who is logged in, loaded when asked for; None for nobody."""
        identity = self.identity
        if not isinstance(identity, RequestIdentity):
            return None
        return self.root_app.user_of(identity, self.db)

    @property
    def is_logged_in(self) -> bool:
        """Whether somebody is logged in."""
        return self.identity is not morepath.NO_IDENTITY

    @property
    def current_role(self) -> str | None:
        """The role of who is logged in; None for nobody."""
        return getattr(self.identity, "role", None)

    def has_role(self, *roles: str) -> bool:
        """Whether who is logged in has one of these roles."""
        return self.current_role in roles

    # -- what they may do ----------------------------------------------------------------------

    def has_permission(self, model: object, permission: type | None, user: User | None = None) -> bool:
        """
        Whether the person, or another user, has that permission on *model*.

        Args:
            model: An instance.
            permission: A permission class; None stands for a view that demands none.
            user: Somebody else.
        """
        if permission is None:
            return True
        identity = self.identity if user is None else self.root_app.identity_of(user)
        return bool(self.app._permits(identity, model, permission))  # noqa: SLF001 - Morepath's own check of a view

    def has_access_to_url(self, url: str) -> bool:
        """
        Whether the person may see the page at *url*, whose scheme and host are ignored.

        Raises:
            KeyError: If there is no such page.
        """
        return destination(self, url).permits(self.identity)

    def menu(self, name: str) -> NavNode:
        """
        A menu of the application as the person sees it; see :mod:`onegov_auth.web.navigation`.

        Raises:
            KeyError: If there is none of that name.
        """
        return self.root_app.menus[name].bind(self)

    def is_public(self, model: object) -> bool:
        """Whether the person may see what is public on *model*."""
        return self.has_permission(model, Public)

    def is_personal(self, model: object) -> bool:
        """Whether the person may see what is for members on *model*."""
        return self.has_permission(model, Personal)

    def is_private(self, model: object) -> bool:
        """Whether the person may see what is for editors on *model*."""
        return self.has_permission(model, Private)

    def is_secret(self, model: object) -> bool:
        """Whether the person may see what is for administrators on *model*."""
        return self.has_permission(model, Secret)

    def is_visible(self, model: object) -> bool:
        """Whether *model* belongs into a list for this person; secret ones are reached by address only."""
        if not self.is_public(model):
            return False
        return getattr(model, "access", None) not in UNLISTED or self.is_private(model)

    def exclude_invisible(self, models: Iterable[T]) -> list[T]:
        """Those of *models* that belong into a list for this person."""
        return [model for model in models if self.is_visible(model)]

    # -- database, login -----------------------------------------------------------------------

    @reify
    def db(self) -> Session:
        """The request's database session: committed with a good response, rolled back with a bad one, then closed."""
        return self.root_app.session_factory()

    @reify
    def auth(self) -> RequestAuth:
        """Logging in and out from a view: see :class:`RequestAuth`."""
        return RequestAuth(self)

    # -- forms, tokens, messages ---------------------------------------------------------------

    def new_csrf_token(self) -> str:
        """A token for one form; see :mod:`onegov_auth.web.csrf`."""
        return csrf.new_csrf_token(self)

    @reify
    def csrf_token(self) -> str:
        """The token for the forms of this page."""
        return self.new_csrf_token()

    def csrf_protected_url(self, url: str) -> str:
        """*url* with a token in its query, for links that a script posts or deletes."""
        return f"{url}{'&' if '?' in url else '?'}{csrf.QUERY}={self.csrf_token}"

    def assert_valid_csrf_token(self, token: str | None = None) -> None:
        """Go on only if the form is ours; raises a 403 otherwise."""
        csrf.assert_valid_csrf_token(self, token)

    def new_url_safe_token(self, data: object, salt: str | None = None) -> str:
        """
        A signed token that holds *data*, which anybody can read and nobody can change.

        Args:
            data: JSON-compatible.
            salt: What it is for; it is good for nothing else.
        """
        auth = self.root_app.auth
        claims = {"data": data, "at": auth.clock().timestamp()}
        return tokens.issue(auth.keys, f"url:{salt or ''}", claims, _FOR_EVER, auth.clock)

    def load_url_safe_token(self, token: str | None, salt: str | None = None, max_age: int | None = 3600) -> Any:
        """The data of a token not older than *max_age* seconds; None for any other."""
        auth = self.root_app.auth
        claims = tokens.read(auth.keys, f"url:{salt or ''}", token or "", auth.clock)
        if claims is None or (max_age is not None and auth.clock().timestamp() >= claims["at"] + max_age):
            return None
        return claims["data"]

    @reify
    def flash(self) -> Flash:
        """The messages for this page or the next one."""
        header = self.environ.get("HTTP_COOKIE")
        return Flash(self.root_app.auth.keys, read_cookie(header, self.root_app.cookies.flash))

    def message(self, text: str, type_: str) -> None:
        """Tell the person something on the next page that shows messages."""
        self.flash.add(text, type_)

    def success(self, text: str) -> None:
        """Tell the person that something worked."""
        self.message(text, "success")

    def warning(self, text: str) -> None:
        """Tell the person to mind something."""
        self.message(text, "warning")

    def info(self, text: str) -> None:
        """Tell the person something."""
        self.message(text, "info")

    def alert(self, text: str) -> None:
        """Tell the person that something did not work."""
        self.message(text, "alert")

    def consume_messages(self) -> Iterator[Message]:
        """The messages to show; each is given once."""
        return self.flash.consume()

    # -- the other side's wishes ---------------------------------------------------------------

    @reify
    def language(self) -> str:
        """The language to speak: the person's own, or the browser's, or that of the settings."""
        return match(self._own_language) or self._browser_language or self.root_app.auth.settings.language

    @property
    def _own_language(self) -> str | None:
        try:
            return getattr(self.identity, "language", None)
        except (OperationalError, self.root_app.driver_error):
            # The page that says so is to be read as well.
            return None

    @property
    def _browser_language(self) -> str | None:
        # RFC 4647 §3.4: the header's order and weights decide, and "de-CH" is content with "de".
        header = self.environ.get("HTTP_ACCEPT_LANGUAGE", "")
        return _preferred(header) if len(header) <= MAX_KEPT_LANGUAGES else _preferred.__wrapped__(header)

    @reify
    def translate(self) -> Translator:
        """Turns a marked text into that language."""
        return translator(self.language)

    @property
    def is_navigation(self) -> bool:
        """Whether this goes into a window, as far as the browser says; not so for an image, a frame or a script."""
        # Fetch Metadata §2.1; a browser that says nothing is an old one.
        return str(self.environ.get("HTTP_SEC_FETCH_DEST", "document")) == "document"

    @reify
    def wants_json(self) -> bool:
        """Whether a program asks rather than a person who looks at pages."""
        environ = self.environ
        if self.is_bearer or environ.get("HTTP_X_REQUESTED_WITH", "").lower() == "xmlhttprequest":
            return True
        accept = environ.get("HTTP_ACCEPT", "").lower()
        sends_json = environ.get("CONTENT_TYPE", "").startswith("application/json")
        return ("json" in accept or sends_json) and "html" not in accept

    @property
    def here(self) -> str:
        """The path to come back to after a login: this page, or the one the form of this request stood on."""
        if self.method in {"GET", "HEAD"}:
            return safe_path(self.path_qs)
        referer = self.environ.get("HTTP_REFERER", "")
        return safe_path(referer) if referer.startswith(f"{own_origin(self)}/") else "/"

    def add_cookie(self, header: str) -> None:
        """Send that ``Set-Cookie`` value with the response, whatever it turns out to be."""
        self.__dict__.setdefault("new_cookies", []).append(header)
