"""One connection, against a server that does what no honest one does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from onegov_auth.testing.servers import Slapd
from onegov_auth.testing.servers.hostile_ldap import (
    Ask,
    HostileLDAP,
    Reply,
    control,
    done,
    entry,
    message,
    reference,
    tlv,
)
from onegov_auth_ldap import LDAPSettings
from onegov_auth_ldap.errors import DirectoryError
from onegov_auth_ldap.session import Query, Session
from onegov_auth_ldap.wire import Deadline, tls_context

DN = "uid=x,dc=example,dc=org"
QUERY = Query("dc=example,dc=org", "(uid=x)", ("uid",), size=2)


def settings_for(url: str, **changes: Any) -> LDAPSettings:
    """Settings that lead to *url*."""
    return LDAPSettings.model_validate(
        {
            "kind": "ldap",
            "servers": [url],
            "tls": {"allow_plain": True},
            "timeouts": {"connect": 1, "operation": 1},
            "bind": {"dn": "cn=service,dc=example,dc=org", "password": "service-canary"},
            "people": {"base": "dc=example,dc=org"},
            "roles": {},
            **changes,
        }
    )


def session_for(url: str, **changes: Any) -> Session:
    """A session with *url* that is not open yet."""
    settings = settings_for(url, **changes)
    return Session(url, settings, tls_context(settings.tls), datetime.now(UTC))


@contextmanager
def talking(script: Callable[[Ask], Sequence[Reply]], seconds: float = 5) -> Iterator[tuple[Session, HostileLDAP]]:
    """An open session with a server that follows *script*, and how long it may take for an answer."""
    with HostileLDAP(script) as server:
        session = session_for(server.url, timeouts={"operation": timedelta(seconds=seconds)})
        session.open(Deadline(5))
        try:
            yield session, server
        finally:
            session.close()


def reason_of(script: Callable[[Ask], Sequence[Reply]], ask: Callable[[Session], object]) -> str:
    """Why *ask* fails at a server that follows *script*."""
    with talking(script, 0.5) as (session, _), pytest.raises(DirectoryError) as error:
        ask(session)
    return error.value.reason


def bind(session: Session) -> int:
    """The code of a bind."""
    return session.bind(DN, b"password", Deadline(5)).code


def search(session: Session) -> object:
    """A search."""
    return session.search(QUERY, Deadline(5))


@pytest.mark.sec("LDAP-03", "LDAP-05")
@pytest.mark.parametrize("code", [0, 1, 8, 10, 14, 32, 34, 49, 51, 52, 53, 80])
def test_a_bind_tells_the_servers_code(code: int) -> None:
    """What the server said comes back as its code, and no other code looks like success."""
    with talking(lambda ask: [ask.answer(code)]) as (session, _):
        assert bind(session) == code


@pytest.mark.sec("LDAP-01", "LDAP-02")
@pytest.mark.parametrize(("name", "password"), [("", b"x"), (" ", b"x"), (DN, b"")])
def test_an_empty_name_or_password_is_never_sent(name: str, password: bytes) -> None:
    """A bind without a name or without a password, which succeeds everywhere, is a fault of ours."""
    with talking(lambda ask: [ask.answer()]) as (session, server):
        with pytest.raises(ValueError, match="needs a name and a password"):
            session.bind(name, password, Deadline(5))

        assert server.asked == []


@pytest.mark.sec("LDAP-01")
def test_a_password_is_sent_as_it_is() -> None:
    """ldap3 does not prepare a password, which could leave nothing of it."""
    with talking(lambda ask: [ask.answer(49)]) as (session, server):
        session.bind(DN, "\u00ad".encode(), Deadline(5))

        assert server.asked[0].parts[2] == "\u00ad".encode()


@pytest.mark.sec("LDAP-05", "LDAP-38")
@pytest.mark.parametrize(
    "replies",
    [
        lambda ask: [ask.answer(tag=0x65)],
        lambda ask: [ask.answer(tag=0x78)],
        lambda ask: [message(ask.id + 1, done(0x61))],
        lambda ask: [message(0, done(0x61))],
        lambda ask: [message(0, tlv(0x78, done(0x61)[2:], tlv(0x8A, b"1.3.6.1.4.1.1466.20036")))],
        lambda ask: [message(ask.id, entry(DN, {}))],
        lambda ask: [ask.answer()[:-3], None],
        lambda ask: [None],
        lambda ask: [b"\x30\x00"],
        lambda ask: [b"\x30\x03\x02\x01"],
        lambda ask: [b"HTTP/1.1 200 OK\r\n\r\n"],
        lambda ask: [b"\xff" * 64],
        lambda ask: [message(ask.id, tlv(0x61))],
        lambda ask: [message(ask.id, tlv(0x61, b"\x0a\x84\xff\xff\xff\xff"))],
        lambda ask: [tlv(0x30, tlv(0x02, b""), done(0x61))],
    ],
    ids=[
        "search done",
        "extended",
        "next id",
        "id 0",
        "disconnection",
        "entry",
        "half",
        "closed",
        "empty",
        "cut",
        "http",
        "noise",
        "no result",
        "length",
        "no id",
    ],
)
def test_what_is_no_answer_is_no_success(replies: Callable[[Ask], Sequence[Reply]]) -> None:
    """Foreign, half and broken answers to a bind are trouble in time, and never a success."""
    start = time.monotonic()

    assert reason_of(replies, bind) in {"protocol", "connection", "timeout"}
    assert time.monotonic() - start < 3


@pytest.mark.sec("LDAP-30")
@pytest.mark.parametrize("ask", [bind, search], ids=["bind", "search"])
def test_a_tarpit_is_left_in_time(ask: Callable[[Session], object]) -> None:
    """A server that takes a request and says nothing, or drips, holds nobody longer than was allowed."""
    start = time.monotonic()
    dripping: list[Reply] = [0.1, b"\x84"] * 30

    assert reason_of(lambda asked: [3.0], ask) == "timeout"
    assert reason_of(lambda asked: [b"\x30", *dripping], ask) == "timeout"
    assert time.monotonic() - start < 4


@pytest.mark.sec("LDAP-36")
def test_a_flood_is_left() -> None:
    """An answer that never ends is not read forever."""
    replies: list[Reply] = [b"\x30\x84\x7f\xff\xff\xff", *[b"x" * 1_000_000] * 40]
    with HostileLDAP(lambda _: replies) as server:
        session = session_for(server.url, timeouts={"operation": 30})
        session.open(Deadline(30))
        with pytest.raises(DirectoryError, match="too_large"):
            session.search(QUERY, Deadline(30))
        session.close()


def test_after_trouble_a_session_is_over() -> None:
    """Answers that come late are not taken for answers to the next question."""
    with talking(lambda ask: [0.6, ask.answer()], 0.3) as (session, _):
        for _ in range(2):
            with pytest.raises(DirectoryError):
                bind(session)

        assert not session.usable()


def test_nothing_works_before_opening() -> None:
    """A session that was not opened is closed, to use and to close."""
    session = session_for("ldap://localhost:1")
    session.close()
    with pytest.raises(DirectoryError, match="connection"):
        bind(session)

    assert not session.usable()


def test_entries_are_told() -> None:
    """A search tells names and octets, attribute names without regard to case."""
    found = entry(DN, {"UID": [b"x"], "photo": [b"\xff"]})
    with talking(lambda ask: [message(ask.id, found), ask.answer()]) as (session, _):
        entries = session.search(QUERY, Deadline(5))

    assert [(one.dn, one.octets("uid"), one.octets("Photo")) for one in entries] == [(DN, (b"x",), (b"\xff",))]


@pytest.mark.sec("LDAP-28", "LDAP-29")
def test_references_are_left_out() -> None:
    """A reference to another server is neither followed nor counted as an entry."""
    with HostileLDAP(lambda ask: [ask.answer()]) as evil:
        replies = [reference(f"{evil.url}/dc=example,dc=org"), entry(DN, {})]
        with talking(lambda ask: [*(message(ask.id, one) for one in replies), ask.answer()]) as (session, _):
            assert [one.dn for one in session.search(QUERY, Deadline(5))] == [DN]

        assert evil.connections == 0


@pytest.mark.sec("LDAP-28")
@pytest.mark.parametrize("ask", ["search", "bind"])
def test_referrals_are_not_followed(ask: str) -> None:
    """Sent to another server, nobody goes there, least of all with a password."""
    with HostileLDAP(lambda asked: [asked.answer()]) as evil:
        reason = reason_of(lambda asked: [asked.answer(10, referral=evil.url)], bind if ask == "bind" else search)

        assert reason in {"referral", "protocol"}

        assert evil.connections == 0


@pytest.mark.sec("LDAP-05")
@pytest.mark.parametrize(
    ("code", "reason"),
    [(1, "result"), (4, "limit"), (10, "referral"), (32, "no_such_base"), (50, "result"), (51, "result")],
)
def test_a_search_that_failed_found_nobody(code: int, reason: str) -> None:
    """A search that did not succeed is trouble, whatever entries came before."""
    assert reason_of(lambda ask: [message(ask.id, entry(DN, {})), ask.answer(code)], search) == reason


def test_more_than_asked_for_is_enough() -> None:
    """A search for at most two that stops at two is complete."""
    two = [entry(f"uid={number},dc=org", {}) for number in range(2)]
    with talking(lambda ask: [*(message(ask.id, one) for one in two), ask.answer(4)]) as (session, _):
        assert len(session.search(QUERY, Deadline(5))) == 2


@pytest.mark.sec("LDAP-38")
@pytest.mark.parametrize("dn", [b"\xff\xfe", b"uid=\xe9,dc=org"])
def test_a_name_that_is_no_text_is_trouble(dn: bytes) -> None:
    """A name that can't be read can't be bound, and is not guessed."""
    assert reason_of(lambda ask: [message(ask.id, entry(dn, {})), ask.answer()], search) == "protocol"


@pytest.mark.sec("LDAP-61")
def test_all_pages_are_read(slapd: Slapd) -> None:
    """A search without a size reads page after page; more than the server gives at all is trouble, not a part."""
    session = session_for(slapd.ldaps_url, tls={"ca_file": str(slapd.ca_file)})
    session.open(Deadline(5))
    session.bind(slapd.service_dn, slapd.service_password.encode(), Deadline(5))
    found = session.search(Query(slapd.base, "(objectClass=*)", ("1.1",)), Deadline(5))
    session.close()

    assert slapd.people_base in {one.dn for one in found}
    assert len(found) > 10


@pytest.mark.sec("LDAP-61")
def test_pages_end_with_an_empty_cookie() -> None:
    """The next page is asked for with the cookie of the last, until there is none."""

    def page(ask: Ask) -> Sequence[Reply]:
        number = len(server.asked)
        value = tlv(0x30, tlv(0x02, b"\x00"), tlv(0x04, b"more" if number < 3 else b""))
        found = message(ask.id, entry(f"uid={number},dc=org", {}))
        return [found, message(ask.id, done(0x65), control("1.2.840.113556.1.4.319", value))]

    with talking(lambda ask: page(ask)) as (session, server):  # noqa: PLW0108 - server is bound later
        found = session.search(Query("dc=org", "(uid=*)", ("1.1",)), Deadline(5))

    assert [one.dn for one in found] == ["uid=1,dc=org", "uid=2,dc=org", "uid=3,dc=org"]


def test_a_comparison_tells_the_servers_code() -> None:
    """Yes and no are codes of their own."""
    with talking(lambda ask: [ask.answer(6)]) as (session, _):
        assert session.compare(DN, "userPassword", b"x", Deadline(5)).code == 6
