"""Tests of listing everybody: who they are is what a login says."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest

from onegov_auth.providers import AuthnContext, DirectoryUnavailableError, Password, VerifiedIdentity
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
from onegov_auth_ldap import LDAPProvider

Make = Callable[..., LDAPProvider]
Added = Callable[[str, dict[str, Any]], AbstractContextManager[None]]

PAGED = "1.2.840.113556.1.4.319"
DORA = {"objectClass": "inetOrgPerson", "uid": "dora", "cn": "Dora", "sn": "Dorn", "mail": "dora@example.org"}


def listed(provider: LDAPProvider) -> dict[str, VerifiedIdentity]:
    """Everybody by name."""
    return {person.username: person for person in provider.people()}


@pytest.mark.sec("LINK-05")
def test_everybody_is_who_a_login_says(slapd: Slapd, make: Make) -> None:
    """The same key, names and address; only how it was proven is missing, and groups nothing depends on."""
    provider = make(roles={"admin": ["admins"], "editor": ["editors"], "member": ["staff"]})
    people = listed(provider)

    assert set(people) == {person.mail for person in slapd.people}
    for person in slapd.people:
        proven = provider.authenticate(person.uid, Password(person.password))
        assert isinstance(proven, VerifiedIdentity)
        assert replace(proven, authn=AuthnContext(), steps=()) == people[person.mail]


@pytest.mark.sec("LDAP-61")
@pytest.mark.parametrize("size", [1, 2, 5, 6])
def test_people_are_read_page_by_page(slapd: Slapd, make: Make, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """However the pages fall, everybody is there once."""
    monkeypatch.setattr("onegov_auth_ldap.session._PAGE", size)
    names = [person.username for person in make().people()]

    assert sorted(names) == sorted(person.mail for person in slapd.people)


@pytest.mark.sec("LDAP-61")
def test_a_limit_of_the_server_is_no_end(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that tells no more than so many people has told a part."""
    from onegov_auth.testing.plugin import require_server  # noqa: PLC0415 - a server of this test's own

    monkeypatch.setattr("onegov_auth_ldap.session._PAGE", 2)
    slapd = require_server(lambda: Slapd(size_limit=3))
    try:
        block = {
            "servers": [slapd.ldaps_url],
            "tls": {"ca_file": str(slapd.ca_file)},
            "bind": {"dn": slapd.service_dn, "password": slapd.service_password},
        }
        with pytest.raises(DirectoryUnavailableError, match="limit"):
            list(make(**block).people())
    finally:
        slapd.close()


@pytest.mark.parametrize(
    ("attributes", "barred"),
    [
        ({"shadowExpire": "1"}, "account_expired"),
        ({"shadowExpire": "-1"}, None),
        ({"pwdAccountLockedTime": "000001010000Z"}, None),
    ],
)
def test_an_account_that_was_closed_bars(
    slapd: Slapd, make: Make, added: Added, attributes: dict[str, str], barred: str | None
) -> None:
    """The directory says so itself; a lock is a matter between the person and the directory."""
    person = {**DORA, "objectClass": ["inetOrgPerson", "extensibleObject"], **attributes}
    with added(slapd.dn("dora"), person):
        assert listed(make())["dora@example.org"].barred == barred


def test_an_entry_without_a_key_or_name_is_listed_without(slapd: Slapd, make: Make, added: Added) -> None:
    """What becomes of it is not decided here."""
    nameless = {key: value for key, value in DORA.items() if key != "mail"}
    with added(slapd.dn("dora"), nameless):
        people = listed(make(attributes={"id": "employeeNumber"}))

    assert {person.source_id for person in people.values()} == {""}
    assert "" in people


def test_nobody_is_listed_without_a_service_account(make: Make) -> None:
    """Who binds as themselves can't list the others."""
    provider = make(bind=None, dn_template="uid={username},ou=people,dc=example,dc=org")

    with pytest.raises(DirectoryUnavailableError, match="no service account"):
        list(provider.people())


def test_what_to_do_about_the_missing_is_a_setting(make: Make) -> None:
    """The provider hands its own settings to the sync."""
    settings = make(sync={"missing": "keep", "after": 3, "max_drop": "25 %"}).sync_settings

    assert (settings.missing, settings.after, settings.largest_drop) == ("keep", 3, 0.25)


def _page(ask: Ask, numbers: range, cookie: bytes) -> bytes:
    """A page of people, with the cookie of the next."""
    people = b"".join(
        message(
            ask.id,
            entry(
                f"uid=p{number},ou=people,dc=example,dc=org",
                {"uid": [b"p%d" % number], "mail": [b"p%d@example.org" % number], "entryUUID": [b"id-%d" % number]},
            ),
        )
        for number in numbers
    )
    value = tlv(0x30, tlv(0x02, b"\x00"), tlv(0x04, cookie))
    return people + message(ask.id, done(0x65), control(PAGED, value))


def scripted(after: list[Reply]) -> Callable[[Ask], list[Reply]]:
    """A directory of two pages; in place of the second it sends *after*."""
    pages = 0

    def script(ask: Ask) -> list[Reply]:
        nonlocal pages
        if ask.kind != "search":
            return [ask.answer()]
        if b"people" not in ask.parts[0] or ask.parts[3] == b"\x01":
            # The root entry, groups, and the look at one person.
            return [ask.answer()]
        pages += 1
        if pages == 1:
            return [_page(ask, range(3), b"more")]
        return after or [_page(ask, range(3, 5), b"")]

    return script


def test_references_to_other_servers_are_left_out(facing: Callable[..., LDAPProvider]) -> None:
    """They are never followed, and nobody is missing because of them."""

    def script(ask: Ask) -> list[Reply]:
        if ask.kind == "search" and b"people" in ask.parts[0] and ask.parts[3] != b"\x01":
            return [message(ask.id, reference("ldap://elsewhere.example.org/")) + _page(ask, range(2), b"")]
        return [ask.answer()]

    with HostileLDAP(script) as server:
        assert len(list(facing(server).people())) == 2


@pytest.mark.sec("LDAP-61")
@pytest.mark.parametrize(
    "after",
    [[None], [b"\x30\x05\x02\x01"], [3.0], [b"no LDAP at all"]],
    ids=["closes", "half", "late", "nonsense"],
)
def test_a_server_that_fails_in_the_middle_has_told_a_part(
    facing: Callable[..., LDAPProvider], after: list[Reply]
) -> None:
    """The first page comes; the end never does, and that is an error."""
    with HostileLDAP(scripted(after)) as server:
        people = facing(server).people()
        first = [next(people) for _ in range(3)]
        with pytest.raises(DirectoryUnavailableError):
            list(people)

    assert [person.source_id for person in first] == ["id-0", "id-1", "id-2"]
    with HostileLDAP(scripted([])) as server:
        assert len(list(facing(server).people())) == 5
