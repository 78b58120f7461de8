"""Tests of whose rights stamp a change of objects moves."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from onegov_auth.database import Database
from onegov_auth.models import Bundle, Grant, PermissionRow, RoleMapping, User, UserGroup
from onegov_auth.testing.clock import FakeClock


@dataclass
class World:
    """A user for each way to have a permission, and one without any."""

    session: Session
    people: dict[str, User]
    permission: PermissionRow
    other: PermissionRow
    bundle: Bundle
    staff: UserGroup
    clerks: UserGroup

    def moved(self, change: Callable[[], object]) -> set[str]:
        """The names of those whose stamp moved by *change*, as another session sees it."""
        before = self._stamps()
        change()
        self.session.commit()
        after = self._stamps()
        assert all(stamp >= before[name] for name, stamp in after.items())
        return {name for name, stamp in after.items() if stamp != before[name]}

    def _stamps(self) -> dict[str, int]:
        with Session(self.session.get_bind()) as other:
            return {row.username: row.rights_stamp for row in other.execute(select(User.username, User.rights_stamp))}


@pytest.fixture(name="world")
def _world(session: Session, clock: FakeClock) -> World:
    names = (
        "own",
        "bundle",
        "member",
        "clerk",
        "granted",
        "expired",
        "granted-bundle",
        "granted-clerk",
        "root",
        "nobody",
    )
    people = {name: User(username=name, password_hash="", role="member", is_superuser=name == "root") for name in names}
    permission, other = PermissionRow(token="invoices.read"), PermissionRow(token="invoices.write")
    bundle = Bundle(name="Bookkeeping", permissions=[permission])
    staff = UserGroup(name="Staff", permissions=[permission])
    clerks = UserGroup(name="Clerks", bundles=[bundle])
    session.add_all([*people.values(), permission, other, bundle, staff, clerks])
    people["own"].permissions.append(permission)
    people["bundle"].bundles.append(bundle)
    people["member"].groups.append(staff)
    people["clerk"].groups.append(clerks)
    session.add_all(
        [
            Grant(user=people["granted"], permission=permission, origin="company"),
            Grant(user=people["expired"], permission=permission, expires=clock() - timedelta(days=1)),
            Grant(user=people["granted-bundle"], bundle=bundle, expires=clock() + timedelta(days=1)),
            Grant(user=people["granted-clerk"], group=clerks, origin="company"),
        ]
    )
    session.commit()
    return World(session, people, permission, other, bundle, staff, clerks)


IN_CLERKS = {"clerk", "granted-clerk"}
WITH_BUNDLE = {"bundle", "granted-bundle", *IN_CLERKS}
WITH_PERMISSION = {"own", "member", "granted", "expired", *WITH_BUNDLE}

CHANGES: dict[str, tuple[Callable[[World], object], set[str]]] = {
    "a permission of one's own": (lambda w: w.people["nobody"].permissions.append(w.other), {"nobody"}),
    "one less": (lambda w: w.people["own"].permissions.clear(), {"own"}),
    "a bundle": (lambda w: w.people["nobody"].bundles.append(w.bundle), {"nobody"}),
    "a group": (lambda w: w.people["nobody"].groups.append(w.staff), {"nobody"}),
    "the permission's users": (lambda w: w.other.users.append(w.people["nobody"]), {"nobody"}),
    "the bundle's users": (lambda w: w.bundle.users.remove(w.people["bundle"]), {"bundle"}),
    "the group's users": (lambda w: w.staff.users.append(w.people["nobody"]), {"nobody"}),
    "superuser": (lambda w: setattr(w.people["nobody"], "is_superuser", True), {"nobody"}),
    "the group's permissions": (lambda w: w.staff.permissions.append(w.other), {"member"}),
    "the group's bundles": (lambda w: w.clerks.bundles.clear(), IN_CLERKS),
    "the permission's groups": (lambda w: w.other.groups.append(w.clerks), IN_CLERKS),
    "the bundle's groups": (lambda w: w.bundle.groups.append(w.staff), {"member"}),
    "the bundle's permissions": (lambda w: w.bundle.permissions.append(w.other), WITH_BUNDLE),
    "the permission's bundles": (lambda w: w.other.bundles.append(w.bundle), WITH_BUNDLE),
    "a new bundle of a group": (lambda w: w.staff.bundles.append(Bundle(name="New")), {"member"}),
    "a new group": (lambda w: w.session.add(UserGroup(name="New", users=[w.people["nobody"]])), {"nobody"}),
    "a new permission": (lambda w: w.session.add(PermissionRow(token="new")), {"root"}),
    "another description": (lambda w: setattr(w.permission, "description", "Read"), set()),
    "another token": (lambda w: setattr(w.permission, "token", "invoices.see"), {"root", *WITH_PERMISSION}),
    "another name": (lambda w: setattr(w.bundle, "name", "B"), set()),
    "no group": (lambda w: w.session.delete(w.clerks), IN_CLERKS),
    "no bundle": (lambda w: w.session.delete(w.bundle), WITH_BUNDLE),
    "no permission": (lambda w: w.session.delete(w.permission), {"root", *WITH_PERMISSION}),
    "no user": (lambda w: w.session.delete(w.people["own"]), set()),
}


@pytest.mark.sec("SESS-05")
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_moves_the_stamps_of_all_it_concerns(world: World, change: str) -> None:
    """Whichever object a right changes through, whoever has it by any way is concerned, and nobody else."""
    make, concerned = CHANGES[change]
    assert world.moved(lambda: make(world)) == concerned


@pytest.mark.parametrize("unloaded", [False, True])
def test_a_grant_moves_the_stamp_of_its_user(world: World, session: Session, clock: FakeClock, unloaded: bool) -> None:
    """One that is made by the user's key or by the user, changed, and taken away."""
    nobody = world.people["nobody"]
    grant = (
        Grant(user_id=nobody.id, permission_id=world.other.id) if unloaded else Grant(user=nobody, bundle=world.bundle)
    )
    assert world.moved(lambda: session.add(grant)) == {"nobody"}
    if unloaded:
        session.expire_all()
    assert world.moved(lambda: setattr(grant, "expires", clock())) == {"nobody"}
    if unloaded:
        session.expire_all()
    assert world.moved(lambda: session.delete(grant)) == {"nobody"}


def test_a_grant_that_changes_hands_concerns_both(world: World, session: Session) -> None:
    """Who had it, and who has it now."""
    grant = session.scalars(select(Grant).where(Grant.user_id == world.people["granted"].id)).one()
    assert world.moved(lambda: setattr(grant, "user_id", world.people["nobody"].id)) == {"granted", "nobody"}


@pytest.mark.parametrize("whose", ["user", "username", "group", "group_id"])
def test_a_role_on_an_object_moves_the_stamps_of_who_has_it(world: World, session: Session, whose: str) -> None:
    """A user's role concerns the user, a group's its members; made, changed, taken away."""
    nobody, clerks = world.people["nobody"], world.clerks
    values = {"user": nobody, "username": nobody.username, "group": clerks, "group_id": clerks.id}
    mapping = RoleMapping(role="editor", content_type="pages", content_id="1", **{whose: values[whose]})
    concerned = {"nobody"} if whose.startswith("user") else IN_CLERKS
    assert world.moved(lambda: session.add(mapping)) == concerned
    session.expire_all()
    assert world.moved(lambda: setattr(mapping, "role", "admin")) == concerned
    session.expire_all()
    assert world.moved(lambda: session.delete(mapping)) == concerned


def test_what_concerns_nobody_costs_no_statement(world: World, database: Database) -> None:
    """Somebody's real name and a group's name are written, and nothing else."""
    assert (world.people["own"].realname, world.staff.name) == (None, "Staff")
    world.people["own"].realname, world.staff.name = "Ann", "S"
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    world.session.flush()
    assert sorted(statement.split()[1] for statement in statements) == ["groups", "users"]


@pytest.mark.parametrize("what", ["group", "bundle", "permission"])
def test_the_number_of_statements_does_not_grow_with_the_members(
    world: World, session: Session, database: Database, what: str
) -> None:
    """A thousand members are moved by one statement, and none of them is loaded."""
    staff = world.staff
    session.add_all(
        [User(username=f"u{number}", password_hash="", role="member", groups=[staff]) for number in range(1000)]
    )
    staff.bundles.append(world.bundle)
    session.commit()
    session.expunge_all()
    thing = session.merge({"group": staff, "bundle": world.bundle, "permission": world.permission}[what])
    statements: list[str] = []

    def note(*args: object) -> None:
        statements.append(str(args[2]))

    event.listen(database.engine, "before_cursor_execute", note)
    changes: dict[str, Callable[[], object]] = {
        "group": lambda: setattr(thing, "permissions", []),
        "bundle": lambda: setattr(thing, "permissions", []),
        "permission": lambda: setattr(thing, "token", "else"),
    }
    moved = world.moved(changes[what])
    event.remove(database.engine, "before_cursor_execute", note)
    assert len(moved) > 1000
    written = [statement for statement in statements if statement.startswith("UPDATE users")]
    assert len(written) == 1
    assert len(statements) < 15
    assert not any(isinstance(known, User) for known in session.identity_map.values())


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("what", ["group", "bundle"])
def test_who_becomes_a_member_at_the_same_time_is_concerned(
    world: World, session: Session, database: Database, what: str
) -> None:
    """A change waits for memberships that are under way: no one's stamp stays where other rights were cached."""
    class_: Any
    class_, key = (UserGroup, world.clerks.id) if what == "group" else (Bundle, world.bundle.id)
    nobody, other = world.people["nobody"], world.other.id
    nobody.groups.append(world.clerks)
    session.flush()
    before = nobody.rights_stamp

    def change() -> None:
        with database.unit() as db:
            thing = db.get_one(class_, key)
            thing.permissions.append(db.get_one(PermissionRow, other))

    with Session(session.get_bind()) as watching, ThreadPoolExecutor() as pool:
        done = pool.submit(change)
        while not watching.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            watching.rollback()
            assert not done.done()
        session.commit()
        done.result()
    session.expire_all()
    assert nobody.rights_stamp > before
