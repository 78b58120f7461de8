from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from onegov_auth.accounts import Accounts, Conflict, Hooks, Resolved
from onegov_auth.database import Database
from onegov_auth.domain import Client, UserInfo
from onegov_auth.models import User, UserIdentity
from onegov_auth.outcomes import Refused
from onegov_auth.providers import ProviderSettings
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.providers import person

ROLES = {"admin": ["admins"], "editor": ["editors"], "member": ["staff"]}
ANN = person("staff", "id-1", "ann", email="ann@example.org", realname="Ann Able", groups=frozenset({"staff"}))
Resolve = Callable[..., Resolved | Conflict | Refused]


@pytest.fixture(name="make")
def _make(clock: FakeClock, database: Database) -> Callable[..., Accounts]:
    def make(**hooks: Any) -> Accounts:
        return Accounts(
            database,
            roles=("admin", "editor", "member"),
            privileged_roles=("admin",),
            change_username_roles=("editor", "member"),
            hooks=Hooks(**hooks),
            clock=clock,
        )

    return make


@pytest.fixture(name="resolve")
def _resolve(make: Callable[..., Accounts], database: Database, client: Client) -> Resolve:
    def resolve(identity: Any = ANN, accounts: Accounts | None = None, **settings: Any) -> Any:
        block = ProviderSettings.model_validate({"kind": "ldap", "roles": ROLES, **settings})
        with database.unit() as db:
            return (accounts or make()).resolve(db, identity, block, client)

    return resolve


@pytest.fixture(name="add")
def _add(database: Database) -> Callable[..., User]:
    def add(**values: Any) -> User:
        with database.unit() as db:
            user = User(**{"username": "ann", "password_hash": "local", "role": "member", **values})
            db.add(user)
        return user

    return add


def load(database: Database) -> User:
    with database.read() as db:
        return db.scalars(select(User)).one()


def proofs(database: Database) -> list[str]:
    with database.read() as db:
        return list(db.scalars(select(UserIdentity.proof)))


def test_an_unknown_person_becomes_a_user(resolve: Resolve, database: Database, clock: FakeClock) -> None:
    """The new user has the identity's name, address and role, where they came from, and no password."""
    found = resolve()

    assert isinstance(found, Resolved)
    assert found.created
    user = load(database)
    assert (user.username, user.realname, user.email, user.email_verified) == (
        "ann",
        "Ann Able",
        "ann@example.org",
        False,
    )
    assert (user.role, user.role_origin, user.source, user.source_id) == ("member", "staff", "staff", "id-1")
    assert (user.password_hash, user.last_login) == ("", clock())
    assert proofs(database) == ["provisioned"]


@pytest.mark.sec("LINK-01", "LINK-02", "LINK-05", "ASVS-6.8.1", "ASVS-10.5.2")
def test_a_person_is_found_by_source_and_id_alone(resolve: Resolve, database: Database) -> None:
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
@pytest.mark.parametrize("source_id", ["", "x" * 256])
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
def test_an_inactive_user_stays_out(resolve: Resolve, database: Database) -> None:
    """A deactivated user can't come in by any provider."""
    resolve()
    with database.unit() as db:
        db.scalars(select(User)).one().active = False

    refused = resolve()
    assert isinstance(refused, Refused)
    assert refused.code == "inactive"
    assert not load(database).active


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
    resolve: Resolve, add: Callable[..., User], database: Database, local: dict[str, Any]
) -> None:
    """A matching name or address links nothing by default."""
    add(**local)
    refused = resolve()

    assert isinstance(refused, Refused)
    assert refused.code == "conflict"
    assert proofs(database) == []


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
    resolve: Resolve, add: Callable[..., User], database: Database
) -> None:
    """Both sides verified and the domain listed: the local account is linked, keeps its password and its role."""
    user = add(**LOCAL, role="editor")
    found = resolve(VOUCHED, **VERIFIED)

    assert isinstance(found, Resolved)
    assert found.user.id == user.id
    linked = load(database)
    assert (linked.password_hash, linked.role, linked.source, linked.username) == (
        "local",
        "editor",
        "staff",
        "ann@example.org",
    )
    assert proofs(database) == ["verified_email"]


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
    database: Database,
    local: dict[str, Any],
    claim: dict[str, Any],
    settings: dict[str, Any],
    code: str,
) -> None:
    """An unverified side, a domain of somebody else's, or a privileged role: nothing is linked."""
    add(**{**LOCAL, **local})
    refused = resolve(replace(VOUCHED, **claim), **{**VERIFIED, **settings})

    assert isinstance(refused, Refused)
    assert refused.code == code
    assert proofs(database) == []


def test_strangers_can_be_kept_out(resolve: Resolve, database: Database) -> None:
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


def test_there_may_be_a_default_role(resolve: Resolve, database: Database) -> None:
    """With default_role, people in no mapped group get that one."""
    resolve(replace(ANN, groups=None), default_role="member")

    assert load(database).role == "member"


@pytest.mark.sec("ASVS-8.3.2")
def test_a_mapped_role_follows_the_groups(resolve: Resolve, database: Database) -> None:
    """Another group gives another role at the next login, upwards and downwards."""
    for group, role in (("staff", "member"), ("admins", "admin"), ("editors", "editor")):
        resolve(replace(ANN, groups=frozenset({group})))
        assert load(database).role == role


@pytest.mark.sec("LDAP-59")
def test_the_last_group_takes_the_mapped_role_away(resolve: Resolve, database: Database) -> None:
    """Somebody whom the source says is in no group any more has no rights left, and stays out."""
    resolve(replace(ANN, groups=frozenset({"admins"})))
    refused = resolve(replace(ANN, groups=frozenset()))

    assert isinstance(refused, Refused)
    assert refused.code == "no_role"
    assert load(database).role == "anonymous"
    assert isinstance(resolve(replace(ANN, groups=frozenset({"others"}))), Refused)
    assert isinstance(resolve(replace(ANN, groups=frozenset({"staff"}))), Resolved)
    assert load(database).role == "member"


def test_silence_about_groups_changes_nothing(resolve: Resolve, database: Database) -> None:
    """A source that says nothing about groups leaves the role as it is."""
    resolve(replace(ANN, groups=frozenset({"editors"})))
    found = resolve(replace(ANN, groups=None))

    assert isinstance(found, Resolved)
    assert load(database).role == "editor"


def test_a_role_given_by_hand_survives(resolve: Resolve, database: Database) -> None:
    """What an administrator gave, no provider takes away."""
    resolve()
    with database.unit() as db:
        db.scalars(select(User)).one().role = "admin"
    for groups in (frozenset({"staff"}), frozenset[str](), None):
        assert isinstance(resolve(replace(ANN, groups=groups)), Resolved)

    assert (load(database).role, load(database).role_origin) == ("admin", None)


def test_a_rename_at_the_source_renames_the_user(
    resolve: Resolve, database: Database, make: Callable[..., Accounts]
) -> None:
    """The username follows, and the application is told the old one."""
    told = []
    accounts = make(change_username_callback=lambda _db, user, old: told.append((old, user.username)))
    resolve()
    resolve(replace(ANN, username="anna"), accounts)

    assert load(database).username == "anna"
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
    resolve: Resolve, add: Callable[..., User], database: Database, identity: Any, reason: str
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


@pytest.mark.sec("LINK-17")
def test_a_provider_overwrites_no_local_address(resolve: Resolve, add: Callable[..., User], database: Database) -> None:
    """The address and its verification stay what they were here."""
    add(**LOCAL)
    resolve(VOUCHED, **VERIFIED)
    resolve(replace(VOUCHED, email="evil@example.org"))

    user = load(database)
    assert (user.email, user.email_verified, user.active) == ("ann@example.org", True, True)


def test_a_missing_real_name_deletes_none(resolve: Resolve, database: Database) -> None:
    """A source that has no real name leaves the one we have; a new one is taken."""
    resolve()
    resolve(replace(ANN, realname=None))
    assert load(database).realname == "Ann Able"
    resolve(replace(ANN, realname="Ann Baker"))
    assert load(database).realname == "Ann Baker"


@pytest.mark.parametrize("answer", [False, None, "yes", 1])
@pytest.mark.sec("MFA-13")
def test_only_a_true_lets_the_application_agree(
    resolve: Resolve, make: Callable[..., Accounts], answer: object, database: Database
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


@pytest.mark.sec("LINK-11", "RACE-12")
def test_an_identity_belongs_to_one_user(resolve: Resolve, add: Callable[..., User], database: Database) -> None:
    """What is linked can't be linked to somebody else as well."""
    found = resolve()
    assert isinstance(found, Resolved)
    other = add(username="bob")

    with pytest.raises(IntegrityError), database.unit() as db:
        Accounts(database, roles=()).link(db, UserInfo(other.id, "bob", "member"), ANN, "password")
