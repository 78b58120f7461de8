from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from onegov_auth.accounts import Accounts, Conflict, Resolved
from onegov_auth.database import Database
from onegov_auth.domain import VerifiedIdentity
from onegov_auth.models import User, UserIdentity
from onegov_auth.outcomes import Refused
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.providers import person

ANN = person("staff", "id-1", "ann", email="ann@example.org", realname="Ann Able", groups=frozenset({"staff"}))
Resolve = Callable[..., Resolved | Conflict | Refused]


def test_an_unknown_person_becomes_a_user(
    resolve: Resolve, clock: FakeClock, load: Callable[[], User], proofs: Callable[[], list[str]]
) -> None:
    """The new user has the identity's name, address and role, where they came from, and no password."""
    found = resolve()

    assert isinstance(found, Resolved)
    assert found.created
    user = load()
    assert (user.username, user.realname, user.email, user.email_verified) == (
        "ann",
        "Ann Able",
        "ann@example.org",
        False,
    )
    assert (user.role, user.role_origin, user.source, user.source_id) == ("member", "staff", "staff", "id-1")
    assert user.password_hash == ""
    assert proofs() == ["provisioned"]


@pytest.mark.sec("LINK-01", "LINK-02", "LINK-05", "ASVS-6.8.1", "ASVS-10.5.2")
def test_a_person_is_found_by_source_and_id_alone(resolve: Resolve) -> None:
    """Another name, address or group is the same person; another id or source with the same name is not."""
    first = resolve()
    assert isinstance(first, Resolved)
    again = resolve(replace(ANN, username="ann.other", email="other@example.org"))
    assert isinstance(again, Resolved)
    assert (again.user.id, again.created) == (first.user.id, False)

    assert isinstance(resolve(replace(ANN, source_id="id-2", username="ann.other")), Refused)
    assert isinstance(resolve(replace(ANN, source="company", username="ann.other")), Refused)


@pytest.mark.sec("LINK-01")
def test_ids_are_compared_byte_by_byte(resolve: Resolve) -> None:
    """An id in another case is another person."""
    resolve()
    other = resolve(replace(ANN, source_id="ID-1", username="bob", email=None))

    assert isinstance(other, Resolved)
    assert other.created


@pytest.mark.sec("LINK-15")
@pytest.mark.parametrize("source_id", ["", "x" * 256, "\udfff"])
def test_an_identity_without_a_usable_id_is_nobody(resolve: Resolve, source_id: str) -> None:
    """An empty id never matches another empty one, and one that is too long matches nothing."""
    refused = resolve(replace(ANN, source_id=source_id))

    assert isinstance(refused, Refused)
    assert refused.code == "no_source_id"


def test_a_changed_issuer_is_refused(resolve: Resolve) -> None:
    """Somebody else vouching for the same id under the same provider name is not believed."""
    resolve()
    refused = resolve(replace(ANN, issuer="https://evil.example.org"))

    assert isinstance(refused, Refused)
    assert refused.code == "issuer_changed"


def test_a_frozen_link_lets_nobody_in(resolve: Resolve, database: Database) -> None:
    """An operator can stop a link without deleting it."""
    resolve()
    with database.unit() as db:
        db.scalars(select(UserIdentity)).one().frozen = True

    refused = resolve()
    assert isinstance(refused, Refused)
    assert refused.code == "identity_frozen"


@pytest.mark.sec("LINK-18")
def test_an_inactive_user_stays_out(
    resolve: Resolve, database: Database, load: Callable[[], User], shut_out: Callable[[User], None]
) -> None:
    """A deactivated user can't come in by any provider."""
    resolve()
    with database.unit() as db:
        shut_out(db.scalars(select(User)).one())

    refused = resolve()
    assert isinstance(refused, Refused)
    assert refused.code == "inactive"
    assert not load().is_active


def test_strangers_can_be_kept_out(resolve: Resolve) -> None:
    """With provision: false, only people who are known already come in."""
    refused = resolve(provision=False)

    assert isinstance(refused, Refused)
    assert refused.code == "not_provisioned"


@pytest.mark.parametrize("groups", [None, frozenset(), frozenset({"others"})], ids=["unsaid", "none", "others"])
def test_nobody_comes_in_without_a_role(resolve: Resolve, groups: frozenset[str] | None) -> None:
    """A stranger whom no group gives a role is refused."""
    refused = resolve(replace(ANN, groups=groups))

    assert isinstance(refused, Refused)
    assert refused.code == "no_role"


def test_there_may_be_a_default_role(resolve: Resolve, load: Callable[[], User]) -> None:
    """With default_role, people in no mapped group get that one."""
    resolve(replace(ANN, groups=None), default_role="member")

    assert load().role == "member"


@pytest.mark.sec("ASVS-8.3.2")
def test_a_mapped_role_follows_the_groups(resolve: Resolve, load: Callable[[], User]) -> None:
    """Another group gives another role at the next login, upwards and downwards."""
    for group, role in (("staff", "member"), ("admins", "admin"), ("editors", "editor")):
        resolve(replace(ANN, groups=frozenset({group})))
        assert load().role == role


@pytest.mark.sec("LDAP-59")
def test_the_last_group_takes_the_mapped_role_away(resolve: Resolve, load: Callable[[], User]) -> None:
    """Somebody whom the source says is in no group any more has no rights left, and stays out."""
    resolve(replace(ANN, groups=frozenset({"admins"})))
    refused = resolve(replace(ANN, groups=frozenset()))

    assert isinstance(refused, Refused)
    assert refused.code == "no_role"
    assert load().role == "anonymous"
    assert isinstance(resolve(replace(ANN, groups=frozenset({"others"}))), Refused)
    assert isinstance(resolve(replace(ANN, groups=frozenset({"staff"}))), Resolved)
    assert load().role == "member"


def test_silence_about_groups_changes_nothing(resolve: Resolve, load: Callable[[], User]) -> None:
    """A source that says nothing about groups leaves the role as it is."""
    resolve(replace(ANN, groups=frozenset({"editors"})))
    found = resolve(replace(ANN, groups=None))

    assert isinstance(found, Resolved)
    assert load().role == "editor"


def test_a_role_given_by_hand_survives(resolve: Resolve, database: Database, load: Callable[[], User]) -> None:
    """What an administrator gave, no provider takes away."""
    resolve()
    with database.unit() as db:
        db.scalars(select(User)).one().role = "admin"
    for groups in (frozenset({"staff"}), frozenset[str](), None):
        assert isinstance(resolve(replace(ANN, groups=groups)), Resolved)

    assert (load().role, load().role_origin) == ("admin", None)


def test_a_rename_at_the_source_renames_the_user(
    resolve: Resolve, make: Callable[..., Accounts], load: Callable[[], User]
) -> None:
    """The username follows, and the application is told the old one."""
    told = []
    accounts = make(change_username_callback=lambda _db, user, old: told.append((old, user.username)))
    resolve()
    resolve(replace(ANN, username="anna"), accounts)

    assert load().username == "anna"
    assert told == [("ann", "anna")]


@pytest.mark.parametrize(
    ("identity", "reason"),
    [
        (replace(ANN, username="anna", groups=frozenset({"admins"})), "role"),
        (replace(ANN, username="bob"), "taken"),
        (replace(ANN, username="\x00"), "unusable"),
    ],
    ids=["role not allowed", "taken", "unusable"],
)
def test_a_rename_that_cant_be_leaves_the_name(
    resolve: Resolve, add: Callable[..., User], identity: Any, reason: str
) -> None:
    """The login works all the same, under the old name."""
    first = resolve()
    assert isinstance(first, Resolved)
    add(username="bob")
    found = resolve(identity)

    assert isinstance(found, Resolved)
    assert found.user.username == "ann"


def test_a_name_that_cant_be_a_username_is_refused(resolve: Resolve) -> None:
    """A stranger with an impossible name gets no account."""
    refused = resolve(replace(ANN, username="a\x00b"))

    assert isinstance(refused, Refused)
    assert refused.code == "invalid_username"


def test_a_missing_real_name_deletes_none(resolve: Resolve, load: Callable[[], User]) -> None:
    """A source that has no real name leaves the one we have; a new one is taken."""
    resolve()
    resolve(replace(ANN, realname=None))
    assert load().realname == "Ann Able"
    resolve(replace(ANN, realname="Ann Baker"))
    assert load().realname == "Ann Baker"


@pytest.mark.parametrize("answer", [False, None, "yes", 1])
@pytest.mark.sec("MFA-13")
def test_only_a_true_lets_the_application_agree(
    resolve: Resolve, make: Callable[..., Accounts], answer: object
) -> None:
    """Anything but True from ensure_user_callback keeps the person out, new or known."""
    asked: list[object] = []

    def callback(_db: object, user: object, _identity: object, role: str) -> Any:
        asked.append((user is None, role))
        return answer

    accounts = make(ensure_user_callback=callback)
    for _ in range(2):
        refused = resolve(ANN, accounts)
        assert isinstance(refused, Refused)
        assert refused.code == "refused_by_application"
        resolve()

    assert asked == [(True, "member"), (False, "member")]


def test_the_application_is_told_of_changed_rights(resolve: Resolve, make: Callable[..., Accounts]) -> None:
    """on_rights_changed is called when a provider changed a role or took it away, and only then."""
    told: list[str] = []
    accounts = make(on_rights_changed=lambda _db, user, _client: told.append(user.role))
    resolve(ANN, accounts)
    resolve(ANN, accounts)
    resolve(replace(ANN, groups=frozenset({"editors"})), accounts)
    resolve(replace(ANN, groups=frozenset()), accounts)
    resolve(replace(ANN, groups=frozenset()), accounts)

    assert told == ["editor", "anonymous"]


def test_an_application_maps_identities_at_logins_too(make: Callable[..., Accounts], resolve: Resolve) -> None:
    """Another name and role, and who is left out gets no user; the key stays, whatever is returned."""

    def map_identity(identity: VerifiedIdentity) -> VerifiedIdentity | None:
        return None if identity.username == "eve" else replace(identity, username="anna", role="admin", source_id="x")

    accounts = make(map_identity=map_identity)
    found, left_out = resolve(ANN, accounts), resolve(replace(ANN, source_id="id-2", username="eve"), accounts)

    assert isinstance(found, Resolved)
    assert (found.user.username, found.user.role, found.user.source_id) == ("anna", "admin", "id-1")
    assert left_out == Refused("not_a_user")


@pytest.mark.sec("LINK-18")
def test_whom_the_source_bars_stays_out(resolve: Resolve) -> None:
    """An identity that only says that somebody is there lets nobody in."""
    assert resolve(replace(ANN, barred="account_disabled")) == Refused("account_disabled")
