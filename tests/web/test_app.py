from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import httpx
import morepath
import pytest
import webtest
from waitress.server import create_server

from onegov_auth import AuthApp, Personal, migrations
from onegov_auth.accounts import Hooks
from onegov_auth.collections import UserCollection
from onegov_auth.database import Database
from onegov_auth.errors import SchemaOutdatedError, SettingsError
from onegov_auth.models import User
from onegov_auth.passwords import Hasher
from onegov_auth.testing.providers import KnownIssuer, KnownPeople

PASSWORD = "correct horse battery staple"


def make_sample() -> type[AuthApp]:
    """The application of the documentation: 15 lines, 10 of them ours."""

    class App(AuthApp):
        pass

    @App.path(path="")
    class Root:
        pass

    @App.html(model=Root, permission=Personal)
    def _home(self: Root, request: Any) -> str:
        return f"Hello {request.current_user.title}"

    return App


@pytest.fixture(name="write_settings")
def _write_settings(tmp_path: Path) -> Callable[..., Path]:
    """Write a settings file, with a database of its own."""

    def write(name: str, more: str = "") -> Path:
        path = tmp_path / f"{name}.yml"
        path.write_text(
            f"application: {name}/app\n"
            "base_url: http://localhost\n"
            f"database: sqlite:///{tmp_path / name}.db\n"
            f"secrets: ['{name} secret of more than thirty-two characters']\n"
            "cookies: {secure: false}\n" + more
        )
        return path

    return write


@pytest.fixture(name="make_tables")
def _make_tables(tmp_path: Path, hasher: Hasher) -> Callable[..., None]:
    """Make the tables of an application's database, and its users."""

    def make(name: str, *usernames: str) -> None:
        database = Database(f"sqlite:///{tmp_path / name}.db", hasher=hasher)
        migrations.upgrade(database.engine)
        with database.unit() as db:
            for username in usernames:
                UserCollection(db).add(username, PASSWORD, "member")
        database.dispose()

    return make


@pytest.fixture(name="load")
def _load(hasher: Hasher) -> Iterator[Callable[..., Any]]:
    """Make an application from a file; its connections are closed in the end."""
    made: list[AuthApp] = []

    def load(cls: type[AuthApp], path: Path, application: str | None = None, **more: Any) -> AuthApp:
        made.append(cls.from_yaml(path, application, hasher=hasher, **more))
        return made[-1]

    yield load
    for application in made:
        application.auth.close()


@pytest.fixture(name="start")
def _start(
    write_settings: Callable[..., Path], make_tables: Callable[..., None], load: Callable[..., Any]
) -> Callable[..., Any]:
    """Make an application with its file, its database and one user."""

    def start(name: str, cls: type[AuthApp], more: str = "") -> Any:
        path = write_settings(name, more)
        make_tables(name, "ann@example.org")
        return load(cls, path)

    return start


def enter(browser: Any, username: str = "ann@example.org", path: str = "/auth/login") -> Any:
    """Log in and follow."""
    form = browser.get(path).forms[0]
    form["username"], form["password"] = username, PASSWORD
    return form.submit().follow()


def test_sample_is_protected(start: Callable[..., Any]) -> None:
    """An application of 15 lines leads to the login page and back, in a plain test client."""
    browser = webtest.TestApp(start("sample", make_sample()))

    login = browser.get("/?a=b").follow()
    login.form["username"], login.form["password"] = "ann@example.org", PASSWORD
    page = login.form.submit().follow()

    assert page.request.path_qs == "/?a=b"
    assert page.text == "Hello ann@example.org"


@pytest.mark.sec("SESS-02", "SESS-08")
def test_two_applications_of_one_process_share_nothing(start: Callable[..., Any]) -> None:
    """Two tenants of one class: the session of one is nothing to the other, and neither are its names and roles."""
    cls = make_sample()
    one = start("one", cls, "title: First\n")
    two = start("two", cls, "title: Second\nroles: {admin: [Public], member: [Public], anonymous: []}\n")
    browser = webtest.TestApp(one)

    assert enter(browser).text == "Hello ann@example.org"
    assert "First" in browser.get("/auth/login").text
    token = browser.cookies[one.cookies.session]
    other = webtest.TestApp(two)
    assert "Second" in other.get("/auth/login").text
    other.get("/", headers={"Cookie": f"{two.cookies.session}={token}"}, status=303)
    assert one.cookies != two.cookies
    assert (one.intents["member"], two.intents["member"]) == ({"Public", "Personal"}, {"Public"})


def test_tenant_is_chosen_by_name(
    write_settings: Callable[..., Path], make_tables: Any, load: Any, tmp_path: Path
) -> None:
    """One file, two tenants: the application id picks the settings."""
    path = write_settings(
        "town", f"tenants:\n  town/other: {{title: Other, database: 'sqlite:///{tmp_path / 'other.db'}'}}\n"
    )
    make_tables("other")

    other = load(make_sample(), path, "town/other")

    assert (other.auth.settings.title, other.auth.settings.application) == ("Other", "town/other")


def test_pages_may_lie_elsewhere(start: Callable[..., Any]) -> None:
    """With another auth_path all pages and links are there, and a subclass may move them again."""

    class Moved(make_sample()):  # type: ignore[misc] # a class made by a function
        auth_path = "zugang/mitte"

    class MovedAgain(Moved):
        auth_path = "entry"

    for name, cls in (("moved", Moved), ("again", MovedAgain)):
        application = start(name, cls)
        browser = webtest.TestApp(application)
        login = browser.get("/").follow()
        assert login.request.path == f"/{cls.auth_path}/login"
        assert f'action="/{cls.auth_path}/login"' in login.text
        assert enter(browser, path=f"/{cls.auth_path}/login").text == "Hello ann@example.org"
        browser.get("/auth/login", status=404)
        assert application.auth._mount == f"/{cls.auth_path}"


def test_older_schema_stops_the_start(write_settings: Callable[..., Path]) -> None:
    """An application whose database is not up to date doesn't start, and names the command."""
    with pytest.raises(SchemaOutdatedError, match="onegov-auth db upgrade"):
        make_sample().from_yaml(write_settings("old"))


def test_protection_that_is_not_built_yet_stops_the_start(write_settings: Callable[..., Path]) -> None:
    """A key that promises protection, and can't keep it yet, is refused."""
    with pytest.raises(SettingsError, match=r"passwords\.login"):
        make_sample().from_yaml(write_settings("early", "passwords: {login: none}\n"))


@pytest.mark.parametrize("root", [morepath.App, AuthApp.auth_pages])
def test_root_has_to_be_an_auth_app(app: Any, root: Any) -> None:
    """Below a stranger there would be no headers and no transactions, and pages alone have no settings."""

    class Stranger(root):  # type: ignore[misc] # a class handed in
        pass

    def _site() -> Any:
        return app

    Stranger.mount(path="site", app=type(app))(_site)

    Stranger.commit()
    with pytest.raises(SettingsError, match="AuthApp"):
        webtest.TestApp(Stranger()).get("/site/", status="*")


class Hooked:
    """The first seed's hooks, remembering what they were told."""

    told: ClassVar[list[object]]

    def on_login(self, request: Any, user: User) -> None:
        """After a login."""
        self.told.append(("in", user.username, request.identity.userid))

    def on_logout(self, request: Any, user: User) -> None:
        """Before a logout."""
        self.told.append(("out", user.username, request.is_logged_in))

    def redirect_after_login(self, identity: Any, request: Any, default: str) -> str | None:
        """Members go to their page, wherever they wanted to go."""
        self.told.append((identity.userid, default))
        return "https://evil.example/private" if default == "/open" else None


def test_hooks_of_the_class_are_called(
    make_app: Any, make_browser: Any, app_class: Any, add_user: Callable[..., Any]
) -> None:
    """The first seed's hooks are called with the request, and where they lead is reduced to this site."""
    told: list[object] = []
    cls = type("Site", (Hooked, app_class), {"told": told})
    add_user("ann@example.org")
    browser = make_browser(make_app(cls=cls))

    assert browser.log_in("ann@example.org", to="/personal").location == "https://app.example.org/personal"
    browser.log_out()
    assert browser.log_in("ann@example.org", to="/open").location == "https://app.example.org/private"
    assert told == [
        ("ann@example.org", "/personal"),
        ("in", "ann@example.org", "ann@example.org"),
        ("out", "ann@example.org", True),
        ("ann@example.org", "/open"),
        ("in", "ann@example.org", "ann@example.org"),
    ]


def test_hooks_of_the_road_come_from_class_and_section(start: Callable[..., Any]) -> None:
    """What must happen inside a login's transaction is set on the class, or as the first seed did."""

    def ensure(*_: object) -> bool:
        return True

    def renamed(*_: object) -> None:
        return None

    class Site(make_sample()):  # type: ignore[misc] # a class made by a function
        hooks = Hooks(ensure_user_callback=ensure)

    def _callback() -> Any:
        return renamed

    Site.setting(section="user", name="change_username_callback")(_callback)

    hooks = start("hooks", Site).auth.hooks

    assert (hooks.ensure_user_callback, hooks.change_username_callback) == (ensure, renamed)


def test_host_may_bring_its_own_database(write_settings: Callable[..., Path], load: Any, tmp_path: Path) -> None:
    """A database that the host made is used in place of one from the settings."""
    database = Database(f"sqlite:///{tmp_path / 'own.db'}")
    migrations.upgrade(database.engine)

    application = load(make_sample(), write_settings("mine"), database=database)

    assert application.auth.database is database


def test_providers_are_sorted_by_what_they_do(make_app: Any) -> None:
    """The first redirect provider that is primary or logs in by itself is gone to; without one, none is."""
    people, issuer = KnownPeople(name="staff"), KnownIssuer(name="company")

    assert make_app(people, issuer).primary_provider is None
    assert make_app(people, issuer).auto_login_provider is None


@pytest.mark.sec("ASVS-13.4.2", "SESS-12")
def test_path_that_is_no_text_is_refused(browser: Any) -> None:
    """Bytes in a path that are no UTF-8 are a 400 before Morepath reads them."""
    response = browser.get("/%ff%fe", status=400)

    assert response.headers["Content-Security-Policy"]


@pytest.fixture(name="served")
def _served(start: Callable[..., Any]) -> Iterator[str]:
    """The sample on a real server; its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    application = start("served", make_sample())
    server: Any = create_server(application, host="127.0.0.1", port=port, threads=8)
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            server.asyncore.loop(timeout=0.05, count=1, map=server._map)

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{port}"
    over.set()
    thread.join(10)
    server.task_dispatcher.shutdown()
    server.asyncore.close_all(map=server._map)


@pytest.mark.sec("SESS-07")
def test_real_server_and_many_browsers(served: str) -> None:
    """Over HTTP, many browsers at once each find their way in and see themselves."""

    def visit(_number: int) -> str:
        with httpx.Client(base_url=served, follow_redirects=True, timeout=30) as browser:
            page = browser.get("/")
            fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
            fields |= {"username": "ann@example.org", "password": PASSWORD}
            return browser.post("/auth/login", data=fields, headers={"Origin": served}).text

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(visit, range(16))) == {"Hello ann@example.org"}


@pytest.mark.sec("HOST-02")
def test_real_server_refuses_two_hosts(served: str) -> None:
    """A request with two Host headers gets a 400, and no trace."""
    host, port = served.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))

    assert answer.startswith(b"HTTP/1.1 400")
    assert b"Traceback" not in answer


def test_rights_that_are_not_there_are_told(
    write_settings: Callable[..., Path],
    make_tables: Callable[..., None],
    load: Callable[..., Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What a provider's groups are to give and isn't there is named in the log when the application starts."""
    company = "{kind: oidc, issuer: 'https://id.example.com', client_id: app, client_secret: a-secret-of-the-client"
    grants = "grants: {permissions: {no.such: [a]}, bundles: {Gone: [a]}}"
    make_tables("one")
    load(make_sample(), write_settings("one", f"providers:\n  company: {company}, {grants}}}\n"))

    told = [message for message in caplog.messages if "grants" in message]
    assert told == [
        "providers.company.grants: there is no bundle Gone",
        "providers.company.grants: there is no permission no.such",
    ]
