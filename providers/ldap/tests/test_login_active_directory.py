"""Logins against a real Active Directory domain."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from onegov_auth.providers import Password, Refused, Unavailable, VerifiedIdentity
from onegov_auth.testing.servers import SambaAD
from onegov_auth.testing.servers.domain import SECRET, quoted
from onegov_auth_ldap import LDAPProvider
from onegov_auth_ldap.session import Query
from onegov_auth_ldap.state import STATE_ATTRIBUTES, account_fault

Outcome = VerifiedIdentity | Refused | Unavailable
Make = Callable[..., LDAPProvider]


def told(outcome: Outcome) -> tuple[str, bool]:
    """The code of a refusal, and whether the person may be told."""
    assert isinstance(outcome, Refused), outcome
    return outcome.code, outcome.proven


def key_of(outcome: Outcome) -> str:
    """The stable key of somebody who got in."""
    assert isinstance(outcome, VerifiedIdentity), outcome
    return outcome.source_id


class Frieda:
    """Somebody who is there for one test, and may change in every way."""

    def __init__(self, samba: SambaAD) -> None:
        self.samba = samba
        self.dn = ""

    def add(self) -> None:
        """A new account of that name."""
        self.dn = self.samba.dn("Frieda")
        account = {"objectClass": "user", "sAMAccountName": "frieda", "userPrincipalName": "frieda@ad.example.org"}
        self.samba.add_entry(self.dn, {**account, "unicodePwd": quoted(SECRET), "userAccountControl": "512"})

    def move(self, rdn: str, unit: str) -> None:
        """Another name of the entry, in another place."""
        parent = f"OU={unit},{self.samba.base}"
        self.samba.move(self.dn, rdn, parent)
        self.dn = f"{rdn},{parent}"

    def change(self, **attributes: str) -> None:
        """Other values."""
        self.samba.modify(self.dn, attributes)

    def remove(self) -> None:
        """Delete the account, if it is there."""
        if self.dn:
            self.samba.delete(self.dn)
            self.dn = ""


@pytest.fixture
def frieda(samba_ad: SambaAD) -> Iterator[Frieda]:
    """Frieda, who is there already."""
    frieda = Frieda(samba_ad)
    frieda.add()
    yield frieda
    frieda.remove()


@pytest.mark.sec("LDAP-63")
@pytest.mark.parametrize("typed", ["alice", "ALICE", "alice@example.org", " Alice@Example.ORG "])
def test_every_spelling_is_one_person(samba_ad: SambaAD, make_ad: Make, typed: str) -> None:
    """By account name or mail, in any case, the person and their key come from the directory."""
    outcome = make_ad().authenticate(typed, Password(samba_ad.person("alice").password))
    read = base64.b64decode(samba_ad.read(samba_ad.dn("Alice Amsler"), "objectGUID"))

    assert key_of(outcome) == str(uuid.UUID(bytes_le=read))
    assert isinstance(outcome, VerifiedIdentity)
    assert (outcome.username, outcome.realname) == ("alice@ad.example.org", "Alice Amsler")
    assert outcome.issuer == "dc=ad,dc=example,dc=org"


@pytest.mark.sec("LDAP-15", "LDAP-17", "LDAP-21")
@pytest.mark.parametrize(("typed", "realname"), [("zoe", "Zoë Müller"), ("hans", 'Hans (extern) Müller, "x"')])
@pytest.mark.parametrize("style", ["auto", "member", "memberof"])
def test_names_full_of_special_characters_log_in(make_ad: Make, typed: str, realname: str, style: str) -> None:
    """Commas, parentheses, asterisks, quotes, backslashes and umlauts in a DN are part of the name."""
    outcome = make_ad(groups={"style": style}).authenticate(typed, Password(SECRET))

    assert isinstance(outcome, VerifiedIdentity), outcome
    assert outcome.realname == realname


@pytest.mark.sec("LDAP-47", "LDAP-39", "LDAP-41", "LDAP-42", "LDAP-44", "LDAP-45")
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("disabled", "account_disabled"),
        ("ended", "account_expired"),
        ("stale", "password_expired"),
        ("fresh", "password_must_change"),
    ],
)
def test_an_account_that_may_not_be_used(make_ad: Make, name: str, code: str) -> None:
    """Who knows the password is told what is wrong with the account; with a wrong one nobody learns anything."""
    assert told(make_ad().authenticate(name, Password(SECRET))) == (code, True)
    assert told(make_ad().authenticate(name, Password("wrong"))) == ("wrong_password", False)


@pytest.mark.sec("LDAP-10", "LDAP-42", "LDAP-44", "LDAP-45")
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("disabled", "account_disabled"),
        ("ended", "account_expired"),
        ("stale", "password_expired"),
        ("fresh", "password_must_change"),
        ("lone", None),
    ],
)
def test_the_entry_alone_says_so_too(make_ad: Make, name: str, code: str | None) -> None:
    """Where a proxy had let the bind pass, the attributes of the entry keep the account out."""
    provider = make_ad()
    connections = provider._connections()
    deadline = connections.deadline()
    base = provider.settings.people.base
    query = Query(base, f"(sAMAccountName={name})", STATE_ATTRIBUTES)
    (entry,) = connections.ask(lambda session: session.search(query, deadline), deadline)

    assert account_fault(entry, datetime.now(UTC)) == code


@pytest.mark.sec("LDAP-43", "LDAP-47", "LDAP-52")
def test_a_locked_account_is_refused(samba_ad: SambaAD, make_ad: Make) -> None:
    """After three wrong passwords the right one is refused: the log knows why, the person is told nothing."""
    provider = make_ad()
    wrong = [told(provider.authenticate("guessed", Password("wrong"))) for _ in range(3)]
    locked = [told(provider.authenticate("guessed", Password(password))) for password in (SECRET, "wrong")]
    samba_ad.unlock(samba_ad.dn("Gina Guessed"))

    assert wrong == [("wrong_password", False)] * 3
    assert locked == [("account_locked", False)] * 2
    assert key_of(provider.authenticate("guessed", Password(SECRET)))


@pytest.mark.sec("LDAP-32")
def test_a_login_counts_one_bad_password(samba_ad: SambaAD, make_ad: Make) -> None:
    """However a login is refused, the directory counts one wrong password."""
    told(make_ad().authenticate("guessed", Password("wrong")))
    counted = samba_ad.read(samba_ad.dn("Gina Guessed"), "badPwdCount")
    samba_ad.unlock(samba_ad.dn("Gina Guessed"))

    assert counted == "1"


@pytest.mark.sec("LDAP-01")
def test_an_unauthenticated_bind_is_not_tried(make_ad: Make) -> None:
    """A domain controller answers success to no password; nobody asks it."""
    assert told(make_ad().authenticate("alice", Password(""))) == ("empty_password", False)


@pytest.mark.sec("LDAP-65", "LDAP-62")
def test_two_people_of_one_name_are_refused(make_ad: Make) -> None:
    """Somebody whose mail is another's account name makes that name ambiguous, and nobody gets in by it."""
    assert told(make_ad().authenticate("carol", Password(SECRET))) == ("ambiguous_user", False)
    assert key_of(make_ad().authenticate("carol@example.org", Password(SECRET)))


@pytest.mark.sec("LDAP-29")
def test_references_to_other_domains_are_no_people(samba_ad: SambaAD, make_ad: Make) -> None:
    """Below the domain itself the server names other servers; they are neither followed nor counted."""
    outcome = make_ad(people={"base": samba_ad.base}).authenticate("lone", Password(SECRET))

    assert key_of(outcome)


@pytest.mark.sec("LDAP-67", "LINK-05")
def test_renamed_moved_and_replaced(samba_ad: SambaAD, make_ad: Make, frieda: Frieda) -> None:
    """Who is renamed or moved keeps the key; who gets the name later has another."""
    provider = make_ad(people={"base": samba_ad.base})
    keys = [key_of(provider.authenticate("frieda", Password(SECRET)))]
    frieda.move("CN=Müller\\, Frieda", "people")
    frieda.change(sAMAccountName="mueller", userPrincipalName="mueller@ad.example.org")
    renamed = provider.authenticate("mueller", Password(SECRET))
    frieda.move("CN=Müller\\, Frieda", "leavers")
    keys += [key_of(renamed), key_of(provider.authenticate("mueller", Password(SECRET)))]
    frieda.remove()
    frieda.add()
    replaced = provider.authenticate("frieda", Password(SECRET))

    assert isinstance(renamed, VerifiedIdentity)
    assert renamed.username == "mueller@ad.example.org"
    assert len(set(keys)) == 1
    assert key_of(replaced) != keys[0]


@pytest.mark.sec("LDAP-09")
def test_clear_text_is_refused_by_the_domain(samba_ad: SambaAD, make_ad: Make) -> None:
    """A domain controller takes no simple bind without TLS: that is trouble, no wrong password."""
    outcome = make_ad(servers=[samba_ad.url], tls={"allow_plain": True}).authenticate("alice", Password("x"))

    assert isinstance(outcome, Unavailable)
    assert "strongerAuthRequired" in outcome.steps[-1].detail


def test_start_tls_works(samba_ad: SambaAD, make_ad: Make) -> None:
    """The plain port is as good once StartTLS was answered."""
    provider = make_ad(servers=[samba_ad.url], tls={"start_tls": True})

    assert key_of(provider.authenticate("lone", Password(SECRET)))


PRINCIPALS = ["{username}@ad.example.org", "AD\\{username}"]


@pytest.mark.sec("LDAP-08", "LDAP-07")
@pytest.mark.parametrize("bind", [True, False], ids=["service", "no service"])
@pytest.mark.parametrize("template", PRINCIPALS)
def test_a_principal_name_needs_no_search(make_ad: Make, template: str, bind: bool) -> None:
    """With a principal name as template a person is bound by it, and read by the service account or by themselves."""
    provider = make_ad(dn_template=template, **({} if bind else {"bind": None}))
    same = make_ad().authenticate("deep", Password(SECRET))

    assert key_of(provider.authenticate("deep", Password(SECRET))) == key_of(same)
    assert told(provider.authenticate("deep", Password("wrong"))) == ("wrong_password", False)
    assert told(provider.authenticate("nobody", Password("wrong"))) == ("wrong_password", False)


@pytest.mark.sec("LDAP-08")
@pytest.mark.parametrize("typed", ["deep@other.org", "AD\\deep", "a/b", "*", "a,b", "a\tb"])
def test_a_principal_name_holds_one_account(make_ad: Make, typed: str) -> None:
    """What is typed can't bring a domain of its own."""
    assert told(make_ad(dn_template=PRINCIPALS[0]).authenticate(typed, Password(SECRET))) == ("unknown_user", False)


def test_a_principal_name_names_people_only(make_ad: Make, samba_ad: SambaAD) -> None:
    """Who lies elsewhere than people do is refused, even with the right password."""
    outcome = make_ad(dn_template=PRINCIPALS[0]).authenticate("service", Password(samba_ad.service_password))

    assert told(outcome) == ("not_a_person", True)
