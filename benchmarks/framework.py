"""The same two pages and the same login with the framework, as its documentation says to write them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlencode

from onegov_auth import AuthApp, Personal

__all__ = ["App", "Root", "body_of", "get", "post"]

HOST = "app.example.org"


class App(AuthApp):
    """The protected application."""


@App.path(path="")
class Root:
    """The only page."""


@App.html(model=Root, permission=Personal)
def _home(self: Root, request: Any) -> str:
    del self
    return f"Hello {request.identity.userid}"


def get(path: str, cookie: str) -> dict[str, Any]:
    """The WSGI environment of a browser that asks for *path*, as a server hands it over."""
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": HOST,
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.1",
        "HTTP_HOST": HOST,
        "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "HTTP_ACCEPT": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "HTTP_ACCEPT_LANGUAGE": "en-US,en;q=0.5",
        "HTTP_ACCEPT_ENCODING": "gzip, deflate, br",
        "HTTP_COOKIE": cookie,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def post(path: str, cookie: str, fields: dict[str, str]) -> dict[str, Any]:
    """The WSGI environment of a browser that posts a form."""
    body = urlencode(fields).encode()
    return get(path, cookie) | {
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_ORIGIN": f"https://{HOST}",
        "wsgi.input": io.BytesIO(body),
    }


def body_of(app: Callable[..., Iterable[bytes]], environ: dict[str, Any], expected: str = "200") -> bytes:
    """
    Call a WSGI application.

    Raises:
        RuntimeError: If it answers anything else than *expected*: what fails quickly must not count as quick.
    """
    status = ""

    def start_response(line: str, _headers: list[tuple[str, str]], _error: object = None) -> None:
        nonlocal status
        status = line

    body = b"".join(app(environ, start_response))
    if not status.startswith(expected):
        raise RuntimeError(f"{environ['PATH_INFO']} answered {status}")
    return body
