"""Logins against a directory that answers as told."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import pytest

from onegov_auth.providers import Password, Refused, Unavailable, VerifiedIdentity
from onegov_auth.testing.servers.hostile_ldap import Ask, HostileLDAP, Reply, entry, message
from onegov_auth_ldap import LDAPProvider

Outcome = VerifiedIdentity | Refused | Unavailable
PERSON = "uid=anna,ou=people,dc=example,dc=org"
SERVICE = "cn=service,dc=example,dc=org"
FACTS = {"entryUUID": [b"7b95f0d5-a3ed-486c-919c-077b8c9731f2"], "mail": [b"anna@example.org"]}


def directory(
    *, entries: Sequence[bytes] = (entry(PERSON, FACTS),), code: int = 0, text: str = ""
) -> Callable[[Ask], Sequence[Reply]]:
    """A script: the service account binds, a search for people finds *entries*, a person's bind gets *code*."""

    def script(ask: Ask) -> Sequence[Reply]:
        if ask.kind == "bind":
            return [ask.answer() if ask.parts[1].decode() == SERVICE else ask.answer(code, text)]
        if ask.kind == "search" and ask.parts[0] == b"ou=people,dc=example,dc=org":
            return [*(message(ask.id, one) for one in entries), ask.answer()]
        return [ask.answer()]

    return script


def binds(server: HostileLDAP) -> list[str]:
    """Whom the server was asked to bind, the service account apart."""
    names = [ask.parts[1].decode() for ask in server.asked if ask.kind == "bind"]
    return [name for name in names if name != SERVICE]


def code_of(outcome: Outcome) -> str:
    """The code of what is no login."""
    assert not isinstance(outcome, VerifiedIdentity), outcome
    return outcome.code


@pytest.mark.sec("LDAP-07")
def test_the_entry_that_was_found_is_bound(facing: Callable[..., LDAPProvider]) -> None:
    """The bind goes to the very entry of the search, which is not looked for again."""
    with HostileLDAP(directory()) as server:
        facing(server).authenticate("anna", Password("secret"))
        people = [ask for ask in server.asked if ask.kind == "search" and ask.parts[0].startswith(b"ou=people")]

        assert binds(server) == [PERSON]
        assert len(people) == 1


@pytest.mark.sec("LDAP-32")
@pytest.mark.parametrize("code", [0, 49, 51, 80])
def test_a_password_is_tried_once(facing: Callable[..., LDAPProvider], code: int) -> None:
    """Whatever the server answers, a login is one bind on one server."""
    with HostileLDAP(directory(code=code)) as one, HostileLDAP(directory(code=code)) as two:
        facing(one, servers=[one.url, two.url]).authenticate("anna", Password("secret"))

        assert len(binds(one)) + len(binds(two)) == 1


@pytest.mark.sec("LDAP-31", "LDAP-32")
def test_a_bind_without_an_answer_is_not_repeated(facing: Callable[..., LDAPProvider]) -> None:
    """When the connection breaks after the password was sent, nobody knows, and it is not sent again."""

    def script(ask: Ask) -> Sequence[Reply]:
        broken = ask.kind == "bind" and ask.parts[1].decode() == PERSON
        return [None] if broken else directory()(ask)

    with HostileLDAP(script) as server:
        outcome = facing(server).authenticate("anna", Password("secret"))

        assert isinstance(outcome, Unavailable)
        assert binds(server) == [PERSON]


@pytest.mark.sec("LDAP-05")
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (49, Refused),
        (53, Refused),
        (48, Refused),
        (19, Refused),
        (8, Unavailable),
        (1, Unavailable),
        (10, Unavailable),
        (34, Unavailable),
        (51, Unavailable),
        (52, Unavailable),
        (80, Unavailable),
    ],
)
def test_only_success_is_success(facing: Callable[..., LDAPProvider], code: int, expected: type) -> None:
    """No other code lets anybody in, and only those about the person are a refusal."""
    with HostileLDAP(directory(code=code)) as server:
        assert type(facing(server).authenticate("anna", Password("secret"))) is expected


@pytest.mark.sec("LDAP-47")
def test_active_directory_says_why(facing: Callable[..., LDAPProvider]) -> None:
    """The reason behind "data" is the code of the refusal."""
    with HostileLDAP(directory(code=49, text="AcceptSecurityContext error, data 773, v4563")) as server:
        assert facing(server).authenticate("anna", Password("secret")).code == "password_must_change"  # type: ignore[union-attr]  # a refusal has one


@pytest.mark.sec("LDAP-53")
@pytest.mark.parametrize(
    ("flavour", "facts", "in_chain"),
    [
        ("active-directory", {"objectGUID": [b"x" * 16]}, True),
        ("openldap", {"objectGUID": [b"x" * 16]}, False),
        ("auto", {"objectGUID": [b"x" * 16]}, True),
        ("auto", {}, False),
    ],
)
def test_active_directory_is_known_or_seen(
    facing: Callable[..., LDAPProvider], flavour: str, facts: dict[str, list[bytes]], in_chain: bool
) -> None:
    """Whether the server resolves nested groups is configured, or seen by its key."""
    with HostileLDAP(directory(entries=[entry(PERSON, FACTS | facts)])) as server:
        outcome = facing(server, flavour=flavour).authenticate("anna", Password("secret"))
        sent = b"".join(part for ask in server.asked for part in ask.parts)

        assert isinstance(outcome, VerifiedIdentity)
        assert (b"1.2.840.113556.1.4.1941" in sent) is in_chain


@pytest.mark.sec("LDAP-02")
def test_an_entry_without_a_name_is_nobody(facing: Callable[..., LDAPProvider]) -> None:
    """A found entry with an empty DN would be bound anonymously; it is not."""
    with HostileLDAP(directory(entries=[entry("", FACTS)])) as server:
        outcome = facing(server).authenticate("anna", Password("secret"))

        assert isinstance(outcome, Refused)
        assert "" not in binds(server)


@pytest.mark.sec("LDAP-01")
@pytest.mark.parametrize("empty", ["", " ", "\0", "\u00ad", "\u200b"])
def test_an_empty_password_meets_no_server(facing: Callable[..., LDAPProvider], empty: str) -> None:
    """Not one octet is sent for a password that is none, however it is spelled."""
    with HostileLDAP(directory()) as server:
        assert code_of(facing(server).authenticate("anna", Password(empty))) == "empty_password"
        assert server.connections == 0


@pytest.mark.sec("LDAP-16", "LDAP-23")
@pytest.mark.parametrize("typed", ["", " ", "a\0", "a\nb", "\ud800", "x" * 300])
def test_an_impossible_name_meets_no_server(facing: Callable[..., LDAPProvider], typed: str) -> None:
    """What nobody can be called is not looked for."""
    with HostileLDAP(directory()) as server:
        assert code_of(facing(server).authenticate(typed, Password("secret"))) == "unknown_user"
        assert server.connections == 0


@pytest.mark.sec("LDAP-52")
@pytest.mark.parametrize("method", ["bind", "compare"])
def test_an_unknown_person_costs_the_same(facing: Callable[..., LDAPProvider], method: str) -> None:
    """Unknown and wrong are the same requests in the same order; nobody's bind does not carry the password."""
    asked = []
    for found in ([], [entry(PERSON, FACTS)]):
        people = directory(entries=found, code=49)

        def script(ask: Ask, people: Callable[[Ask], Sequence[Reply]] = people) -> Sequence[Reply]:
            return [ask.answer(5)] if ask.kind == "compare" else people(ask)

        with HostileLDAP(script) as server:
            facing(server, method=method).authenticate("anna", Password("typed-canary"))
            asked.append([kind for kind in server.kinds if kind != "unbind"])
            sent = b"".join(part for ask in server.asked for part in ask.parts)

        assert (b"typed-canary" in sent) is bool(found)

    assert asked[0] == asked[1] == ["bind", "search", method]


@pytest.mark.sec("LDAP-10", "LDAP-39")
def test_a_disabled_account_is_refused_after_the_bind(facing: Callable[..., LDAPProvider]) -> None:
    """A server that lets a disabled account bind does not let it in; a wrong password learns nothing of it."""
    disabled = [entry(PERSON, FACTS | {"userAccountControl": [b"514"]})]
    with HostileLDAP(directory(entries=disabled)) as server:
        assert code_of(facing(server).authenticate("anna", Password("secret"))) == "account_disabled"
    with HostileLDAP(directory(entries=disabled, code=49)) as server:
        assert code_of(facing(server).authenticate("anna", Password("x"))) != "account_disabled"


@pytest.mark.sec("LDAP-66")
@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"mail": FACTS["mail"]}, "no_id"),
        ({"entryUUID": FACTS["entryUUID"]}, "no_username"),
        ({**FACTS, "entryUUID": [b"a", b"b"]}, "no_id"),
        ({**FACTS, "mail": [b"\xff"]}, "no_username"),
    ],
)
def test_an_incomplete_entry_is_refused(
    facing: Callable[..., LDAPProvider], facts: dict[str, list[bytes]], code: str
) -> None:
    """Without exactly one key, or without a readable name, nobody gets in."""
    with HostileLDAP(directory(entries=[entry(PERSON, facts)])) as server:
        assert code_of(facing(server).authenticate("anna", Password("secret"))) == code


@pytest.mark.sec("LDAP-59", "LDAP-35")
def test_without_groups_nobody_gets_in(facing: Callable[..., LDAPProvider]) -> None:
    """When groups can't be read the login is unavailable, not a login without groups."""

    def script(ask: Ask) -> Sequence[Reply]:
        groups = ask.kind == "search" and ask.parts[0].startswith(b"ou=groups")
        return [ask.answer(51)] if groups else directory()(ask)

    with HostileLDAP(script) as server:
        assert isinstance(facing(server).authenticate("anna", Password("secret")), Unavailable)


@pytest.mark.sec("LDAP-30")
def test_a_login_has_an_end(facing: Callable[..., LDAPProvider]) -> None:
    """A server that takes its time at each step holds a login no longer than was allowed."""
    start = time.monotonic()
    with HostileLDAP(lambda ask: [0.8, *directory()(ask)]) as server:
        outcome = facing(server).authenticate("anna", Password("secret"))

    assert isinstance(outcome, Unavailable)
    assert outcome.code == "timeout"
    assert time.monotonic() - start < 3


@pytest.mark.sec("LDAP-08", "LDAP-15")
@pytest.mark.parametrize(
    ("typed", "bound"),
    [
        ("anna", PERSON),
        ("anna,ou=x", "uid=anna\\,ou\\=x,ou=people,dc=example,dc=org"),
        ('a+b"#', 'uid=a\\+b\\"#,ou=people,dc=example,dc=org'),
        ("#x\\", "uid=\\#x\\\\,ou=people,dc=example,dc=org"),
        ("{username}", "uid={username},ou=people,dc=example,dc=org"),
        ("{0.__class__}", "uid={0.__class__},ou=people,dc=example,dc=org"),
    ],
)
def test_a_template_holds_one_value(facing: Callable[..., LDAPProvider], typed: str, bound: str) -> None:
    """What is typed stays one escaped value of the template's name."""
    with HostileLDAP(directory(code=49)) as server:
        facing(server, dn_template="uid={username},ou=people,dc=example,dc=org").authenticate(typed, Password("x"))

        assert binds(server) == [bound]


@pytest.mark.sec("LDAP-05")
@pytest.mark.parametrize("code", [0, 1, 10, 32, 50, 51, 80])
def test_only_yes_is_yes(facing: Callable[..., LDAPProvider], code: int) -> None:
    """Of the answers to a comparison only "true" lets somebody in; success is none."""

    def script(ask: Ask) -> Sequence[Reply]:
        return [ask.answer(code)] if ask.kind == "compare" else directory()(ask)

    with HostileLDAP(script) as server:
        assert isinstance(facing(server, method="compare").authenticate("anna", Password("x")), Unavailable)


SID = bytes.fromhex("0105000000000005150000000100000002000000030000005004")


@pytest.mark.sec("LDAP-07", "LDAP-08")
@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ([SID + bytes(2), b"\x01\x01" + bytes(10)], "S-1-5-21-1-2-3-1104"),
        ([], None),
        ([b"x"], None),
        ([b"\x02" + SID[1:] + bytes(2)], None),
    ],
)
def test_the_server_says_who_was_bound(
    facing: Callable[..., LDAPProvider], tokens: list[bytes], expected: str | None
) -> None:
    """After a bind by principal name the person is found by what the server says of the connection, not by the name."""
    searched: list[Ask] = []

    def script(ask: Ask) -> Sequence[Reply]:
        if ask.kind == "search" and ask.parts[0] == b"":
            return [message(ask.id, entry("", {"tokenGroups": tokens})), ask.answer()]
        searched.extend([ask] if ask.kind == "search" and ask.parts[0].startswith(b"ou=people") else [])
        return directory()(ask)

    with HostileLDAP(script) as server:
        outcome = facing(server, dn_template="{username}@example.org").authenticate("anna", Password("secret"))

    sent = b"".join(part for ask in searched for part in ask.parts)
    assert isinstance(outcome, VerifiedIdentity) is bool(expected)
    assert (expected or "").encode() in sent
    assert b"anna" not in sent


@pytest.mark.parametrize(("code", "expected"), [(32, VerifiedIdentity), (50, VerifiedIdentity), (10, Unavailable)])
def test_a_hidden_root_entry_keeps_nobody_out(facing: Callable[..., LDAPProvider], code: int, expected: type) -> None:
    """A server that does not say what it is is looked at by its entries; one that sends elsewhere is not asked on."""

    def script(ask: Ask) -> Sequence[Reply]:
        root = ask.kind == "search" and ask.parts[0] == b""
        return [ask.answer(code)] if root else directory()(ask)

    with HostileLDAP(script) as server:
        assert type(facing(server).authenticate("anna", Password("secret"))) is expected
