"""Tests of what becomes of people who are in the directory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event, select

from onegov_auth.database import Database
from onegov_auth.domain import VerifiedIdentity
from onegov_auth.models import User, UserIdentity, UserSession
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.providers import KnownDirectory

Run = Callable[..., Any]
Users = Callable[[], dict[str, User]]
Somebody = Callable[..., VerifiedIdentity]


@pytest.mark.sec("LINK-02", "LINK-05")
def test_somebody_renamed_stays_the_same_user(run: Run, directory: KnownDirectory, users: Users) -> None:
    """The key decides who it is; the name follows the directory."""
    run()
    before = users()["ann"].id
    directory.listed[0] = replace(directory.listed[0], username="Anna")

    ran = run()

    assert (ran.said, ran.codes) == ({"ann": "renamed"}, {"ann": "ann became anna"})
    assert users()["anna"].id == before


def test_a_new_name_that_is_taken_is_left_alone(run: Run, directory: KnownDirectory, users: Users) -> None:
    """Nobody is renamed to somebody else, at this run or at the next."""
    run()
    directory.listed[0] = replace(directory.listed[0], username="bob")

    assert run().codes == {"ann": "the new name is taken"}
    assert run().said == {"ann": "conflict"}
    assert set(users()) == {"ann", "bob", "carla"}


def test_a_new_name_that_cant_be_one_is_left_alone(run: Run, directory: KnownDirectory, users: Users) -> None:
    """The user keeps the old name, and everything else still follows."""
    run()
    directory.listed[0] = replace(directory.listed[0], username="a\x00b")
    assert run().findings == []
    directory.listed[0] = replace(directory.listed[0], realname="Ann Other")

    assert run().said == {"ann": "changed"}
    assert (users()["ann"].username, users()["ann"].realname) == ("ann", "Ann Other")


@pytest.mark.sec("LDAP-67")
def test_a_name_used_again_is_another_person(run: Run, directory: KnownDirectory, users: Users) -> None:
    """Another key with the name of a user gets nothing of that user."""
    run()
    before = users()["ann"].id
    directory.listed[0] = replace(directory.listed[0], source_id="id-another")

    assert run().said == {"ann": "missing"}
    assert users()["ann"].id == before


@pytest.mark.sec("LINK-08")
@pytest.mark.parametrize(
    ("settings", "vouched", "state"),
    [
        ({}, True, "conflict"),
        ({"link": "prove"}, True, "conflict"),
        ({"link": "verified_email", "link_domains": ["example.org"]}, False, "conflict"),
        ({"link": "verified_email"}, True, "conflict"),
        ({"link": "verified_email", "link_domains": ["example.org"]}, True, "linked"),
    ],
)
def test_somebody_local_is_linked_only_as_a_login_would_without_a_proof(
    run: Run,
    directory: KnownDirectory,
    add: Callable[..., User],
    somebody: Somebody,
    settings: dict[str, Any],
    vouched: bool,
    state: str,
) -> None:
    """No sync logs in for anybody: what a person would have to prove stays a conflict."""
    add(username="zoe", email="zoe@example.org", email_verified=True)
    directory.listed.append(somebody("zoe", email_verified=vouched))

    assert run(**settings).said["zoe"] == state


def test_a_role_follows_the_groups_and_a_role_given_by_hand_stays(
    run: Run, directory: KnownDirectory, users: Users, database: Database
) -> None:
    """Grants of the directory come and go, those of a person are kept."""
    run()
    with database.unit() as db:
        db.scalars(select(User).where(User.username == "bob")).one().role = "admin"
    directory.listed[:] = [replace(person, groups=frozenset({"editors"})) for person in directory.listed]

    assert run().said == {"ann": "changed", "carla": "changed"}
    assert {name: user.role for name, user in users().items()} == {"ann": "editor", "bob": "admin", "carla": "editor"}


@pytest.mark.sec("LDAP-59")
def test_the_last_group_gone_takes_the_role_and_the_sessions(
    run: Run, directory: KnownDirectory, users: Users, database: Database, open_session: Callable[[str], None]
) -> None:
    """Whom no group gives a role any more is nobody in particular, at once, until one gives it again."""
    run()
    open_session("ann")
    directory.listed[0] = replace(directory.listed[0], groups=frozenset())

    assert run().said == {"ann": "no_role"}
    assert (users()["ann"].role, users()["ann"].active) == ("anonymous", True)
    with database.read() as db:
        assert db.scalars(select(UserSession)).all() == []
    assert run().said == {"ann": "no_role"}
    directory.listed[0] = replace(directory.listed[0], groups=frozenset({"staff"}))
    assert run().said == {"ann": "changed"}
    assert users()["ann"].role == "member"


def test_nothing_said_of_groups_keeps_the_role(run: Run, directory: KnownDirectory) -> None:
    """A source that tells no groups takes none away."""
    run()
    directory.listed[0] = replace(directory.listed[0], groups=None)

    assert run().findings == []


@pytest.mark.parametrize(
    ("entry", "settings", "state", "code"),
    [
        ({"groups": frozenset()}, {}, "no_role", ""),
        ({"groups": frozenset()}, {"default_role": "member"}, "new", "member"),
        ({}, {"provision": False}, "excluded", "not_provisioned"),
        ({"source_id": ""}, {}, "excluded", "no_source_id"),
        ({"source_id": "x" * 256}, {}, "excluded", "no_source_id"),
        ({"barred": "account_disabled"}, {}, "excluded", "account_disabled"),
        ({"username": "a\x00b"}, {}, "conflict", "invalid_username"),
        ({"role": "admin"}, {}, "new", "admin"),
        ({"role": "no such role"}, {}, "no_role", ""),
    ],
)
def test_not_everybody_new_becomes_a_user(
    run: Run,
    directory: KnownDirectory,
    somebody: Somebody,
    entry: dict[str, Any],
    settings: dict[str, Any],
    state: str,
    code: str,
) -> None:
    """The rules are those of a login, and the report says which it was."""
    directory.listed[:] = [replace(somebody("zoe"), **entry)]

    (finding,) = run(**settings).findings

    assert (finding.state.value, finding.code) == (state, code)


@pytest.mark.sec("LINK-15", "LDAP-65")
def test_one_key_for_two_entries_is_nobodys(run: Run, directory: KnownDirectory, somebody: Somebody) -> None:
    """Neither is made nor changed, and neither is missing; the same entry told twice is one person."""
    directory.listed.append(directory.listed[0])
    assert run().said == {"ann": "new", "bob": "new", "carla": "new"}
    directory.listed[3] = somebody("another", source_id="id-ann")

    assert run().codes == {"ann": "ambiguous_id"}


@pytest.mark.parametrize("kept", ["issuer_changed", "identity_frozen"])
def test_a_link_that_cant_be_used_is_left_alone(
    run: Run, directory: KnownDirectory, database: Database, kept: str
) -> None:
    """What refuses a login refuses a sync."""
    run()
    if kept == "identity_frozen":
        with database.unit() as db:
            db.scalars(select(UserIdentity).where(UserIdentity.source_id == "id-ann")).one().frozen = True
    else:
        directory.listed[0] = replace(directory.listed[0], issuer="somebody else")
    directory.listed[0] = replace(directory.listed[0], realname="Somebody Else")

    assert run().codes == {"ann": kept}


def test_the_application_decides_who_is_a_user(run: Run, directory: KnownDirectory) -> None:
    """``map_identity`` leaves entries out, names and renames others and gives roles; who it is it can't change."""

    def map_identity(identity: VerifiedIdentity) -> VerifiedIdentity | None:
        if identity.username == "carla":
            return None
        return replace(identity, username=f"{identity.username}.x", role="editor", source_id="id-nobody")

    ran = run(hooks={"map_identity": map_identity})

    assert ran.said == {"ann.x": "new", "bob.x": "new", "carla": "excluded"}
    assert ran.codes == {"ann.x": "editor", "bob.x": "editor", "carla": "not_a_user"}
    assert {finding.source_id for finding in ran.findings} == {"id-ann", "id-bob", "id-carla"}
    assert set(run(hooks={"map_identity": map_identity}).said.values()) == {"excluded"}


def test_the_application_may_refuse_somebody(run: Run, directory: KnownDirectory, users: Users) -> None:
    """``ensure_user_callback`` is asked for who is new, and for who would change."""
    hooks = {"ensure_user_callback": lambda _db, _user, identity, _role: identity.username != "ann"}

    assert run(hooks=hooks).codes["ann"] == "refused_by_application"
    run()
    directory.listed[0] = replace(directory.listed[0], realname="Somebody Else")
    assert run(hooks=hooks).said == {"ann": "excluded"}
    assert users()["ann"].realname == "Ann"


def test_people_without_a_change_cost_no_writing(run: Run, database: Database) -> None:
    """Nothing is updated or inserted but the run's own sign of life and its event."""
    run()
    written: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(("SELECT", "BEGIN", "PRAGMA")):
            written.append(statement.split()[1 if statement.startswith("UPDATE") else 2])

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        run()
    finally:
        event.remove(database.engine, "before_cursor_execute", note)

    assert set(written) == {"directory_syncs"}


def test_an_inactive_user_is_left_alone(
    run: Run, directory: KnownDirectory, users: Users, database: Database, shut_out: Callable[[User], None]
) -> None:
    """Whom a person deactivated, no sync activates or changes."""
    run()
    with database.unit() as db:
        shut_out(db.scalars(select(User).where(User.username == "ann")).one())
    directory.listed[0] = replace(directory.listed[0], realname="Somebody Else")

    assert run().findings == []
    assert (users()["ann"].is_active, users()["ann"].realname) == (False, "Ann")


def test_times_are_those_of_the_clock(run: Run, clock: FakeClock, users: Users) -> None:
    """Users made in bulk have the clock's time, and nobody was here yet."""
    run()

    assert {user.created for user in users().values()} == {clock()}
    assert {user.last_login for user in users().values()} == {None}
