"""Tests of what a directory told, kept aside."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from onegov_auth.accounts.sync.stage import Gone, Stage, Told
from onegov_auth.domain import VerifiedIdentity


@pytest.fixture(name="stage")
def _stage() -> Iterator[Stage]:
    with Stage("staff") as stage:
        yield stage


def test_people_come_back_as_they_were(stage: Stage, somebody: Callable[..., VerifiedIdentity]) -> None:
    """All of an identity that counts is kept, in the directory's order, batch by batch."""
    told = [
        somebody("ann", attributes={"dn": "uid=ann", "mail": ("a", "b")}, email_verified=True),
        somebody("bob", groups=None, email=None, role="editor", issuer=None),
        somebody("carla", groups=frozenset(), barred="account_disabled"),
    ]
    stage.add([Told(identity, identity.barred or "") for identity in told])

    batches = list(stage.people(2))

    assert [len(batch) for batch in batches] == [2, 1]
    assert [staged.identity for batch in batches for staged in batch] == told
    assert stage.told == 3


def test_who_is_here_is_told_with_the_reason_against_them(
    stage: Stage, somebody: Callable[..., VerifiedIdentity]
) -> None:
    """Nobody, somebody, somebody barred and somebody left out are four answers."""
    stage.add(
        [Told(somebody("ann"), ""), Told(somebody("bob", barred="x"), "x"), Told(somebody("carla"), "not_a_user")]
    )

    here = stage.here(["id-ann", "id-bob", "id-carla", "id-dora"])

    assert here == {"id-ann": "", "id-bob": "x", "id-carla": "not_a_user"}


def test_who_has_no_role_is_told_among_those_who_may_come_in(
    stage: Stage, somebody: Callable[..., VerifiedIdentity]
) -> None:
    """Somebody barred is shut out already, and somebody with a role is not."""
    told = [Told(somebody("ann"), "", roleless=True), Told(somebody("bob"), "")]
    stage.add([*told, Told(somebody("carla", barred="x"), "x", roleless=True)])

    assert stage.roleless(["id-ann", "id-bob", "id-carla", "id-dora"]) == ["id-ann"]


def test_who_is_gone_is_kept_as_well(stage: Stage) -> None:
    """In batches, with the reason."""
    gone = [Gone("1", ""), Gone("2", "account_disabled"), Gone("3", "")]
    stage.add_gone(gone)

    assert list(stage.gone(2)) == [gone[:2], gone[2:]]


def test_entries_without_a_key_are_each_somebody(stage: Stage, somebody: Callable[..., VerifiedIdentity]) -> None:
    """Nothing is no key that two of them would share."""
    stage.add([Told(somebody(name, source_id=""), "no_source_id") for name in ("ann", "bob")])

    (batch,) = stage.people(10)

    assert [(staged.username, staged.code, staged.identity) for staged in batch] == [
        ("ann", "no_source_id", None),
        ("bob", "no_source_id", None),
    ]
