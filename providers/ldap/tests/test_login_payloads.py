"""What attackers type into a login form in front of a directory: as a name, as a password, as a group."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence

import pytest

from onegov_auth.providers import Password, Refused, VerifiedIdentity
from onegov_auth.testing.servers import Slapd
from onegov_auth.testing.servers.hostile_ldap import Ask, HostileLDAP, Reply
from onegov_auth_ldap import LDAPProvider
from onegov_auth_ldap.names import escape_filter

#: Filters that are broken out of, wildcards, escapes of every notation, names of attributes, NULs and oddities.
PAYLOADS = (
    *(
        "*",
        "**",
        "a*",
        "*a*",
        "al*ce",
        "(",
        ")",
        "()",
        "(*)",
        "*)",
        "*(",
        "\\",
        "/",
        "|",
        "&",
        "!",
        "=",
        "~=",
        ">=",
        "<=",
    ),
    *("*)(&", "*)(|(&", "*))%00", "*()|&'", "*()|%26'", ")(cn=*)", "*)(objectClass=*", "*)(uid=*))(|(uid=*"),
    *("admin*)((|userPassword=*)", "x' or name()='x", "*)(|(mail=*))", "alice)(!(&(1=0", "alice)(|(password=*)"),
    *("(&(uid=alice))", "uid=alice", "(uid=alice)", "alice)(uid=alice", "alice)(&)", "alice)(|)", "!(uid=bob)"),
    *(
        "\\2a",
        "\\28",
        "\\61lice",
        "\\61\\6c\\69\\63\\65",
        "%2a",
        "%28%29",
        "&#42;",
        "\\u002a",
        "＊",
        "﹡",
        "⁎",
        "alice\\00",
    ),
    *("alice,ou=people,dc=example,dc=org", "uid=alice,ou=people,dc=example,dc=org", "cn=admin", "dn:alice", "u:alice"),
    *("{username}", "{0}", "{0.__class__}", "%s", "%(username)s", "${LDAP_PASSWORD}", "${file:/etc/passwd}"),
    *("objectClass", "userPassword", "memberOf", "entryUUID", "nsAccountLock", "1.1", "+", "@inetOrgPerson"),
    *('"', "'", "`", ";", "#", "#616c696365", "<", ">", "\u202ealice", "a\u0301lice", "ａlice*", "\ufeff*", "\u00ad*"),
)


#: RFC 4511 §4.5.1.
AND, OR, EQUAL = 0xA0, 0xA1, 0xA3


@pytest.fixture
def empty() -> Iterator[HostileLDAP]:
    """A directory with nobody in it, where every bind of a stranger is refused."""

    def script(ask: Ask) -> Sequence[Reply]:
        service = ask.kind == "bind" and ask.parts[1].startswith(b"cn=service")
        return [ask.answer(0 if service or ask.kind == "search" else 49)]

    with HostileLDAP(script) as server:
        yield server


def assertions(filter_: bytes) -> list[bytes]:
    """The values of all equality matches in an encoded filter (RFC 4511 §4.5.1.7); anything else is a KeyError."""
    found, at = [], 0
    while at < len(filter_):
        tag, size, start = filter_[at], filter_[at + 1], at + 2
        if size & 0x80:
            start += size & 0x7F
            size = int.from_bytes(filter_[at + 2 : start], "big")
        body = filter_[start : start + size]
        found += [body[2 + body[1] + 2 :]] if tag == EQUAL else assertions({AND: body, OR: body}[tag])
        at = start + size
    return found


@pytest.mark.sec("LDAP-23", "LDAP-13", "LDAP-14")
def test_a_payload_is_one_value(facing: Callable[..., LDAPProvider], empty: HostileLDAP) -> None:
    """Whatever is typed is compared as it stands in one search, and nobody of that name is bound."""
    provider = facing(empty)
    for typed in PAYLOADS:
        before = len(empty.asked)
        outcome = provider.authenticate(typed, Password("secret-canary"))
        searches = [ask for ask in empty.asked[before:] if ask.kind == "search"]

        assert isinstance(outcome, Refused), typed
        assert outcome.code == "unknown_user", typed
        assert len(searches) <= 1, typed
        for ask in searches:
            people, *values = assertions(ask.parts[6])
            assert people == b"inetOrgPerson"
            assert {value.decode("utf-8") for value in values} == {unicodedata.normalize("NFC", typed).strip()}

    strangers = [ask.parts[1] for ask in empty.asked if ask.kind == "bind"][1:]
    assert len(strangers) > len(PAYLOADS) / 2
    assert all(re.fullmatch(rb"cn=[0-9a-f]{32},ou=people,dc=example,dc=org", name) for name in strangers)
    assert b"secret-canary" not in b"".join(part for ask in empty.asked for part in ask.parts)


@pytest.mark.sec("LDAP-23")
def test_a_payload_is_no_name_and_no_password(slapd: Slapd, make: Callable[..., LDAPProvider]) -> None:
    """In front of a real directory none of them finds anybody, and none is anybody's password."""
    provider = make()
    right = Password(slapd.person("alice").password)
    as_name = [provider.authenticate(typed, right) for typed in PAYLOADS]
    as_password = [provider.authenticate("alice", Password(typed)) for typed in PAYLOADS]

    assert {one.code for one in as_name if not isinstance(one, VerifiedIdentity)} == {"unknown_user"}
    assert {type(one) for one in as_name + as_password} == {Refused}


@pytest.mark.sec("LDAP-23", "LDAP-17")
@pytest.mark.parametrize("style", ["member", "posix"])
def test_a_payload_is_no_group(slapd: Slapd, make: Callable[..., LDAPProvider], style: str) -> None:
    """As a group that lets in, none of them is one that Alice is in."""
    groups = {"style": style, "base": slapd.posix_groups_base if style == "posix" else slapd.groups_base}
    right = Password(slapd.person("alice").password)
    names = [payload for payload in PAYLOADS if "=" not in payload and payload.strip()]
    found = [make(groups=groups, require_group=name).authenticate("alice", right) for name in names[:12]]

    assert {one.code for one in found if isinstance(one, Refused)} == {"group_required"}
    assert not [one for one in found if not isinstance(one, Refused)]


@pytest.mark.sec("LDAP-13")
@pytest.mark.parametrize("typed", PAYLOADS)
def test_nothing_special_is_left_after_escaping(typed: str) -> None:
    """Only letters, digits and what stands for itself is left, beside octets in hexadecimal."""
    assert not set(escape_filter(typed)) & set("*()\0&|!=<>~/")
