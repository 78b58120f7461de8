"""Password policy controls, honest and broken."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from onegov_auth.providers import Password, Refused, Unavailable, VerifiedIdentity
from onegov_auth.testing.servers.hostile_ldap import Ask, HostileLDAP, Reply, control, done, entry, message
from onegov_auth_ldap import LDAPProvider
from onegov_auth_ldap.policy import Policy, read_policy

BEHERA = "1.3.6.1.4.1.42.2.27.8.5.1"
EXPIRED, EXPIRING = "2.16.840.1.113730.3.4.4", "2.16.840.1.113730.3.4.5"
PERSON = "uid=anna,ou=people,dc=example,dc=org"
FACTS = {"entryUUID": [b"7b95f0d5-a3ed-486c-919c-077b8c9731f2"], "mail": [b"anna@example.org"]}


@pytest.mark.sec("LDAP-48")
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("3000", Policy()),
        ("3003810100", Policy(error=0)),
        ("3003810102", Policy(error=2)),
        ("3005a003810103", Policy(grace=3)),
        ("3006a00480020e10", Policy(expires_in=3600)),
        ("3008a003810100810100", Policy(error=0, grace=0)),
    ],
)
def test_the_control_is_read(value: str, expected: Policy) -> None:
    """Errors, grace logins and the time that is left, as draft-behera §6.2 writes them."""
    assert read_policy({BEHERA: bytes.fromhex(value)}) == expected


@pytest.mark.sec("LDAP-49")
def test_netscapes_controls_are_read() -> None:
    """Expired, or the seconds until then; nothing at all without a control."""
    assert read_policy({EXPIRED: b"0"}) == Policy(error=2)
    assert read_policy({EXPIRING: b"3600"}) == Policy(expires_in=3600)
    assert read_policy({"1.2.3": b"x"}) == Policy()


@pytest.mark.sec("LDAP-38", "LDAP-48")
@pytest.mark.parametrize("value", ["", "30", "3005810100", "30ff", "3002a001", "30028100", "30008100", "3081038101"])
def test_a_broken_control_is_an_error(value: str) -> None:
    """What can't be read is not taken for a policy that has nothing against the password."""
    with pytest.raises(ValueError, match=r"control|unpack"):
        read_policy({BEHERA: bytes.fromhex(value)})


@pytest.mark.sec("LDAP-49")
@pytest.mark.parametrize("value", [b"", b"soon", b"\xff"])
def test_a_broken_time_is_an_error(value: bytes) -> None:
    """A time that is no number is not taken for none."""
    with pytest.raises(ValueError, match=r"int|codec"):
        read_policy({EXPIRING: value})


def test_what_was_said_can_be_read_in_the_log() -> None:
    """Each part in words; nothing for nothing."""
    assert str(Policy()) == ""
    assert str(Policy(error=2, grace=1, expires_in=9)) == ("error 2, 1 grace logins left, the password expires in 9 s")


@pytest.mark.sec("LDAP-48", "LDAP-49")
@pytest.mark.parametrize(
    ("controls", "expected"),
    [
        (control(BEHERA, bytes.fromhex("3003810102")), "password_must_change"),
        (control(BEHERA, bytes.fromhex("3005a003810103")), None),
        (control(BEHERA, b"\x30"), "protocol"),
        (control(EXPIRED, b"0"), "password_must_change"),
        (control(EXPIRING, b"3600"), None),
        (control("1.2.3"), None),
    ],
)
def test_a_success_may_not_be_one(facing: Callable[..., LDAPProvider], controls: bytes, expected: str | None) -> None:
    """A bind that succeeds and says that the password must be changed lets nobody in."""

    def script(ask: Ask) -> Sequence[Reply]:
        if ask.kind == "bind" and ask.parts[1].decode() == PERSON:
            return [message(ask.id, done(0x61), controls)]
        people = ask.kind == "search" and ask.parts[0] == b"ou=people,dc=example,dc=org"
        return [*([message(ask.id, entry(PERSON, FACTS))] if people else []), ask.answer()]

    with HostileLDAP(script) as server:
        outcome = facing(server).authenticate("anna", Password("secret"))

    if expected is None:
        assert isinstance(outcome, VerifiedIdentity)
    else:
        assert isinstance(outcome, Refused | Unavailable)
        assert outcome.code == expected
