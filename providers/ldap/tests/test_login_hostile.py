"""A whole login at a server that misbehaves in one way, at one step of it."""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from onegov_auth.providers import Password, Refused, Unavailable, VerifiedIdentity
from onegov_auth.testing.contracts.logs import leaks
from onegov_auth.testing.servers.certificates import Authority
from onegov_auth.testing.servers.hostile_ldap import Ask, HostileLDAP, Reply, done, entry, message
from onegov_auth_ldap import LDAPProvider

PERSON = "uid=anna,ou=people,dc=example,dc=org"
SERVICE = "cn=service,dc=example,dc=org"
FACTS = {"entryUUID": [b"7b95f0d5-a3ed-486c-919c-077b8c9731f2"], "mail": [b"anna@example.org"]}

#: How long an answer and a login may take.
TIMES = {"operation": timedelta(seconds=1), "login": timedelta(seconds=2)}

#: The service account's password in the fixture ``facing``.
CANARY = "service-canary"

STEPS = ("service", "people", "person", "groups")

#: What is said instead of the right answer; takes the request, that answer, and another host.
DEVIATIONS: dict[str, Callable[[Ask, bytes, str], Sequence[Reply]]] = {
    "late": lambda _, right, __: [20.0, right],
    "dripping": lambda _, right, __: [part for octet in right for part in (bytes([octet]), 0.3)],
    "half": lambda _, right, __: [right[: len(right) // 2], None],
    "half and silent": lambda _, right, __: [right[: len(right) // 2], 20.0],
    "closed": lambda _, __, ___: [None],
    "wrong id": lambda ask, right, _: [right.replace(bytes([ask.id]), bytes([ask.id + 1]), 1)],
    "another kind": lambda ask, _, __: [ask.answer(tag=0x6F)],
    "referral": lambda ask, _, url: [ask.answer(10, referral=f"{url}/dc=example,dc=org")],
    "huge": lambda ask, right, _: [message(ask.id, entry(PERSON, {"mail": [b"x" * 1_000_000] * 20})), right],
    "noise": lambda _, __, ___: [b"\xff\x84" * 40],
    "disconnection": lambda _, __, ___: [message(0, done(0x78, 52))],
}


def step_of(ask: Ask) -> str:
    """Which part of a login this is."""
    if ask.kind == "bind":
        return "service" if ask.parts[1].decode() == SERVICE else "person"
    return {b"": "root", b"ou=people,dc=example,dc=org": "people"}.get(ask.parts[0], "groups")


@dataclass
class Liar:
    """An honest directory with Anna in it, but for one step."""

    step: str
    lie: Callable[[Ask, bytes, str], Sequence[Reply]]
    elsewhere: str
    lied: list[str] = field(default_factory=list)

    def __call__(self, ask: Ask) -> Sequence[Reply]:
        """What to say."""
        right = ask.answer()
        if step_of(ask) == self.step:
            self.lied.append(ask.kind)
            return self.lie(ask, right, self.elsewhere)
        found = [message(ask.id, entry(PERSON, FACTS))] if step_of(ask) == "people" else []
        return [*found, right]


@pytest.mark.sec("LDAP-28", "LDAP-30", "LDAP-36", "LDAP-38", "LOG-02")
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("lie", DEVIATIONS)
def test_a_lie_lets_nobody_in(
    facing: Callable[..., LDAPProvider], caplog: pytest.LogCaptureFixture, step: str, lie: str
) -> None:
    """Nobody gets in, nobody is told that their password is wrong, it ends in time, and no secret goes anywhere."""
    caplog.set_level(logging.DEBUG)
    with HostileLDAP(lambda ask: [ask.answer()]) as other:
        liar = Liar(step, DEVIATIONS[lie], other.url)
        with HostileLDAP(liar) as server:
            start = time.monotonic()
            outcome = facing(server, timeouts=TIMES).authenticate("anna", Password("anna-canary"))
            took = time.monotonic() - start

    assert isinstance(outcome, Unavailable), outcome
    assert liar.lied
    # The longest lie takes twenty seconds; a busy machine may take a little of its own.
    assert took < TIMES["login"].total_seconds() + 4
    assert other.connections == 0
    assert not leaks(caplog, [CANARY, "anna-canary"])
    assert CANARY not in repr(outcome)
    assert "anna-canary" not in repr(outcome)


@pytest.mark.sec("LDAP-24", "LDAP-25", "LOG-02")
@pytest.mark.parametrize("name", ["other.example.org", "localhost.example.org", "127.0.0.2", "*.localhost"])
def test_a_certificate_of_another_name_gets_no_password(
    facing: Callable[..., LDAPProvider], caplog: pytest.LogCaptureFixture, tmp_path: Path, name: str
) -> None:
    """A login at a server that isn't who it should be is over before a word is said."""
    caplog.set_level(logging.DEBUG)
    authority = Authority(tmp_path)
    issued = authority.issue(name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    with HostileLDAP(lambda ask: [ask.answer()], tls=context) as server:
        tls = {"ca_file": str(authority.ca_file), "allow_plain": False}
        outcome = facing(server, tls=tls).authenticate("anna", Password("anna-canary"))

        assert isinstance(outcome, Unavailable)
        assert outcome.code == "tls"
        assert server.asked == []
    assert not leaks(caplog, [CANARY, "anna-canary"])


@pytest.mark.sec("LDAP-06")
def test_a_server_that_takes_every_bind_lets_no_stranger_in(facing: Callable[..., LDAPProvider]) -> None:
    """Where any password is right for a name that is no entry, there still has to be an entry."""
    with HostileLDAP(lambda ask: [ask.answer()]) as server:
        searched = facing(server).authenticate("nobody", Password("x"))
        template = "uid={username},ou=people,dc=example,dc=org"
        bound = facing(server, dn_template=template).authenticate("nobody", Password("x"))

    assert isinstance(searched, Refused)
    assert isinstance(bound, Refused)
    assert (searched.code, bound.code) == ("unknown_user", "not_a_person")


@pytest.mark.sec("LDAP-34")
def test_an_answer_sent_ahead_is_not_taken(facing: Callable[..., LDAPProvider]) -> None:
    """What a server says before it is asked is never the answer to the next person's search."""

    def ahead(ask: Ask) -> Sequence[Reply]:
        if step_of(ask) != "people":
            return [ask.answer()]
        eve = entry("uid=eve,ou=people,dc=example,dc=org", {**FACTS, "mail": [b"eve@example.org"]})
        return [message(ask.id, entry(PERSON, FACTS)), ask.answer(), 0.05, message(ask.id + 1, eve)]

    with HostileLDAP(ahead) as server:
        provider = facing(server)
        outcomes = [provider.authenticate("anna", Password("x")) for _ in range(4)]

    assert {one.username for one in outcomes if isinstance(one, VerifiedIdentity)} == {"anna@example.org"}
