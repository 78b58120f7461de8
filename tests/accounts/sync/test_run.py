"""Tests of a whole run: what it does to people, and when it does nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from onegov_auth.accounts.sync import State
from onegov_auth.database import Database
from onegov_auth.domain import VerifiedIdentity
from onegov_auth.models import AuthEvent, User
from onegov_auth.testing.providers import KnownDirectory

Run = Callable[..., Any]
Users = Callable[[], dict[str, User]]
Somebody = Callable[..., VerifiedIdentity]


def test_everybody_becomes_a_user(run: Run, users: Users) -> None:
    """New people are users as a login would have made them, and the second run finds nothing to do."""
    first, second = run(), run()

    assert first.said == {"ann": "new", "bob": "new", "carla": "new"}
    ann, bob = users()["ann"], users()["bob"]
    assert (ann.username_key, ann.email, ann.realname, ann.type) == ("ann", "ann@example.org", "Ann", "generic")
    assert (ann.role, ann.role_origin, bob.role, ann.source, ann.source_id) == (
        "member",
        "staff",
        "editor",
        "staff",
        "id-ann",
    )
    assert (ann.password_hash, ann.active, ann.email_verified) == ("", True, False)
    assert second.findings == []
    assert second.report.counts == Counter({State.UNCHANGED: 3})


def test_a_run_tells_the_event_log(run: Run, database: Database) -> None:
    """There is an event for each person who was changed, and one for the run with its totals."""
    run()

    with database.read() as db:
        events = list(db.scalars(select(AuthEvent).order_by(AuthEvent.id)))
    assert [(event.code, event.username, event.provider) for event in events] == [
        ("new", "ann", "staff"),
        ("new", "bob", "staff"),
        ("new", "carla", "staff"),
        ("ok", None, "staff"),
    ]
    assert {event.type for event in events} == {"sync"}
    assert ["new", "3"] in events[-1].steps


@pytest.mark.sec("LDAP-59", "LDAP-61")
@pytest.mark.parametrize("told", [0, 1, 2])
def test_a_part_of_the_people_changes_nothing(
    run: Run, directory: KnownDirectory, stored: Callable[[], list[object]], told: int
) -> None:
    """A directory that goes away after any number of people is taken for no answer, even by force."""
    run()
    before = stored()
    directory.listed[0] = replace(directory.listed[0], realname="Somebody Else")
    directory.tells.append(told)

    ran = run(force=True)

    assert (ran.report.code, ran.report.detail) == ("unavailable", f"connection: gone after {told}")
    assert without_events(stored()) == without_events(before)


def without_events(rows: list[object]) -> list[object]:
    """The rows but those of the event log and of who may sync."""
    return [row for row in rows if isinstance(row, tuple) and "sync" not in row and row[0] != "staff"]


def test_nobody_at_all_changes_nothing_unless_it_is_forced(run: Run, directory: KnownDirectory, users: Users) -> None:
    """An empty answer is refused; told to, the sync believes it."""
    run()
    directory.listed.clear()

    assert run().report.code == "empty"
    assert run(force=True).report.code == "ok"
    assert run(force=True).said == {"ann": "deactivated", "bob": "deactivated", "carla": "deactivated"}
    assert not any(user.active for user in users().values())


def test_too_many_missing_change_nothing_unless_it_is_forced(
    run: Run, directory: KnownDirectory, users: Users, missed: Callable[[], dict[str, int]]
) -> None:
    """Over ``max_drop`` nobody is written at all, not even who is new."""
    run()
    directory.listed[:] = [*directory.listed[:1], replace(directory.listed[0], source_id="id-zoe", username="zoe")]

    refused = run()

    assert (refused.report.code, refused.report.known, refused.report.gone) == ("max_drop", 3, 2)
    assert refused.findings == []
    assert set(users()) == {"ann", "bob", "carla"}
    assert set(missed().values()) == {0}
    assert run(force=True).said["bob"] == "missing"


def test_a_drop_of_exactly_max_drop_is_allowed(run: Run, directory: KnownDirectory, somebody: Somebody) -> None:
    """Two of four are no more than half."""
    directory.listed.append(somebody("dora"))
    run()
    del directory.listed[2:]

    assert run().report.code == "ok"


def test_leavers_of_earlier_runs_are_no_drop(run: Run, directory: KnownDirectory) -> None:
    """Who was missing for good before is not counted again."""
    run()
    del directory.listed[2:]
    run()
    run()

    del directory.listed[1:]
    again = run()
    assert (again.report.code, again.report.known, again.report.gone) == ("ok", 2, 1)


def test_a_run_that_was_killed_is_made_whole_by_the_next(
    run: Run, directory: KnownDirectory, users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one batch wrote is found unchanged, and the rest is done."""
    monkeypatch.setattr("onegov_auth.accounts.sync.run.BATCH", 1)

    def killed(_db: object, _user: object, identity: VerifiedIdentity, _role: str) -> bool:
        if identity.username == "carla":
            raise KeyboardInterrupt
        return True

    with pytest.raises(KeyboardInterrupt):
        run(hooks={"ensure_user_callback": killed})
    assert set(users()) == {"ann", "bob"}

    assert run().said == {"carla": "new"}
    del directory.listed[0]
    assert run().said == {"ann": "missing"}


@pytest.mark.parametrize("size", [1, 2, 500])
@pytest.mark.parametrize("listed", ["unchanged", "changed"])
def test_a_dry_run_says_what_a_run_does_and_writes_nothing(
    run: Run,
    directory: KnownDirectory,
    somebody: Somebody,
    stored: Callable[[], list[object]],
    monkeypatch: pytest.MonkeyPatch,
    listed: str,
    size: int,
) -> None:
    """Both tell the same of everybody, whatever is different and however people fall into batches."""
    monkeypatch.setattr("onegov_auth.accounts.sync.run.BATCH", size)
    directory.listed.extend(map(somebody, ("dora", "emil", "fritz", "greta", "hugo")))
    run()
    if listed == "changed":
        directory.listed[:] = [
            somebody("anna", source_id="id-ann"),
            somebody("bob", groups=frozenset({"staff"})),
            somebody("ann", source_id="id-new-ann", email=None),
            somebody("carla", groups=frozenset()),
            somebody("dora", realname="Dora Other"),
            somebody("emil", barred="account_disabled"),
            somebody("hugo"),
            somebody("zoe"),
            somebody("zoe", source_id="id-another-zoe", email=None),
        ]
    before = stored()

    rehearsed = run(dry_run=True)
    assert stored() == before
    done = run()

    assert told(rehearsed) == told(done)
    if listed == "changed":
        assert {finding.source_id: finding.state.value for finding in done.findings} == CHANGES


CHANGES = {
    "id-ann": "renamed",
    "id-bob": "changed",
    "id-carla": "no_role",
    "id-dora": "changed",
    "id-new-ann": "new",
    "id-zoe": "new",
    "id-another-zoe": "conflict",
    "id-emil": "deactivated",
    "id-fritz": "missing",
    "id-greta": "missing",
}


def told(ran: Any) -> list[object]:
    """All that may be compared: a user that was not made has no key yet."""
    return [replace(finding, user_id=None) for finding in ran.findings] + [ran.report.counts]


def test_a_dry_run_shows_who_would_be_missing_too_much(run: Run, directory: KnownDirectory) -> None:
    """It says that the run would be refused, and still who it is about."""
    run()
    del directory.listed[1:]

    ran = run(dry_run=True)

    assert ran.report.code == "max_drop"
    assert ran.said == {"bob": "missing", "carla": "missing"}


def test_hooks_are_told_of_a_run_and_not_of_a_dry_run(run: Run, directory: KnownDirectory, somebody: Somebody) -> None:
    """A mail that a hook sends can't be taken back, so a rehearsal sends none."""
    told: list[str] = []
    hooks = {
        "on_deactivate": lambda _db, user, _client: told.append(f"out {user.username}"),
        "on_rights_changed": lambda _db, user, _client: told.append(f"rights {user.username}"),
        "change_username_callback": lambda _db, user, before: told.append(f"{before} {user.username}"),
    }
    run()
    directory.listed[:] = [
        somebody("anna", source_id="id-ann"),
        somebody("bob"),
        somebody("carla", barred="account_disabled"),
    ]

    run(dry_run=True, hooks=hooks)
    assert told == []
    run(hooks=hooks)
    assert sorted(told) == ["ann anna", "out carla", "rights bob"]


def test_progress_is_told(make_sync: Callable[..., Any], directory: KnownDirectory) -> None:
    """How many were read, of whom nobody knows how many there are, then how many of them are done."""
    seen: list[tuple[str, int, int]] = []
    sync = make_sync()
    sync.run(progress=lambda *far: seen.append(far))
    directory.listed.pop()
    sync.run(progress=lambda *far: seen.append(far))

    assert seen == [("read", 3, 0), ("apply", 3, 3), ("read", 2, 0), ("apply", 2, 2), ("missing", 1, 1)]
