from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import repeat

import pytest

from onegov_auth.testing.servers.hostile_oidc import HostileOidcProvider, Reply
from onegov_auth_oidc.connections import Route, make_client
from onegov_auth_oidc.errors import OIDCUnreachableError
from onegov_auth_oidc.http import Http, HttpAnswer, json_object

MakeHttp = Callable[..., Http]


@pytest.fixture(name="http")
def _http(op: HostileOidcProvider) -> Iterator[Http]:
    http = Http(make_client(Route(op.issuer)), plain_loopback=True, total=1.0, max_bytes=1000)
    yield http
    http.close()


def reason(http: Http, url: str) -> str:
    with pytest.raises(OIDCUnreachableError) as caught:
        http.get(url).ok().json()
    return caught.value.reason


def test_a_question_and_its_answer(op: HostileOidcProvider, http: Http) -> None:
    """A question is answered with status, body and who answered."""
    op.replies["/a"] = Reply(200, [b'{"a":', b" 1}"])
    answer = http.get(f"{op.issuer}/a", {"X-Own": "1"})

    assert answer.ok().json() == {"a": 1}
    assert op.call("/a").headers["x-own"] == "1"


def test_of_two_headers_the_first_counts(op: HostileOidcProvider, http: Http) -> None:
    """Whatever stands there twice, and however it is written."""
    op.replies["/a"] = Reply(200, [b"{}"], {"content-TYPE": "Application/JSON; x=y", "Content-Type": "text/html"})

    assert http.get(f"{op.issuer}/a").content_type == "application/json"


def test_a_mark_of_the_byte_order_is_ignored() -> None:
    """RFC 8259 §8.1 lets who reads ignore it; another encoding than UTF-8 is none."""
    assert json_object(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}
    assert json_object('{"a": 1}'.encode("utf-16")) is None


def test_an_answer_hides_its_body() -> None:
    """Tokens may be in a body, so that it is not shown."""
    assert "secret" not in repr(HttpAnswer(200, b"secret", "id.example.com"))


@pytest.mark.sec("OIDCX-35")
@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(200, [b"<html>"]), "garbage"),
        (Reply(200, [b'"text"']), "garbage"),
        (Reply(200, [b"[" * 900]), "garbage"),
        (Reply(200, [b"\xff\xfe"]), "garbage"),
        (Reply(200, [b'{"a": NaN}']), "garbage"),
        (Reply(204), "http_status"),
        (Reply(302, [], {"Location": "/b"}), "http_status"),
        (Reply(404, [b"{}"]), "http_status"),
        (Reply(503, [b"{}"]), "http_status"),
        (Reply(200, [b"{}" + b" " * 1000]), "too_large"),
        (Reply(200, repeat(b"x" * 100)), "too_large"),
        (Reply(200, [b"{}"], {"Content-Length": "50"}), "unreachable"),
        (Reply(200, [b"{}"], {"X-Broken": "a\r\n b\x00"}), "unreachable"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_an_answer_that_cannot_be_used(op: HostileOidcProvider, http: Http, reply: Reply, expected: str) -> None:
    """No JSON object, another status, a redirect, too much or half of it: each has its reason, and nothing breaks."""
    op.replies["/a"] = reply

    assert reason(http, f"{op.issuer}/a") == expected
    assert op.paths() == ["/a"]


@pytest.mark.sec("OIDCX-35")
@pytest.mark.parametrize(
    "reply", [Reply(200, [b"{}"], delay=1.5), Reply(200, repeat(b"x"), delay=0.2)], ids=["late", "dripping"]
)
def test_a_slow_answer_is_given_up(op: HostileOidcProvider, http: Http, reply: Reply) -> None:
    """The time is for the whole answer, however often something of it arrives."""
    op.replies["/a"] = reply
    began = time.monotonic()

    assert reason(http, f"{op.issuer}/a") == "timeout"
    assert time.monotonic() - began < 1.4


def test_nobody_there(op: HostileOidcProvider, http: Http) -> None:
    """A port nobody listens at can't be reached."""
    op.close()

    assert reason(http, f"{op.issuer}/a") == "unreachable"


def test_an_unknown_name(http: Http) -> None:
    """A name that does not exist is said to be unknown."""
    assert reason(http, "https://no-such-host.invalid/a") == "dns"


@pytest.mark.sec("OAUTH-22", "OAUTH-26")
@pytest.mark.parametrize("url", ["http://id.example.com/a", "http://localhost@evil.example/", "file:///etc/passwd"])
def test_an_insecure_address_is_not_asked(http: Http, url: str) -> None:
    """Before anything is sent, the address is looked at again."""
    assert reason(http, url) == "insecure_address"


def test_plain_http_must_be_wanted(op: HostileOidcProvider) -> None:
    """Without a test provider's settings this machine is asked over TLS only."""
    http = Http(make_client(Route(op.issuer)))
    try:
        assert reason(http, f"{op.issuer}/jwks") == "insecure_address"
    finally:
        http.close()

    assert op.calls == []


def test_a_closed_client_is_trouble_and_no_crash(op: HostileOidcProvider, http: Http) -> None:
    """Connections may be lost at any time, also in the middle of a login."""
    http.close()

    assert reason(http, f"{op.issuer}/jwks") == "unreachable"


@pytest.mark.parametrize("value", ["a\r\nX-Other: b", "Zürich"])
def test_a_header_that_cannot_be_sent_is_trouble(op: HostileOidcProvider, http: Http, value: str) -> None:
    """A value that would break the header lines, or has no bytes of its own, is not sent."""
    with pytest.raises(OIDCUnreachableError):
        http.get(f"{op.issuer}/a", {"X-Own": value})

    assert op.calls == []


def test_an_address_further_inside_is_not_asked(op: HostileOidcProvider) -> None:
    """An issuer elsewhere can't make us ask this machine."""
    http = Http(
        make_client(Route("https://issuer"), resolve=lambda host, _: ["10.0.0.1" if host == "issuer" else "127.0.0.1"])
    )
    try:
        assert reason(http, op.issuer.replace("http:", "https:")) == "address"
    finally:
        http.close()


@pytest.mark.parametrize(("status", "there"), [(200, True), (404, True), (405, True), (502, False)])
def test_reach(op: HostileOidcProvider, http: Http, status: int, there: bool) -> None:
    """A server that answers is there, unless it says itself that it is out of order."""
    op.replies["/a"] = Reply(status)
    if there:
        http.reach(f"{op.issuer}/a")
    else:
        with pytest.raises(OIDCUnreachableError):
            http.reach(f"{op.issuer}/a")

    assert op.call("/a").method == "HEAD"


@pytest.mark.parametrize(
    ("text", "expected"), [(b'{"a": 1}', {"a": 1}), (b"[]", None), (b"", None), (b'{"a": Infinity}', None)]
)
def test_json_object(text: bytes, expected: object) -> None:
    """An object is an object, and all else is none."""
    assert json_object(text) == expected
