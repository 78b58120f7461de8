"""The least browser that gets through a provider's pages: redirects, forms, cookies, no scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from onegov_auth.errors import MissingDependencyError
from onegov_auth.testing.servers.process import ServerFailedError

if TYPE_CHECKING:
    import httpx

__all__ = ["Form", "cancel", "fill_in", "forms", "log_in", "log_out", "new_browser"]

_MOST_STEPS = 20


@dataclass
class Form:
    """A form of a page: where it goes, and what it holds already."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(given.get("action", "")))
        elif tag == "input" and self.found and "name" in given:
            self.found[-1].fields[given["name"]] = given.get("value", "")


def forms(html: str) -> list[Form]:
    """All forms of a page."""
    parser = _Forms()
    parser.feed(html)
    return parser.found


def new_browser() -> httpx.Client:
    """A browser without cookies; it follows nothing by itself and knows no proxy."""
    try:
        import httpx  # noqa: PLC0415 — only tests have it; the demo runs the provider without
    except ImportError as error:
        raise MissingDependencyError("playing the browser", "httpx") from error
    return httpx.Client(follow_redirects=False, trust_env=False, timeout=30)


@contextmanager
def _opened(browser: httpx.Client | None) -> Iterator[httpx.Client]:
    if browser is not None:
        yield browser
        return
    with new_browser() as fresh:
        yield fresh


class _Visit:
    """One way through the provider's pages, up to the first URL outside of it."""

    def __init__(self, browser: httpx.Client, url: str, answers: Mapping[str, str]) -> None:
        self.browser = browser
        self.origin = _origin(url)
        self.answers = answers
        self.response = browser.get(url)

    def leave(self) -> str:
        """Fill in forms and follow redirects until the provider sends us away; returns where to."""
        seen: set[str] = set()
        for _ in range(_MOST_STEPS):
            if self.response.has_redirect_location:
                target = urljoin(str(self.response.url), self.response.headers["location"])
                if self._outside(target):
                    return target
                self.response = self.browser.get(target)
                continue
            form = self._form()
            action = urljoin(str(self.response.url), form.action)
            if self._outside(action):
                return _with_query(action, form.fields)
            if action in seen:
                break
            seen.add(action)
            self.response = self.browser.post(action, data={**form.fields, **self.answers})
        raise self._stuck()

    def _form(self) -> Form:
        found = forms(self.response.text)
        if not found:
            raise self._stuck()
        return found[0]

    def _outside(self, url: str) -> bool:
        return _origin(url) != self.origin

    def _stuck(self) -> ServerFailedError:
        response = self.response
        return ServerFailedError(f"got no further than {response.url} ({response.status_code}):\n{response.text}")


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _with_query(url: str, parameters: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *parameters.items()])
    return urlunsplit(parts._replace(query=query))


def log_in(url: str, login: str, password: str, browser: httpx.Client | None = None) -> str:
    """
    Log in at a provider whose form has the fields ``login`` and ``password``; returns the callback's URL.

    A callback by form post (OAuth 2.0 Form Post Response Mode) is returned as a URL with the same parameters.

    Raises:
        ServerFailedError: A page without a form, or the same form again.
    """
    return fill_in(url, {"login": login, "password": password}, browser)


def fill_in(url: str, answers: Mapping[str, str], browser: httpx.Client | None = None) -> str:
    """As :func:`log_in`, with any *answers* to the first form of each page."""
    with _opened(browser) as opened:
        return _Visit(opened, url, answers).leave()


def cancel(url: str, browser: httpx.Client | None = None) -> str:
    """Begin to log in and cancel; returns the callback's URL. Raises ServerFailedError."""
    with _opened(browser) as opened:
        response = opened.get(url)
        while response.has_redirect_location:
            response = opened.get(urljoin(str(response.url), response.headers["location"]))
        found = forms(response.text)
        if not found:
            raise ServerFailedError(f"no login form at {response.url}:\n{response.text}")
        action = urljoin(str(response.url), found[0].action)
        return _Visit(opened, urljoin(action, "abort"), {}).leave()


def log_out(url: str, browser: httpx.Client | None = None) -> str:
    """Confirm an RP-initiated logout; returns where the provider sends the browser. Raises ServerFailedError."""
    return fill_in(url, {"logout": "yes"}, browser)
