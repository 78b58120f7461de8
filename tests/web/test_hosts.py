from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from onegov_auth.web import AuthApp
from onegov_auth.web.hosts import host_name, is_loopback, own_origin


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("Example.org", "example.org"),
        ("example.org:8080", "example.org"),
        ("example.org.", "example.org"),
        ("[::1]:80", "[::1]"),
        ("[::1]", "[::1]"),
    ],
)
@pytest.mark.sec("HOST-02")
def test_one_name_has_one_spelling(host: str, name: str) -> None:
    """Case, port and the trailing dot don't make another host of it."""
    assert host_name(host) == name


@pytest.mark.parametrize(
    ("name", "loopback"),
    [
        ("localhost", True),
        ("app.localhost", True),
        ("127.0.0.1", True),
        ("[::1]", True),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("192.0.2.1", False),
    ],
)
def test_this_machine_is_recognised(name: str, loopback: bool) -> None:
    """Only names that mean the machine itself to everybody count."""
    assert is_loopback(name) is loopback


@pytest.mark.sec("HOST-01", "HOST-02", "HOST-04")
@pytest.mark.parametrize(
    ("environ", "origin"),
    [
        ({}, "https://app.example.org"),
        ({"HTTP_HOST": "APP.example.org:443"}, "https://app.example.org"),
        ({"HTTP_HOST": "app.example.org", "wsgi.url_scheme": "http"}, "https://app.example.org"),
        ({"HTTP_HOST": "evil.example"}, "https://app.example.org"),
        ({"HTTP_HOST": "app.example.org.evil.example"}, "https://app.example.org"),
        ({"HTTP_HOST": "localhost:80", "wsgi.url_scheme": "http"}, "http://localhost"),
        ({"HTTP_HOST": "127.0.0.1:8080", "wsgi.url_scheme": "http"}, "http://127.0.0.1:8080"),
        ({"HTTP_X_FORWARDED_HOST": "evil.example", "HTTP_FORWARDED": "host=evil.example"}, "https://app.example.org"),
        ({"HTTP_X_FORWARDED_PROTO": "http"}, "https://app.example.org"),
    ],
    ids=str,
)
def test_origin_is_never_a_strangers(ask: Callable[..., Any], environ: dict[str, str], origin: str) -> None:
    """Our origin is that of base_url, or the machine itself; no header makes it another one."""
    assert ask(own_origin, extra_environ=environ) == origin


@pytest.mark.sec("HOST-02")
@pytest.mark.parametrize(
    "host", ["app.example.org:evil", "app.example.org@evil.example", "a.example,b.example", "evil.example/x", "a b"]
)
def test_malformed_hosts_are_refused(browser: Any, host: str) -> None:
    """What is no host name gets a 400, with the security headers."""
    response = browser.get("/", headers={"Host": host}, status=400)

    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.fixture(name="listed")
def _listed(app_class: type[AuthApp], make_app: Callable[..., Any], make_browser: Callable[..., Any]) -> Any:
    class Listed(app_class):  # type: ignore[valid-type,misc] # a class made by a fixture
        allowed_hosts: ClassVar[frozenset[str]] = frozenset({"alias.example.org"})

    return make_browser(make_app(cls=Listed))


@pytest.mark.sec("HOST-03")
@pytest.mark.parametrize("host", ["evil.example", "localhost", "app.example.org.evil.example"])
def test_other_hosts_are_refused_where_ours_are_listed(listed: Any, host: str) -> None:
    """With allowed_hosts, a Host that is none of them gets a 400."""
    listed.get("/", headers={"Host": host}, status=400)


@pytest.mark.sec("HOST-03", "HOST-04")
@pytest.mark.parametrize(
    "host", ["alias.example.org", "Alias.example.org:443", "alias.example.org.", "app.example.org"]
)
def test_listed_hosts_are_answered(listed: Any, host: str) -> None:
    """The listed ones and that of base_url are answered, and redirects stay there."""
    response = listed.get("/personal", headers={"Host": host}, extra_environ={"wsgi.url_scheme": "http"}, status=303)

    name = "app" if host.startswith("app") else "alias"
    assert response.location.startswith(f"https://{name}.example.org")
