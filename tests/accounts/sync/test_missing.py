"""Tests of what becomes of people who are gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from onegov_auth.accounts import Accounts
from onegov_auth.database import Database
from onegov_auth.domain import Client, VerifiedIdentity
from onegov_auth.models import User, UserIdentity, UserSession
from onegov_auth.outcomes import Refused
from onegov_auth.providers import ProviderSettings, SyncSettings
from onegov_auth.testing.providers import KnownDirectory

Run = Callable[..., Any]
Users = Callable[[], dict[str, User]]
Missed = Callable[[], dict[str, int]]
Somebody = Callable[..., VerifiedIdentity]


@pytest.mark.sec("LINK-18", "LDAP-51")
def test_somebody_gone_is_deactivated_after_enough_runs(
    run: Run,
    directory: KnownDirectory,
    users: Users,
    missed: Missed,
    database: Database,
    open_session: Callable[[str], None],
) -> None:
    """The first run counts, the second shuts out and ends the sessions, the third has nothing more to do."""
    run()
    open_session("ann")
    del directory.listed[0]

    first = run()
    assert (first.said, first.codes, missed()["id-ann"]) == ({"ann": "missing"}, {"ann": "1/2"}, 1)
    assert users()["ann"].active
    second = run()
    assert (second.said, missed()["id-ann"]) == ({"ann": "deactivated"}, 2)
    ann = users()["ann"]
    assert (ann.active, ann.deactivated_by) == (False, "staff")
    with database.read() as db:
        assert db.scalars(select(UserSession)).all() == []
    assert run().findings == []


def test_somebody_back_is_counted_anew(run: Run, directory: KnownDirectory, missed: Missed) -> None:
    """Only misses in a row count."""
    run()
    ann = directory.listed.pop(0)
    run()
    directory.listed.append(ann)

    assert run().said == {"ann": "back"}
    assert missed()["id-ann"] == 0
    directory.listed.remove(ann)
    assert run().codes == {"ann": "1/2"}


def test_who_was_deactivated_by_a_sync_comes_back_with_it(
    run: Run, directory: KnownDirectory, users: Users, missed: Missed
) -> None:
    """The same user is active again, with what the directory says now."""
    run()
    ann = directory.listed.pop(0)
    run()
    run()
    directory.listed.append(replace(ann, groups=frozenset({"editors"})))

    assert run().said == {"ann": "back"}
    assert (users()["ann"].active, users()["ann"].role, users()["ann"].deactivated_by) == (True, "editor", None)
    assert missed()["id-ann"] == 0


def test_who_comes_back_without_a_role_stays_out(run: Run, directory: KnownDirectory, users: Users) -> None:
    """Being listed is not enough: no group, no way in."""
    run()
    ann = directory.listed.pop(0)
    run()
    run()
    directory.listed.append(replace(ann, groups=frozenset()))

    assert run().said == {"ann": "no_role"}
    assert not users()["ann"].active


def test_whom_a_person_deactivated_no_sync_activates(
    run: Run, directory: KnownDirectory, users: Users, database: Database
) -> None:
    """Also not when a sync had deactivated them before."""
    run()
    ann = directory.listed.pop(0)
    run()
    run()
    with database.unit() as db:
        db.scalars(select(User).where(User.username == "ann")).one().active = False
    directory.listed.append(ann)

    assert run().findings == []
    assert not users()["ann"].active


@pytest.mark.sec("LDAP-39")
def test_whom_the_directory_bars_is_shut_out_at_once(run: Run, directory: KnownDirectory, users: Users) -> None:
    """A disabled account is no glitch: the directory said so itself. Enabled again, they are back."""
    run()
    directory.listed[0] = replace(directory.listed[0], barred="account_disabled")

    ran = run()
    assert (ran.said, ran.codes) == ({"ann": "deactivated"}, {"ann": "account_disabled"})
    assert run().said == {"ann": "excluded"}
    assert not users()["ann"].active
    directory.listed[0] = replace(directory.listed[0], barred=None)
    assert run().said == {"ann": "back"}
    assert users()["ann"].active


def test_barred_people_count_as_a_drop(run: Run, directory: KnownDirectory, users: Users) -> None:
    """A directory that suddenly calls everybody disabled is not believed."""
    run()
    directory.listed[:] = [replace(person, barred="account_disabled") for person in directory.listed]

    assert run().report.code == "max_drop"
    assert all(user.active for user in users().values())


def test_people_who_would_lose_their_role_count_as_a_drop(run: Run, directory: KnownDirectory, users: Users) -> None:
    """A directory in which groups can't be found any more is not believed, unless it is forced."""
    run()
    directory.listed[:] = [replace(person, groups=frozenset()) for person in directory.listed]

    refused = run().report
    assert (refused.code, refused.known, refused.gone, refused.roleless) == ("max_drop", 3, 0, 3)
    assert sorted(user.role for user in users().values()) == ["editor", "member", "member"]
    assert run(dry_run=True).said == dict.fromkeys(("ann", "bob", "carla"), "no_role")
    assert run(force=True).said == dict.fromkeys(("ann", "bob", "carla"), "no_role")
    assert run().report.code == "ok"


def test_who_keeps_a_role_is_no_drop(
    run: Run, directory: KnownDirectory, database: Database, shut_out: Callable[[User], None]
) -> None:
    """A role given by hand stays, who is inactive has none to lose, and no word about groups takes none."""
    run()
    with database.unit() as db:
        users = {user.username: user for user in db.scalars(select(User))}
        users["ann"].role_origin = None
        shut_out(users["bob"])
    directory.listed[:] = [replace(person, groups=frozenset()) for person in directory.listed]
    by_hand = run().report
    directory.listed[:] = [replace(person, groups=None) for person in directory.listed]

    assert (by_hand.code, by_hand.roleless) == ("ok", 1)
    assert (run().report.code, run().report.roleless) == ("ok", 0)


def test_missing_people_and_lost_roles_are_one_drop(run: Run, directory: KnownDirectory) -> None:
    """One of three is no more than half; one missing and one without a role are."""
    run()
    directory.listed[:] = [replace(directory.listed[0], groups=frozenset()), directory.listed[1]]

    assert (run().report.code, run().report.gone, run().report.roleless) == ("max_drop", 1, 1)


def test_whom_the_application_leaves_out_is_missing(run: Run, directory: KnownDirectory) -> None:
    """Somebody who stopped being a user is counted like somebody who is not there."""
    run()
    hooks = {"map_identity": lambda identity: None if identity.username == "ann" else identity}

    states = [finding.state.value for finding in run(hooks=hooks).findings]
    assert sorted(states) == ["excluded", "missing"]
    assert "deactivated" in [finding.state.value for finding in run(hooks=hooks).findings]


def test_keep_counts_and_deactivates_nobody(
    run: Run, database: Database, directory: KnownDirectory, users: Users, missed: Missed
) -> None:
    """``missing: keep`` says who is gone, and leaves what comes of it to people."""
    object.__setattr__(directory, "sync", SyncSettings(missing="keep", after=1, max_drop="50%"))
    run()
    del directory.listed[0]

    assert run().said == {"ann": "missing"}
    assert missed()["id-ann"] == 1
    assert users()["ann"].active


@pytest.mark.parametrize("other", ["password", "identity"])
def test_who_has_another_way_in_loses_only_what_the_directory_gave(
    run: Run,
    directory: KnownDirectory,
    users: Users,
    database: Database,
    open_session: Callable[..., None],
    other: str,
) -> None:
    """The account is not the directory's alone: its role and its sessions go, the others stay."""
    run()
    with database.unit() as db:
        ann = db.scalars(select(User).where(User.username == "ann")).one()
        if other == "password":
            ann.password_hash = "some hash"
        else:
            db.add(UserIdentity(user_id=ann.id, source="company", source_id="1", proof="password"))
    del directory.listed[0]
    run()
    open_session("ann")
    open_session("ann", provider="company")

    assert run().codes == {"ann": "another_way"}
    assert (users()["ann"].active, users()["ann"].role) == (True, "anonymous")


def test_a_role_given_by_hand_survives_with_the_other_way_in(
    run: Run, directory: KnownDirectory, users: Users, database: Database, open_session: Callable[..., None]
) -> None:
    """Only the sessions that the directory vouched for end."""
    run()
    with database.unit() as db:
        ann = db.scalars(select(User).where(User.username == "ann")).one()
        ann.password_hash, ann.role = "some hash", "editor"
    del directory.listed[0]
    run()
    open_session("ann")
    open_session("ann", provider="local")
    run()

    assert (users()["ann"].active, users()["ann"].role) == (True, "editor")
    with database.read() as db:
        assert db.scalars(select(UserSession.provider)).all() == ["local"]


@pytest.mark.parametrize("gone", ["missed", "frozen"])
def test_a_link_that_cant_be_used_is_no_other_way_in(
    run: Run, directory: KnownDirectory, users: Users, database: Database, gone: str
) -> None:
    """Who is gone from one directory after the other is out."""
    run()
    with database.unit() as db:
        ann = db.scalars(select(User).where(User.username == "ann")).one()
        state = {"missed": 1} if gone == "missed" else {"frozen": True}
        db.add(UserIdentity(user_id=ann.id, source="company", source_id="1", proof="password", **state))
    del directory.listed[0]
    run()
    run()

    assert not users()["ann"].active


def test_somebody_inactive_already_stays_so(
    run: Run, directory: KnownDirectory, users: Users, database: Database, shut_out: Callable[[User], None]
) -> None:
    """It stays a person's decision, which the directory doesn't take over."""
    run()
    with database.unit() as db:
        shut_out(db.scalars(select(User).where(User.username == "ann")).one())
    del directory.listed[0]
    run()

    assert run().codes == {"ann": "inactive"}
    assert users()["ann"].deactivated_by is None


def test_who_was_deactivated_by_a_sync_gets_in_by_no_login(
    run: Run, directory: KnownDirectory, make: Callable[..., Accounts], database: Database, client: Client
) -> None:
    """Until the next sync sees them again."""
    run()
    ann = directory.listed.pop(0)
    run()
    run()
    with database.unit() as db:
        refused = make().resolve(db, ann, ProviderSettings(kind="ldap", roles={"member": ("staff",)}), client)

    assert isinstance(refused, Refused)
    assert refused.code == "inactive"


def test_other_directories_are_left_alone(
    run: Run, directory: KnownDirectory, users: Users, database: Database
) -> None:
    """People of another provider are not missed."""
    run()
    with database.unit() as db:
        user = User(username="zoe", password_hash="", role="member", source="company", source_id="1")
        db.add(user)
        db.flush()
        db.add(UserIdentity(user_id=user.id, source="company", source_id="1", proof="provisioned"))

    assert run().report.known == 3
    assert users()["zoe"].active
