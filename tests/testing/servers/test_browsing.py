"""The least browser."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from onegov_auth.errors import MissingDependencyError
from onegov_auth.testing.servers import ServerFailedError
from onegov_auth.testing.servers.browsing import cancel, forms, log_in, new_browser

PAGES = {
    "/form": (200, '<form action="/form"><input name="login"></form>'),
    "/dead-end": (200, "<p>Nothing here.</p>"),
    "/loop": (302, "/loop"),
    "/out": (302, "http://elsewhere.example.org/?code=1"),
    "/post": (
        200,
        '<form method=post action="http://elsewhere.example.org/cb?a=1"><input name="code" value="x&amp;y"></form>',
    ),
}


class Handler(BaseHTTPRequestHandler):
    """Serves the pages above."""

    def do_GET(self) -> None:
        """Answers a page or a redirect."""
        status, content = PAGES[self.path]
        self.send_response(status)
        if status == 302:
            self.send_header("Location", content)
        self.end_headers()
        if status == 200:
            self.wfile.write(content.encode())

    def do_POST(self) -> None:
        """Shows the same page again."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_args: object) -> None:
        """Prints nothing."""


@pytest.fixture(name="site")
def _site() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_first_foreign_address_ends_it(site: str) -> None:
    """Where the provider sends us is returned and not asked."""
    assert log_in(f"{site}/out", "a", "b") == "http://elsewhere.example.org/?code=1"


def test_a_form_post_becomes_a_query(site: str) -> None:
    """What a script would post is returned as a URL with the same parameters."""
    assert log_in(f"{site}/post", "a", "b") == "http://elsewhere.example.org/cb?a=1&code=x%26y"


@pytest.mark.parametrize("path", ["/form", "/dead-end", "/loop"])
def test_a_way_that_leads_nowhere_is_an_error(site: str, path: str) -> None:
    """The same form again, a page without one, a circle."""
    with pytest.raises(ServerFailedError, match=f"got no further than {site}{path}"):
        log_in(f"{site}{path}", "a", "b")


def test_cancelling_needs_a_form(site: str) -> None:
    """A page that isn't the login page can't be cancelled."""
    with pytest.raises(ServerFailedError, match="no login form"):
        cancel(f"{site}/dead-end")


def test_forms_are_read_with_what_they_hold() -> None:
    """Hidden fields are kept, fields outside a form are not."""
    found = forms(
        '<input name="x"><form action="/a"><input type=hidden name=t value="1"><input type=submit></form><form>'
    )

    assert [(form.action, form.fields) for form in found] == [("/a", {"t": "1"}), ("", {})]


def test_a_missing_http_client_names_its_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without httpx the provider runs; playing the browser says what it needs."""
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(MissingDependencyError, match="pip install 'httpx'"):
        new_browser()
