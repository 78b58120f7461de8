"""A site with one page for each kind of visitor, and browsers to visit it with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import morepath
import pytest
import webtest
from sqlalchemy import text
from webob.exc import HTTPGone

from onegov_auth.auth import Auth
from onegov_auth.collections import UserCollection
from onegov_auth.database import Database
from onegov_auth.models import Base, User
from onegov_auth.web import AuthApp, Permission, Personal, Private, Public, Secret, has_all, has_any

if TYPE_CHECKING:
    from onegov_auth.passwords import Hasher
    from onegov_auth.settings import Settings
    from onegov_auth.testing.clock import FakeClock
    from onegov_auth.web.identity import RequestIdentity
    from onegov_auth.web.request import AuthRequest

PASSWORD = "correct horse battery staple"


class ReadInvoices(Permission):
    """Read them."""

    token = "invoices.read"


class WriteInvoices(Permission):
    """Write them."""

    token = "invoices.write"


class App(AuthApp):
    """The site."""

    #: Who has which fine permissions.
    tokens: ClassVar[dict[str, frozenset[str]]] = {"reader@example.org": frozenset({"invoices.read"})}

    def permission_tokens(self, identity: RequestIdentity) -> frozenset[str]:
        """As listed above."""
        return self.tokens.get(identity.userid, frozenset())


class Root:
    """The front page."""


class Document:
    """Something with an audience."""

    def __init__(self, access: str) -> None:
        self.access = access
        self.published = access != "unpublished"


class Failing:
    """Pages that write, and go well or wrong."""


@App.path(path="", model=Root)
def _root() -> Root:
    return Root()


@App.path(path="documents/{access}", model=Document)
def _document(access: str) -> Document | None:
    if access == "gone":
        raise HTTPGone
    return Document(access) if access != "none" else None


@App.path(path="failing", model=Failing)
def _failing() -> Failing:
    return Failing()


@App.html(model=Root, permission=Public)
def _home(self: Root, request: AuthRequest) -> str:
    return f"<html><head></head><body>{request.identity.userid or 'nobody'}</body></html>"


@App.html(model=Root, name="open")
def _open(self: Root, request: AuthRequest) -> str:
    return "open"


@App.html(model=Root, name="personal", permission=Personal)
def _personal(self: Root, request: AuthRequest) -> str:
    user = request.current_user
    return f"Hello {user.title if user else '?'}"


@App.html(model=Root, name="personal", permission=Personal, request_method="POST")
def _post_personal(self: Root, request: AuthRequest) -> str:
    request.assert_valid_csrf_token()
    return "posted"


@App.html(model=Root, name="private", permission=Private)
def _private(self: Root, request: AuthRequest) -> str:
    return "private"


@App.html(model=Root, name="secret", permission=Secret)
def _secret(self: Root, request: AuthRequest) -> str:
    return "secret"


@App.html(model=Root, name="invoices", permission=ReadInvoices)
def _invoices(self: Root, request: AuthRequest) -> str:
    return "invoices"


@App.html(model=Root, name="both", permission=has_all(ReadInvoices, WriteInvoices))
def _both(self: Root, request: AuthRequest) -> str:
    return "both"


@App.html(model=Root, name="either", permission=has_any(ReadInvoices, Secret))
def _either(self: Root, request: AuthRequest) -> str:
    return "either"


@App.html(model=Root, name="ask")
def _ask(self: Root, request: AuthRequest) -> str:
    """Whatever the test wants to know of the request."""
    app: Any = request.root_app
    app.answer = app.question(request)
    return "asked"


@App.html(model=Document, permission=Public)
def _read(self: Document, request: AuthRequest) -> str:
    return self.access


@App.html(model=Failing, request_method="POST")
def _fail(self: Failing, request: AuthRequest) -> Any:
    """Write a note, then end as the query says."""
    request.db.execute(text("INSERT INTO notes VALUES ('written')"))
    end, status = request.GET["end"], int(request.GET.get("status", 200))
    if end == "crash":
        raise RuntimeError("a detail that is nobody's business")
    response = morepath.Response("done", status=status)
    if end == "raise":
        from webob.exc import status_map  # noqa: PLC0415 - only here

        raise status_map[status](location="/") if 300 <= status < 400 else status_map[status]()
    return response


@pytest.fixture(name="app_class", scope="session")
def _app_class() -> type[App]:
    """The site's class, for subclasses."""
    return App


@pytest.fixture(name="database")
def _database(sqlite_url: str, clock: FakeClock, hasher: Hasher) -> Iterator[Database]:
    """On SQLite only: what the pages do does not depend on it, and the rooms below are tested on both."""
    database = Database(sqlite_url, clock=clock, hasher=hasher)
    Base.metadata.create_all(database.engine)
    with database.engine.begin() as connection:
        connection.execute(text("CREATE TABLE notes (note TEXT)"))
    yield database
    database.dispose()


@pytest.fixture(name="make_app")
def _make_app(
    database: Database, clock: FakeClock, hasher: Hasher, make_settings: Callable[..., Settings]
) -> Callable[..., App]:
    """Make a site: providers by position, its class as ``cls``, settings by name."""

    def make(*providers: Any, cls: type[App] = App, **changes: Any) -> App:
        cls.commit()
        auth = Auth(make_settings(**changes), database, clock=clock, hasher=hasher, hooks=cls.hooks)
        # No thread is left with a connection when the database is closed.
        auth.mailer.close()
        if providers:
            auth.providers = {**auth.providers, **{provider.name: provider for provider in providers}}
        return cls(auth)

    return make


@pytest.fixture(name="app")
def _app(make_app: Callable[..., App]) -> App:
    """The site, with local accounts."""
    return make_app()


class Browser(webtest.TestApp):  # type: ignore[misc] # WebTest has no annotations
    """A browser; it knows the site under its own name, over TLS."""

    def __init__(self, app: Any, host: str = "app.example.org", scheme: str = "https", **environ: str) -> None:
        super().__init__(app, extra_environ={"HTTP_HOST": host, "wsgi.url_scheme": scheme, **environ})

    def log_in(self, username: str, password: str = PASSWORD, to: str = "/", **fields: str) -> Any:
        """Use the login page."""
        form = self.get("/auth/login", {"to": to, "local": "1"}).forms[0]
        form["username"], form["password"] = username, password
        for name, value in fields.items():
            form[name] = value
        return form.submit(expect_errors=True)

    def log_out(self) -> Any:
        """Use the logout page."""
        return self.get("/auth/logout").forms[0].submit()


@pytest.fixture(name="make_browser")
def _make_browser() -> Callable[..., Browser]:
    """Make a browser for an application."""
    return Browser


@pytest.fixture(name="browser")
def _browser(app: App) -> Browser:
    """A browser at the site."""
    return Browser(app)


@pytest.fixture(name="add_user")
def _add_user(database: Database) -> Callable[..., User]:
    """Add a local user by name and role."""

    def add(username: str, role: str = "member", **more: Any) -> User:
        with database.unit() as db:
            return UserCollection(db).add(username, PASSWORD, role, **more)

    return add


@pytest.fixture(name="ask")
def _ask_fixture(app: App) -> Callable[..., Any]:
    """Run a function on a request to the site, in a browser or a new one, and return what it returned."""

    def ask(question: Callable[[AuthRequest], Any], browser: Browser | None = None, **options: Any) -> Any:
        site: Any = app
        site.question = question
        (browser or Browser(app)).get("/ask", **options)
        return site.answer

    return ask


@pytest.fixture(name="notes")
def _notes(database: Database) -> Callable[[], int]:
    """How many notes were kept."""

    def count() -> int:
        with database.engine.connect() as connection:
            return int(connection.execute(text("SELECT count(*) FROM notes")).scalar_one())

    return count
