from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, select, update

from onegov_auth.accounts.sync import State
from onegov_auth.database import Database
from onegov_auth.models import AuthEvent, Bundle, Grant, PermissionRow, User, UserIdentity
from onegov_auth.permissions.grants import Grants
from onegov_auth.testing.providers import KnownDirectory

GRANTS = {"permissions": {"invoices.read": ["accounting"]}, "bundles": {"Books": ["accounting", "audit"]}}
BOTH = frozenset({"staff", "accounting"})
PLAIN = frozenset({"staff"})


@pytest.fixture(name="things", autouse=True)
def _things(database: Database) -> None:
    with database.unit() as db:
        db.add_all([PermissionRow(token="invoices.read"), Bundle(name="Books")])


@pytest.fixture(name="held")
def _held(database: Database) -> Callable[[], dict[str, list[str]]]:
    """``held()`` is what each has who has something."""

    def held() -> dict[str, list[str]]:
        with database.read() as db:
            users = db.scalars(select(User).order_by(User.username))
            found = {user.username: [one.right.name for one in Grants().of(db, user)] for user in users}
        return {name: rights for name, rights in found.items() if rights}

    return held


def test_rights_come_with_people_and_go_with_their_groups(
    directory: KnownDirectory, run: Any, held: Any, somebody: Any, database: Database
) -> None:
    """A sync gives new people what their groups give, brings those who are there up to date, and tells what it did."""
    directory.listed[:] = [somebody("ann", groups=BOTH), somebody("bob"), somebody("carla", groups=BOTH)]
    assert run(grants=GRANTS).codes["ann"] == "member, + bundle Books, + permission invoices.read"
    assert held() == {name: ["invoices.read", "Books"] for name in ("ann", "carla")}

    directory.listed[:] = [somebody("ann", groups=BOTH), somebody("bob", groups=BOTH), somebody("carla")]
    again = run(grants=GRANTS, force=True)
    assert again.said == {"bob": "changed", "carla": "changed"}
    assert again.codes["carla"] == "- bundle Books, - permission invoices.read"
    assert held() == {name: ["invoices.read", "Books"] for name in ("ann", "bob")}
    with database.read() as db:
        codes = db.execute(select(AuthEvent.username, AuthEvent.steps).where(AuthEvent.code == "changed"))
        assert ("carla", [["sync", again.codes["carla"]]]) in [tuple(row) for row in codes]

    assert run(grants=GRANTS).said == {}


def test_a_changed_role_and_rights_are_told_together(
    directory: KnownDirectory, run: Any, held: Any, somebody: Any
) -> None:
    """Of somebody of whom more changed, both are told."""
    directory.listed[:] = [somebody("ann")]
    run(grants=GRANTS)
    directory.listed[:] = [somebody("ann", groups=frozenset({"editors", "audit"}))]

    assert run(grants=GRANTS).codes == {"ann": "member became editor, + bundle Books"}
    assert held() == {"ann": ["Books"]}


def test_nothing_said_takes_nothing(directory: KnownDirectory, run: Any, held: Any, somebody: Any) -> None:
    """A directory that says nothing of somebody's groups leaves the rights as they are."""
    directory.listed[:] = [somebody("ann", groups=BOTH)]
    run(grants=GRANTS)
    directory.listed[:] = [somebody("ann", groups=None)]

    assert run(grants=GRANTS).said == {}
    assert held() == {"ann": ["invoices.read", "Books"]}


@pytest.mark.parametrize(
    ("table", "values"),
    [(User, {"active": False}), (UserIdentity, {"frozen": True}), (UserIdentity, {"issuer": "https://other"})],
    ids=["deactivated by a person", "frozen", "another issuer"],
)
def test_who_may_not_come_in_gets_nothing(
    directory: KnownDirectory, run: Any, held: Any, somebody: Any, database: Database, table: Any, values: Any
) -> None:
    """Whom a login would refuse is given nothing by a sync."""
    directory.listed[:] = [somebody("ann")]
    run(grants=GRANTS)
    with database.unit() as db:
        db.execute(update(table).values(**values))
    directory.listed[:] = [somebody("ann", groups=BOTH)]
    run(grants=GRANTS)

    assert held() == {}


def test_who_is_gone_has_nothing(directory: KnownDirectory, run: Any, held: Any, somebody: Any) -> None:
    """Whoever is missing for good has nothing by the directory any more; at the first miss nothing changes."""
    directory.listed[:] = [somebody("ann", groups=BOTH), somebody("bob", groups=BOTH)]
    run(grants=GRANTS)
    directory.listed[:] = [somebody("ann", groups=BOTH)]
    run(grants=GRANTS, force=True)
    assert set(held()) == {"ann", "bob"}
    run(grants=GRANTS, force=True)
    assert set(held()) == {"ann"}


def test_no_role_no_rights(directory: KnownDirectory, run: Any, held: Any, somebody: Any) -> None:
    """Whoever loses the role loses the rights."""
    directory.listed[:] = [somebody("ann", groups=BOTH)]
    run(grants=GRANTS)
    directory.listed[:] = [somebody("ann", groups=frozenset({"accounting"}))]
    run(grants=GRANTS, force=True)

    assert held() == {}


@pytest.mark.parametrize(("lost", "code"), [(10, "ok"), (11, "max_drop")])
def test_many_who_lose_every_right_are_a_drop(
    directory: KnownDirectory, run: Any, held: Any, somebody: Any, lost: int, code: str
) -> None:
    """When the groups that give rights can't be found any more, nothing is changed: not everybody lost them."""
    directory.listed[:] = [somebody(f"p{number:02}", groups=BOTH) for number in range(20)]
    run(grants=GRANTS)
    directory.listed[:] = [somebody(f"p{number:02}", groups=PLAIN if number < lost else BOTH) for number in range(20)]
    ran = run(grants=GRANTS)

    assert (ran.report.code, ran.report.rightless, ran.report.roleless) == (code, lost, 0)
    assert len(held()) == (20 if code == "max_drop" else 20 - lost)
    assert run(grants=GRANTS, force=True).report.ok
    assert len(held()) == 20 - lost


def test_who_loses_both_is_counted_once(directory: KnownDirectory, run: Any, somebody: Any) -> None:
    """Somebody who would lose the role and every right is one person."""
    directory.listed[:] = [somebody(f"p{number}", groups=BOTH) for number in range(5)]
    run(grants=GRANTS)
    directory.listed[:] = [somebody("p0", groups=frozenset()), *directory.listed[1:]]
    report = run(grants=GRANTS).report

    assert (report.roleless, report.rightless) == (1, 0)


def test_where_nothing_is_mapped_nothing_is_asked(
    directory: KnownDirectory, run: Any, somebody: Any, database: Database
) -> None:
    """A sync without grants asks for none, but for once whether there are any, and beside what it asks anyway."""
    directory.listed[:] = [somebody(f"p{number}") for number in range(9)]
    run()
    lines: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *given: lines.append(given[2]))
    run()

    assert len([line for line in lines if "FROM grants" in line and "FROM user_identities" not in line]) == 1


def test_for_a_batch_there_are_as_many_statements_as_for_one(
    directory: KnownDirectory, run: Any, somebody: Any, database: Database
) -> None:
    """The number of statements does not grow with the number of people whose rights change."""
    counts = []
    for many in (1, 9):
        directory.listed[:] = [somebody(f"p{number}") for number in range(9)]
        run(grants=GRANTS, force=True)
        directory.listed[:] = [somebody(f"p{number}", groups=BOTH if number < many else PLAIN) for number in range(9)]
        lines: list[str] = []
        event.listen(database.engine, "before_cursor_execute", lambda *given, to=lines: to.append(given[2]))
        run(grants=GRANTS)
        counts.append(len(lines))

    assert counts[0] == counts[1]


def test_the_application_is_told(directory: KnownDirectory, run: Any, somebody: Any) -> None:
    """``on_rights_changed`` is called for people who are known and whose rights a sync changed."""
    told: list[str] = []
    hooks = {"on_rights_changed": lambda _db, user, _client: told.append(user.username)}
    directory.listed[:] = [somebody("ann"), somebody("bob", groups=BOTH)]
    run(grants=GRANTS, hooks=hooks)
    directory.listed[:] = [somebody("ann", groups=BOTH), somebody("bob", groups=BOTH)]
    run(grants=GRANTS, hooks=hooks)

    assert told == ["ann"]


def test_a_rehearsal_leaves_nothing(directory: KnownDirectory, run: Any, somebody: Any, database: Database) -> None:
    """A dry run tells what would be given, and gives nothing."""
    directory.listed[:] = [somebody("ann", groups=BOTH)]
    ran = run(grants=GRANTS, dry_run=True)

    assert ran.findings[0].state is State.NEW
    assert "+ bundle Books" in ran.findings[0].code
    with database.read() as db:
        assert db.scalars(select(Grant)).all() == []
