from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from onegov_auth.accounts import Accounts, Conflict, Resolved
from onegov_auth.database import Database
from onegov_auth.domain import UserInfo
from onegov_auth.models import User
from onegov_auth.outcomes import Refused
from onegov_auth.testing.providers import person

ANN = person("staff", "id-1", "ann", email="ann@example.org", realname="Ann Able", groups=frozenset({"staff"}))
Resolve = Callable[..., Resolved | Conflict | Refused]


@pytest.mark.sec("LINK-08", "LINK-10")
@pytest.mark.parametrize(
    "local",
    [
        {"username": "ann"},
        {"username": "ANN"},
        {"username": "ann@example.org"},
        {"username": "x", "email": "ann@example.org"},
    ],
    ids=["name", "spelling", "address as name", "address"],
)
def test_a_local_account_of_the_same_name_is_not_adopted(
    resolve: Resolve, add: Callable[..., User], local: dict[str, Any], proofs: Callable[[], list[str]]
) -> None:
    """A matching name or address links nothing by default."""
    add(**local)
    refused = resolve()

    assert isinstance(refused, Refused)
    assert refused.code == "conflict"
    assert proofs() == []


def test_a_conflict_may_be_proven_away(resolve: Resolve, add: Callable[..., User]) -> None:
    """With link: prove, the person is asked to log in to the local account."""
    user = add()
    conflict = resolve(link="prove")

    assert isinstance(conflict, Conflict)
    assert conflict.user.id == user.id


@pytest.mark.parametrize("others", [[{"active": False}], [{}, {"username": "x", "email": "ann@example.org"}]])
def test_no_proof_for_an_inactive_or_ambiguous_account(
    resolve: Resolve, add: Callable[..., User], others: list[dict[str, Any]]
) -> None:
    """A deactivated account, or two of them, can't be proven to be one's own."""
    for values in others:
        add(**values)

    assert isinstance(resolve(link="prove"), Refused)


VERIFIED = {"link": "verified_email", "link_domains": ["example.org"]}
VOUCHED = replace(ANN, email_verified=True)
LOCAL = {"username": "ann@example.org", "email": "ann@example.org", "email_verified": True}


@pytest.mark.sec("LINK-08")
def test_a_verified_address_links_where_the_provider_is_the_authority(
    resolve: Resolve, add: Callable[..., User], load: Callable[[], User], proofs: Callable[[], list[str]]
) -> None:
    """Both sides verified and the domain listed: the local account is linked, keeps its password and its role."""
    user = add(**LOCAL, role="editor")
    found = resolve(VOUCHED, **VERIFIED)

    assert isinstance(found, Resolved)
    assert found.user.id == user.id
    linked = load()
    assert (linked.password_hash, linked.role, linked.source, linked.username) == (
        "local",
        "editor",
        "staff",
        "ann@example.org",
    )
    assert proofs() == ["verified_email"]


@pytest.mark.sec("LINK-08", "LINK-24", "LINK-20")
@pytest.mark.parametrize(
    ("local", "claim", "settings", "code"),
    [
        ({"email_verified": False}, {}, {}, "conflict"),
        ({}, {"email_verified": False}, {}, "conflict"),
        ({}, {}, {"link_domains": ["example.com"]}, "conflict"),
        ({}, {}, {"link_domains": ["le.org"]}, "conflict"),
        ({"email": None}, {}, {}, "conflict"),
        ({"role": "admin"}, {}, {}, "conflict_privileged"),
        ({"active": False}, {}, {}, "conflict"),
    ],
    ids=[
        "local unverified",
        "claim unverified",
        "other domain",
        "part of a domain",
        "no address",
        "privileged",
        "inactive",
    ],
)
def test_one_doubt_is_enough_not_to_link(
    resolve: Resolve,
    add: Callable[..., User],
    local: dict[str, Any],
    claim: dict[str, Any],
    settings: dict[str, Any],
    code: str,
    proofs: Callable[[], list[str]],
) -> None:
    """An unverified side, a domain of somebody else's, or a privileged role: nothing is linked."""
    add(**{**LOCAL, **local})
    refused = resolve(replace(VOUCHED, **claim), **{**VERIFIED, **settings})

    assert isinstance(refused, Refused)
    assert refused.code == code
    assert proofs() == []


@pytest.mark.sec("LINK-11", "RACE-12")
def test_an_identity_belongs_to_one_user(resolve: Resolve, add: Callable[..., User], database: Database) -> None:
    """What is linked can't be linked to somebody else as well."""
    found = resolve()
    assert isinstance(found, Resolved)
    other = add(username="bob")

    with pytest.raises(IntegrityError), database.unit() as db:
        Accounts(database, roles=()).link(db, UserInfo(other.id, "bob", "member"), ANN, "password")


@pytest.mark.sec("LINK-17")
def test_a_provider_overwrites_no_local_address(
    resolve: Resolve, add: Callable[..., User], load: Callable[[], User]
) -> None:
    """The address and its verification stay what they were here."""
    add(**LOCAL)
    resolve(VOUCHED, **VERIFIED)
    resolve(replace(VOUCHED, email="evil@example.org"))

    user = load()
    assert (user.email, user.email_verified, user.active) == ("ann@example.org", True, True)


@pytest.mark.sec("RACE-11")
def test_ones_own_login_in_another_browser_is_no_conflict(resolve: Resolve, make: Callable[..., Accounts]) -> None:
    """Somebody whose first login is committed between two look-ups of the second one is found all the same."""
    first = resolve()
    accounts = make()
    look_up, seen = accounts.identity, [0]

    def too_early_once(*arguments: Any) -> Any:
        seen[0] += 1
        return None if seen[0] == 1 else look_up(*arguments)

    # Plays the other transaction's commit.
    vars(accounts)["identity"] = too_early_once
    second = resolve(ANN, accounts)

    assert isinstance(first, Resolved)
    assert isinstance(second, Resolved)
    assert (second.user.id, second.created) == (first.user.id, False)
