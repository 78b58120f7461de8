from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Integer
from sqlalchemy.orm import DeclarativeBase, Session, make_transient_to_detached, mapped_column

from onegov_auth.database import Database
from onegov_auth.models import Bundle, Grant, PermissionRow, RoleMapping, User, UserGroup
from onegov_auth.permissions.effective import Rights, contents_of
from onegov_auth.testing.clock import FakeClock
from tests.permissions.ways import GRANTED, WAYS, give, permission

Add = Callable[..., User]
StampOf = Callable[[User], int]


@pytest.mark.parametrize("way", WAYS)
def test_every_way_leads_to_the_permission_and_to_no_other(
    database: Database, rights: Rights, clock: FakeClock, add: Add, stamp_of: StampOf, way: str
) -> None:
    """Whoever has a permission by any one way has it, and nothing else; nobody else has it."""
    ann, bob = add("ann"), add("bob")
    with database.unit() as db:
        give(db, db.get_one(User, ann.id), way)
        if way != "superuser":
            give(db, db.get_one(User, bob.id), way, "write")
        else:
            permission(db, "write")

    stamps = stamp_of(ann), stamp_of(bob)
    assert rights.has(ann.id.hex, stamps[0], "read")
    assert not rights.has(bob.id.hex, stamps[1], "read")
    assert Rights(database, clock=clock).has(ann.id.hex, stamps[0], "write") is (way == "superuser")
    expected = {"read", "write"} if way == "superuser" else {"read"}
    assert rights.tokens(ann.id.hex, stamps[0]) == expected
    assert not rights.has(ann.id.hex, stamps[0], "unheard of")


@pytest.mark.parametrize("way", GRANTED)
def test_grant_counts_until_its_end(
    database: Database, rights: Rights, clock: FakeClock, add: Add, stamp_of: StampOf, way: str
) -> None:
    """A dated grant is good until that very second, without any change in the table, known before or not."""
    ann = add()
    with database.unit() as db:
        give(db, db.get_one(User, ann.id), way, until=clock() + timedelta(minutes=5))
    uid, stamp = ann.id.hex, stamp_of(ann)

    clock.advance(299)
    assert rights.has(uid, stamp, "read")
    assert rights.tokens(uid, stamp) == {"read"}
    clock.advance(1)

    assert not rights.has(uid, stamp, "read")
    assert not rights.tokens(uid, stamp)
    assert not Rights(database, clock=clock).has(uid, stamp, "read")


def test_first_of_several_ends_is_noticed(
    database: Database, rights: Rights, clock: FakeClock, add: Add, stamp_of: StampOf
) -> None:
    """What was found ends with the first grant; the others go on."""
    ann = add()
    with database.unit() as db:
        user = db.get_one(User, ann.id)
        give(db, user, "grant", "first", clock() + timedelta(minutes=5))
        give(db, user, "grant", "second", clock() + timedelta(minutes=9))
        give(db, user, "own", "always")
    uid, stamp = ann.id.hex, stamp_of(ann)

    found = [rights.tokens(uid, stamp)]
    for _ in range(2):
        clock.advance(300)
        found.append(rights.tokens(uid, stamp))

    assert found == [{"first", "second", "always"}, {"second", "always"}, {"always"}]


def test_two_statements_answer_everything(
    database: Database, rights: Rights, add: Add, stamp_of: StampOf, statements: Callable[[], int]
) -> None:
    """The first question costs one statement, the second one another, all further ones none; whoever asks again too."""
    ann = add()
    with database.unit() as db:
        for token in ("read", "write", "delete"):
            give(db, db.get_one(User, ann.id), "own", token)
    uid, stamp = ann.id.hex, stamp_of(ann)
    statements()

    costs = []
    for token in ("read", "read", "write", "delete", "none", "read"):
        rights.has(uid, stamp, token)
        costs.append(statements())
    rights.tokens(uid, stamp)

    assert [*costs, statements()] == [1, 0, 1, 0, 0, 0, 0]


Change = Callable[[Session, User, Any], object]

CHANGES: dict[str, tuple[str, Change]] = {
    "the own permission": ("own", lambda db, user, _: user.permissions.clear()),
    "the own bundle": ("bundle", lambda db, user, _: user.bundles.clear()),
    "what is in the bundle": ("bundle", lambda db, _, bundle: bundle.permissions.clear()),
    "the bundle itself": ("bundle", lambda db, _, bundle: db.delete(bundle)),
    "the membership": ("group", lambda db, user, _: user.groups.clear()),
    "the permission of the group": ("group", lambda db, _, group: group.permissions.clear()),
    "the group itself": ("group", lambda db, _, group: db.delete(group)),
    "the bundle of the group": ("group's bundle", lambda db, _, group: group.bundles.clear()),
    "the grant": ("grant", lambda db, _, __: db.delete(db.query(Grant).one())),
    "the granted group": ("granted group", lambda db, _, __: db.delete(db.query(Grant).one())),
    "what is in the granted bundle": ("granted bundle", lambda db, _, bundle: bundle.permissions.clear()),
    "being a superuser": ("superuser", lambda db, user, _: setattr(user, "is_superuser", False)),
    "the permission itself": ("own", lambda db, _, __: db.delete(permission(db, "read"))),
}


@pytest.mark.parametrize(("way", "change"), CHANGES.values(), ids=CHANGES)
@pytest.mark.sec("ASVS-8.3.2")
def test_what_is_taken_away_is_gone_at_the_next_request(
    database: Database, rights: Rights, add: Add, stamp_of: StampOf, way: str, change: Change
) -> None:
    """Whichever link of the way is taken away: what the process knew is void with the stamp of the next request."""
    ann = add()
    with database.unit() as db:
        link = give(db, db.get_one(User, ann.id), way)
    uid = ann.id.hex
    assert rights.has(uid, stamp_of(ann), "read")
    assert rights.tokens(uid, stamp_of(ann))

    with database.unit() as db:
        change(db, db.get_one(User, ann.id), link if link is None else db.get_one(type(link), link.id))

    assert not rights.has(uid, stamp_of(ann), "read")
    assert "read" not in rights.tokens(uid, stamp_of(ann))


def test_nothing_old_is_kept_under_a_stamp_to_come(
    database: Database, rights: Rights, add: Add, stamp_of: StampOf
) -> None:
    """Somebody who asks with a stamp that isn't committed yet leaves nothing behind for it."""
    ann = add()
    with database.unit() as db:
        give(db, db.get_one(User, ann.id), "own")
    uid, stamp = ann.id.hex, stamp_of(ann)

    assert rights.has(uid, stamp + 1, "read")
    assert rights.tokens(uid, stamp + 1)
    with database.unit() as db:
        user = db.get_one(User, ann.id)
        user.permissions.clear()

    assert stamp_of(ann) == stamp + 1
    assert not rights.has(uid, stamp + 1, "read")
    assert not rights.tokens(uid, stamp + 1)


def test_user_who_is_gone_has_nothing(rights: Rights, database: Database, add: Add, stamp_of: StampOf) -> None:
    """Nothing is found of a user who was deleted, and nothing is kept."""
    ann = add()
    uid, stamp = ann.id.hex, stamp_of(ann)
    with database.unit() as db:
        permission(db, "read")
        db.delete(db.get_one(User, ann.id))

    assert not rights.has(uid, stamp, "read")
    assert rights.tokens(uid, stamp) == frozenset()
    assert not rights.standing(uid, stamp).superuser


def test_roles_on_an_object_are_the_users_and_those_of_the_groups(
    database: Database, rights: Rights, clock: FakeClock, add: Add, stamp_of: StampOf
) -> None:
    """A role mapping of the user or of any group counts for its object, also of a granted group until its end."""
    ann = add()
    content = Bundle(name="an object"), Bundle(name="another one")
    with database.unit() as db:
        user = db.get_one(User, ann.id)
        group, granted = UserGroup(name="group"), UserGroup(name="granted")
        db.add_all([group, granted, *content])
        db.flush()
        user.groups.append(group)
        db.add(Grant(user=user, group=granted, expires=clock() + timedelta(minutes=5)))
        for owner, role in (({"user": user}, "a"), ({"group": group}, "b"), ({"group": granted}, "c")):
            db.add(RoleMapping(**owner, role=role, content_type="bundles", content_id=str(content[0].id)))
        db.add(RoleMapping(user=user, role="d", content_type="bundles", content_id=content[1].id.hex))
    uid = ann.id.hex

    assert set(rights.standing(uid, stamp_of(ann)).roles_on(content[0])) == {"a", "b", "c"}
    assert set(rights.standing(uid, stamp_of(ann)).roles_on(content[1])) == {"d"}
    assert not set(rights.standing(uid, stamp_of(ann)).roles_on(ann))
    clock.advance(300)
    assert set(rights.standing(uid, stamp_of(ann)).roles_on(content[0])) == {"a", "b"}


@pytest.mark.sec("ASVS-8.3.2")
def test_role_on_an_object_is_gone_at_the_next_request(
    database: Database, rights: Rights, add: Add, stamp_of: StampOf, statements: Callable[[], int]
) -> None:
    """It is looked up once, and again when a mapping was taken away."""
    ann, row = add(), PermissionRow(token="an object")
    with database.unit() as db:
        db.add(row)
        db.flush()
        user = db.get_one(User, ann.id)
        db.add(RoleMapping(user=user, role="editor", content_type="permissions", content_id=str(row.id)))
    uid, stamp = ann.id.hex, stamp_of(ann)
    statements()

    assert [list(rights.standing(uid, stamp).roles_on(row)) for _ in range(3)] == [["editor"]] * 3
    assert statements() == 1
    with database.unit() as db:
        db.delete(db.query(RoleMapping).one())

    assert not list(rights.standing(uid, stamp_of(ann)).roles_on(row))


def test_only_what_has_a_row_can_have_roles(database: Database, add: Add) -> None:
    """An object of the database is named by table and id; what isn't there yet, and everything else, by nothing."""
    ann = add()

    assert list(contents_of(ann)) == [("users", str(ann.id)), ("users", ann.id.hex)]
    assert not list(contents_of(User(username="bob")))
    assert not list(contents_of(object()))
    assert not list(contents_of(User))


def test_tables_of_one_name_are_two() -> None:
    """A table in a schema is named with it: a role on an object of one is none on that of the other."""

    class Other(DeclarativeBase):
        pass

    found: list[tuple[str, str]] = []
    for schema in (None, "archive"):
        columns = {"id": mapped_column(Integer, primary_key=True), "__table_args__": {"schema": schema}}
        page = type(f"Page{schema}", (Other,), {"__tablename__": "pages", **columns})(id=1)
        make_transient_to_detached(page)
        found += contents_of(page)

    assert found == [("pages", "1"), ("archive.pages", "1")]


def test_roles_are_taken_from_where_an_object_says(add: Add) -> None:
    """Nothing is inherited by itself; ``roles_from`` leads up, and a circle ends."""

    class Page:
        def __init__(self, parent: Any = None) -> None:
            self.parent = parent

    class Heir(Page):
        @property
        def roles_from(self) -> Any:
            return self.parent

    top, circle = add(), Heir()
    circle.parent = circle

    assert not list(contents_of(Page(top)))
    assert not list(contents_of(circle))
    assert list(contents_of(Heir(Heir(top)))) == list(contents_of(top))
