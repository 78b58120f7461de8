"""A provider that is slow, dead, or answers nonsense: refused in time, and nobody else is in its way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any

import pytest

from onegov_auth.collections import UserCollection
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.servers.browsing import forms
from onegov_auth.testing.servers.hostile_oidc import HostileOidcProvider, Reply

Serve = Callable[..., None]

DISCOVERY = "/.well-known/openid-configuration"
PASSWORD = "correct horse battery staple"

#: Instead of five seconds for one answer, and fifteen for all of a login.
SHORT = 0.4


@pytest.fixture(name="released")
def _released() -> Iterator[threading.Event]:
    """What hangs goes on after the test."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture(name="impatient", autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits of time, short enough for a test."""
    monkeypatch.setattr("onegov_auth_oidc.connections.READ_SECONDS", SHORT)


def trouble(kind: str, released: threading.Event) -> Reply:
    replies = {
        "hangs": Reply(until=released),
        "html": Reply(200, [b"<html>Maintenance</html>"], {"Content-Type": "text/html"}),
        "half": Reply(200, [b'{"issuer": "'], {"Content-Length": "1000"}),
        "2 GB": Reply(200, repeat(b"x" * 65536)),
        "500": Reply(500, [b"{}"]),
        "redirect": Reply(307, [], {"Location": "http://169.254.169.254/"}),
    }
    return replies[kind]


CODES = {
    "hangs": "timeout",
    "html": "garbage",
    "half": "unreachable",
    "2 GB": "too_large",
    "500": "http_status",
    "redirect": "http_status",
}


@pytest.mark.sec("OIDCX-35", "ASVS-16.5.2")
@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize("path", [DISCOVERY, "/token", "/jwks", "/userinfo"])
def test_an_answer_that_is_none(
    op: HostileOidcProvider, serve: Serve, site: Any, visitor: Any, released: threading.Event, path: str, kind: str
) -> None:
    """Wherever it happens, nobody is in, nobody is told that they were wrong, and nothing more is asked."""
    serve(userinfo="always")
    op.replies[path] = trouble(kind, released)
    page = visitor.press() if path == DISCOVERY else visitor.log_in()

    assert page.status_code == (503 if path == DISCOVERY else 200)
    assert "can’t be reached" in page.text.replace("&#39;", "’").replace("'", "’")
    assert "Traceback" not in page.text
    assert site.codes() == [CODES[kind]]
    assert op.paths()[-1] == path
    assert not visitor.is_in


@pytest.mark.sec("OIDCX-35")
def test_an_answer_that_drips(
    op: HostileOidcProvider, serve: Serve, site: Any, visitor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A byte now and then keeps each single wait short, and is cut off by the time for the whole login."""
    monkeypatch.setattr("onegov_auth_oidc.provider.LOGIN_SECONDS", SHORT)
    serve(userinfo="always")
    op.replies["/token"] = Reply(200, repeat(b" "), delay=SHORT / 10)
    visitor.log_in()

    assert site.codes() == ["timeout"]
    assert not visitor.is_in


def test_a_provider_that_died(op: HostileOidcProvider, serve: Serve, site: Any, visitor: Any) -> None:
    """Between leaving and coming back the provider is gone: the person may use another way."""
    serve(userinfo="always")
    url = visitor.leave()
    callback = visitor.get(url).headers["location"]
    op.close()
    page = visitor.arrive(visitor.get(callback))

    assert "can’t be reached" in page.text.replace("&#39;", "’").replace("'", "’")
    assert site.codes() == ["unreachable"]
    assert not visitor.is_in


@pytest.fixture(name="other")
def _other(clock: FakeClock) -> Iterator[HostileOidcProvider]:
    """Another provider, which is well."""
    other = HostileOidcProvider(clock)
    other.person["email"] = "john@example.net"
    yield other
    other.close()


@pytest.mark.sec("ASVS-16.5.2", "OIDCX-35")
def test_nobody_else_waits(
    op: HostileOidcProvider,
    other: HostileOidcProvider,
    serve: Serve,
    site: Any,
    visit: Callable[[], Any],
    released: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While one provider keeps somebody waiting, others come in by another provider and by a password."""
    monkeypatch.setattr("onegov_auth_oidc.connections.READ_SECONDS", 30.0)
    second = {"kind": "oidc", "issuer": other.issuer, "client_id": "example-app", "client_secret": "s3cret"}
    site.others = {"other": {**second, "roles": {"member": ["*"]}}}
    serve(userinfo="always")
    with site.database.unit() as db:
        UserCollection(db).add("ann@example.net", PASSWORD, "member")
    reached = threading.Event()

    def hang() -> None:
        reached.set()
        released.wait()

    op.before_signing = hang
    waiting, john, ann = visit(), visit(), visit()
    thread = threading.Thread(target=waiting.log_in)
    thread.start()
    assert reached.wait(10)

    john.log_in("other")
    (form,) = (form for form in forms(ann.get("/auth/login").text) if "password" in form.fields)
    ann.post("/auth/login", {**form.fields, "username": "ann@example.net", "password": PASSWORD})

    assert john.is_in
    assert ann.is_in
    assert thread.is_alive()
    released.set()
    thread.join()
    assert waiting.is_in
