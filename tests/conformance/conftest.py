"""
The relying party as the OpenID conformance suite sees it: a served site, and a provider that deviates.

``make conformance`` prints one line for each module of the target set: a test belongs to the modules whose ids its
``sec`` marker names.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Generator, Iterator, Mapping
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
import yaml
from webtest.http import StopableWSGIServer

from onegov_auth import AuthApp, Personal, migrations
from onegov_auth.database import Database
from onegov_auth.models import AuthEvent
from onegov_auth.passwords import Hasher
from onegov_auth.settings import load_settings
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.servers.browsing import forms, new_browser
from onegov_auth.testing.servers.hostile_oidc import HostileOidcProvider
from onegov_auth.testing.servers.process import free_ports

#: The modules of the OpenID conformance suite that the relying party passes, by our ids.
TARGET: Mapping[str, str] = yaml.safe_load((Path(__file__).parent / "modules.yml").read_text(encoding="utf-8"))

RESULTS = pytest.StashKey[dict[str, list[str]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--conformance``."""
    parser.addoption("--conformance", action="store_true", help="print one line per module of the target set")


def pytest_configure(config: pytest.Config) -> None:
    """Nothing is known at the beginning."""
    empty: dict[str, list[str]] = {name: [] for name in TARGET}
    config.stash[RESULTS] = empty


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember how the test ended, for each module it belongs to."""
    report = yield
    if report.when == "call" or report.outcome != "passed":
        for name in {name for marker in item.iter_markers("sec") for name in marker.args} & TARGET.keys():
            item.config.stash[RESULTS][name].append(report.outcome)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A module that no test is about has not passed."""
    if _asked_for(session.config) and any(_verdict(ends) != "pass" for ends in session.config.stash[RESULTS].values()):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_report_teststatus(report: pytest.TestReport, config: pytest.Config) -> tuple[str, str, str] | None:
    """No dots between the lines."""
    return (report.outcome, "", "") if _asked_for(config) and report.passed else None


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """One line for each module."""
    if not _asked_for(config):
        return
    terminalreporter.section("OpenID Connect relying party")
    for name, module in TARGET.items():
        verdict = _verdict(config.stash[RESULTS][name])
        terminalreporter.write_line(f"{verdict:<5} {module}  ({name})", green=verdict == "pass", red=verdict != "pass")
    passed = sum(_verdict(ends) == "pass" for ends in config.stash[RESULTS].values())
    terminalreporter.write_line(f"{passed} of {len(TARGET)} modules pass")


def _asked_for(config: pytest.Config) -> bool:
    return bool(config.getoption("--conformance", default=False))


def _verdict(ends: list[str]) -> str:
    return "pass" if ends and set(ends) == {"passed"} else "fail"


class Visitor:
    """
    Somebody with a browser.

    Attributes:
        browser: Holds the cookies.
    """

    def __init__(self, site: str) -> None:
        self.site = site
        self.browser = new_browser()

    def get(self, path: str) -> httpx.Response:
        """Ask for a page of the site, or any address."""
        return self.browser.get(urljoin(self.site, path), headers={"Sec-Fetch-Dest": "document"})

    def post(self, path: str, fields: Mapping[str, str], origin: str | None = None) -> httpx.Response:
        """Send a form, from the site's own page unless said otherwise."""
        headers = {"Origin": origin or self.site, "Sec-Fetch-Dest": "document"}
        return self.browser.post(urljoin(self.site, path), data=dict(fields), headers=headers)

    def press(self, name: str = "company") -> httpx.Response:
        """Press a provider's button on the login page."""
        page = self.get("/auth/login?local=1&to=/personal")
        (form,) = (form for form in forms(page.text) if form.action.endswith(f"/provider/{name}"))
        return self.post(form.action, form.fields)

    def leave(self, name: str = "company") -> str:
        """Press the button; the authorization request's address."""
        page = self.press(name)
        assert page.status_code == 200, page.text
        return address_of(page)

    def consent(self, url: str) -> httpx.Response:
        """Go to the provider and come back with what it gives; the site's answer."""
        return self._back(self.get(url))

    def log_in(self, name: str = "company") -> httpx.Response:
        """All of it; the site's last answer."""
        return self.arrive(self.consent(self.leave(name)))

    def arrive(self, response: httpx.Response) -> httpx.Response:
        """Follow the site's own redirects."""
        while response.has_redirect_location and not response.headers["location"].startswith("/auth/provider/"):
            response = self.get(response.headers["location"])
        return response

    def log_out(self) -> httpx.Response:
        """Press the button of the logout page; the site's answer."""
        (form, *_) = (form for form in forms(self.get("/auth/logout").text) if form.action.endswith("/logout"))
        return self.post(form.action, form.fields)

    @property
    def is_in(self) -> bool:
        """Whether the personal page is shown."""
        return self.get("/personal").status_code == 200

    def _back(self, answer: httpx.Response) -> httpx.Response:
        if answer.has_redirect_location:
            return self.get(answer.headers["location"])
        (form,) = forms(answer.text)
        origin = f"{answer.url.scheme}://{answer.url.netloc.decode()}"
        # SameSite=Lax: a form posted by another site comes without cookies.
        with new_browser() as bare:
            headers = {"Origin": origin, "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "cross-site"}
            bounce = bare.post(form.action, data=form.fields, headers=headers)
        (again,) = forms(bounce.text)
        return self.post(again.action, again.fields)


def address_of(page: httpx.Response) -> str:
    """Where a page of ours sends the browser on to."""
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', page.text)
    assert found is not None, page.text
    return unescape(found[1])


class Site:
    """
    The relying party: a whole application, served.

    Attributes:
        others: More providers in its settings.
    """

    def __init__(self, folder: Path, database: Database, clock: FakeClock) -> None:
        (self.port,) = free_ports()
        self.url = f"http://127.0.0.1:{self.port}"
        self.database = database
        self.others: dict[str, Any] = {}
        self._path = folder / "auth.yml"
        self._clock = clock
        self.app: Any = None
        self._server: Any = None

    def serve(self, **block: Any) -> None:
        """Serve an application whose provider ``company`` is *block*."""
        settings = {
            "base_url": self.url,
            "database": self.database.engine.url.render_as_string(hide_password=False),
            "secrets": ["a secret for tests only, of more than 32 characters"],
            "cookies": {"secure": False},
            "providers": {
                "local": {"kind": "local"},
                "company": {"kind": "oidc", "roles": {"member": ["*"]}, **block},
                **self.others,
            },
        }
        self._path.write_text(yaml.safe_dump(settings), encoding="utf-8")
        loaded = load_settings(self._path)
        self.app = make_app().from_settings(loaded, database=self.database, clock=self._clock, hasher=Hasher.cheap())
        self._server = StopableWSGIServer.create(self.app, host="127.0.0.1", port=self.port)

    def codes(self) -> list[str | None]:
        """The codes of the recorded events, in order."""
        with self.database.read() as db:
            return [event.code for event in db.query(AuthEvent).order_by(AuthEvent.id)]

    def close(self) -> None:
        """Stop serving."""
        if self._server is not None:
            self._server.shutdown()
            self.app.auth.close()


def make_app() -> type[AuthApp]:
    class App(AuthApp):
        """A front page, and one for people."""

    @App.path(path="")
    class Root:
        pass

    @App.html(model=Root)
    def home(self: Root, request: Any) -> str:
        return "home"

    @App.html(model=Root, name="personal", permission=Personal)
    def personal(self: Root, request: Any) -> str:
        return f"{request.identity.userid}|{request.current_user.realname}"

    return App


@pytest.fixture(name="op")
def _op(clock: FakeClock) -> Iterator[HostileOidcProvider]:
    """The provider; it does everything right until it is told otherwise."""
    op = HostileOidcProvider(clock)
    yield op
    op.close()


@pytest.fixture(name="migrated", scope="session")
def _migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file as ``db upgrade`` makes it, to be copied."""
    path = tmp_path_factory.mktemp("conformance") / "migrated.db"
    database = Database(f"sqlite:///{path}")
    migrations.upgrade(database.engine)
    database.dispose()
    return path


@pytest.fixture(name="site_url")
def _site_url(tmp_path: Path, migrated: Path) -> str:
    """The URL of the relying party's database."""
    return f"sqlite:///{shutil.copy(migrated, tmp_path / 'site.db')}"


@pytest.fixture(name="site")
def _site(tmp_path: Path, site_url: str, clock: FakeClock) -> Iterator[Site]:
    """The relying party, not served yet."""
    database = Database(site_url, clock=clock)
    site = Site(tmp_path, database, clock)
    yield site
    site.close()
    database.dispose()


@pytest.fixture(name="serve")
def _serve(site: Site, op: HostileOidcProvider) -> Callable[..., None]:
    """Serves the site; the arguments change the provider's block in the settings."""

    def serve(**block: Any) -> None:
        site.serve(issuer=op.issuer, client_id=op.client_id, client_secret=op.client_secret, **block)

    return serve


@pytest.fixture(name="visit")
def _visit(site: Site) -> Iterator[Callable[[], Visitor]]:
    """Makes visitors of the site."""
    visitors: list[Visitor] = []

    def visit() -> Visitor:
        visitors.append(Visitor(site.url))
        return visitors[-1]

    yield visit
    for visitor in visitors:
        visitor.browser.close()


@pytest.fixture(name="visitor")
def _visitor(visit: Callable[[], Visitor]) -> Visitor:
    """Somebody with a browser."""
    return visit()


@pytest.fixture(name="address_of")
def _address_of() -> Callable[[httpx.Response], str]:
    """Reads from a page of ours where it sends the browser on to."""
    return address_of


@pytest.fixture(name="stops_after")
def _stops_after(op: HostileOidcProvider, site: Site, visitor: Visitor) -> Callable[[str, str], bool]:
    """
    The suite's oracle: nothing is asked of the provider after that path but for keys, and nobody is logged in.

    Its second argument is the code that the event log has to have, because many a wrong reason stops a login, too.
    """

    def stops_after(path: str, code: str) -> bool:
        visitor.log_in()
        asked = op.paths()
        further = set(asked[asked.index(path) + 1 :]) - {"/jwks"}
        assert not further, further
        assert not visitor.is_in
        assert code in site.codes(), site.codes()
        return True

    return stops_after
