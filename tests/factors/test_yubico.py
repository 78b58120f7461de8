"""Questions to validation servers that lie, hang or are down."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from onegov_auth.factors.yubico import MAX_ANSWER, ValidationServers
from onegov_auth.outcomes import Refused, Unavailable
from onegov_auth.settings.types import Secret
from onegov_auth.testing.servers.hostile_http import Call, HostileServer, Reply

KEY = b"0123456789abcdefghij"
PASSWORD = "cccccccvfdfbegfviiiierjcviervfvichhjhdfnldkr"
PATH = "/wsapi/2.0/verify"


def signed(values: dict[str, str], key: bytes = KEY) -> Reply:
    text = "&".join(f"{name}={value}" for name, value in sorted(values.items()))
    mac = base64.b64encode(hmac.digest(key, text.encode(), hashlib.sha1)).decode()
    lines = [f"h={mac}", *(f"{name}={value}" for name, value in values.items())]
    return Reply(body=["\r\n".join([*lines, ""]).encode()])


class Validator(HostileServer):
    """Says what it is told to, rightly signed unless told otherwise."""

    status = "OK"
    key = KEY
    changed: dict[str, str | None] = {}  # noqa: RUF012 - replaced, never changed

    def right(self, call: Call) -> Reply:
        """What Validation Protocol 2.0 says, with the values that are to be different."""
        values = {"t": "2026-11-21T22:00:00Z0123", "sl": "100", "status": self.status}
        values |= {name: call.query.get(name, "") for name in ("otp", "nonce")}
        values |= {name: value for name, value in self.changed.items() if value is not None}
        return signed(
            {name: value for name, value in values.items() if self.changed.get(name, "") is not None}, self.key
        )


@pytest.fixture(name="new_server")
def _new_server() -> Iterator[Callable[..., Validator]]:
    made: list[Validator] = []

    def new_server(status: str = "OK", key: bytes = KEY, **changed: str | None) -> Validator:
        server = Validator()
        server.status, server.key, server.changed = status, key, changed
        made.append(server)
        return server

    yield new_server
    for server in made:
        server.close()


def ask(*servers: HostileServer, **options: Any) -> Refused | Unavailable | None:
    secret = Secret(base64.b64encode(KEY).decode())
    return ValidationServers.of("1", secret, [server.address + PATH for server in servers], **options).refusal(PASSWORD)


def test_a_signed_ok_is_one(new_server: Callable[..., Validator]) -> None:
    """The question is signed and carries a nonce, and the right answer lets in."""
    server = new_server()

    assert ask(server) is None

    query = dict(server.call(PATH).query)
    mac = query.pop("h")
    text = "&".join(f"{name}={value}" for name, value in sorted(query.items()))
    assert mac == base64.b64encode(hmac.digest(KEY, text.encode(), hashlib.sha1)).decode()
    assert (query["id"], query["otp"], len(query["nonce"])) == ("1", PASSWORD, 40)


@pytest.mark.sec("YUBI-02")
@pytest.mark.parametrize(
    "lie",
    [
        {"key": b"another key"},
        {"nonce": "0" * 40},
        {"nonce": None},
        {"otp": "cccccccvfdfb" + "c" * 32},
        {"otp": None},
        {"status": None},
    ],
    ids=["signed by another key", "other nonce", "no nonce", "other password", "no password", "no status"],
)
def test_an_answer_to_something_else_is_no_answer(new_server: Callable[..., Validator], lie: dict[str, Any]) -> None:
    """What another key signed, and what repeats neither our nonce nor the password, lets nobody in."""
    status = lie.pop("status", "OK")
    server = new_server(**lie)
    if status is None:
        server.changed = {"status": None}

    assert isinstance(ask(server), Unavailable)


@pytest.mark.sec("YUBI-02")
@pytest.mark.parametrize(
    "body", [b"", b"status=OK\r\n", b"h=\r\nstatus=OK\r\n", b"h=\r\n", b"\xff\xfe", b"=\r\n=\r\n", b"h"]
)
def test_an_unsigned_ok_is_no_answer(new_server: Callable[..., Validator], body: bytes) -> None:
    """Without a signature nothing is believed, however it looks."""
    server = new_server()
    server.replies[PATH] = Reply(body=[body])

    assert isinstance(ask(server), Unavailable)


@pytest.mark.sec("YUBI-02")
def test_a_line_that_is_there_twice_is_not_chosen_from(new_server: Callable[..., Validator]) -> None:
    """Two statuses under one signature are no answer, whichever comes last."""
    server = new_server()
    text = f"nonce=n&otp={PASSWORD}&status=BAD_OTP&status=OK"
    mac = base64.b64encode(hmac.digest(KEY, text.encode(), hashlib.sha1)).decode()
    server.replies[PATH] = Reply(body=[f"h={mac}\r\n".encode() + text.replace("&", "\r\n").encode()])
    secret = Secret(base64.b64encode(KEY).decode())
    servers = ValidationServers.of("1", secret, [server.address + PATH])

    verdict = ValidationServers(servers.urls, servers.protocol, nonce=lambda: "n").refusal(PASSWORD)

    assert isinstance(verdict, Unavailable)


@pytest.mark.sec("YUBI-02")
@pytest.mark.parametrize(("status", "code"), [("BAD_OTP", "wrong_code"), ("REPLAYED_OTP", "code_used")])
def test_a_no_is_a_refusal(new_server: Callable[..., Validator], status: str, code: str) -> None:
    """What the server calls bad or replayed is refused, and no other server is asked."""
    server, other = new_server(status), new_server()

    verdict = ask(server, other)

    assert isinstance(verdict, Refused)
    assert (verdict.code, other.calls) == (code, [])


@pytest.mark.sec("YUBI-02", "YUBI-03")
@pytest.mark.parametrize(
    "status",
    ["BACKEND_ERROR", "NOT_ENOUGH_ANSWERS", "NO_SUCH_CLIENT", "BAD_SIGNATURE", "MISSING_PARAMETER", "WHATEVER", "ok"],
)
def test_what_is_no_word_about_the_password_is_neither_yes_nor_no(
    new_server: Callable[..., Validator], status: str
) -> None:
    """A server that can't say, or was asked wrongly, has not said that the password is wrong; the next one is asked."""
    assert isinstance(ask(new_server(status)), Unavailable)
    assert ask(new_server(status), new_server()) is None


@pytest.mark.sec("YUBI-03")
def test_the_next_server_is_asked_when_one_is_down(new_server: Callable[..., Validator]) -> None:
    """One that refuses connections, one with an error and one that answers: the last one decides."""
    gone, broken = Validator(), new_server()
    gone.close()
    broken.replies[PATH] = Reply(status=500)

    assert ask(gone, broken, new_server()) is None
    assert isinstance(ask(gone, broken), Unavailable)


@pytest.mark.sec("YUBI-03")
def test_a_server_that_hangs_or_drips_or_floods_is_given_up(
    new_server: Callable[..., Validator], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing, byte after byte, and too much: none of them holds the login for longer than the time-out."""
    monkeypatch.setattr("onegov_auth.factors.yubico.TIMEOUT", 0.2)
    hanging, dripping, flooding = new_server(), new_server(), new_server()
    until = threading.Event()
    hanging.replies[PATH] = Reply(until=until)
    dripping.replies[PATH] = Reply(body=(b"x" for _ in range(100)), delay=0.05)
    flooding.replies[PATH] = Reply(body=[b"x" * (MAX_ANSWER * 4)])

    verdict = ask(hanging, dripping, flooding)

    until.set()
    assert isinstance(verdict, Unavailable)
    assert len(verdict.steps) == 3


@pytest.mark.sec("YUBI-03")
def test_a_password_is_not_carried_to_another_address(new_server: Callable[..., Validator]) -> None:
    """A redirect is not followed."""
    server, other = new_server(), new_server()
    server.replies[PATH] = Reply(302, headers={"Location": other.address + PATH})

    assert isinstance(ask(server), Unavailable)
    assert other.calls == []


@pytest.mark.sec("YUBI-04")
@pytest.mark.parametrize("status", ["REPLAYED_OTP", "REPLAYED_REQUEST"])
def test_a_replay_after_a_lost_answer_is_nobodys_fault(new_server: Callable[..., Validator], status: str) -> None:
    """The first server may have told the second of this very password: the person touches the key again."""
    lost, second = new_server(), new_server(status)
    lost.replies[PATH] = Reply(status=502)

    assert isinstance(ask(lost, second), Unavailable)
    assert lost.call(PATH).query["nonce"] == second.call(PATH).query["nonce"]


@pytest.mark.sec("YUBI-05")
def test_no_password_is_in_what_is_logged(
    new_server: Callable[..., Validator], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the log nor the steps of an event have the password."""
    caplog.set_level("DEBUG")

    verdict = ask(new_server(key=b"another key"), new_server("BAD_OTP"))

    assert PASSWORD not in caplog.text + repr(verdict)
