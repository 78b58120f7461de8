from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import func, insert, select

from onegov_auth.models import DEFAULT, AuthEvent, Bundle, PermissionRow, User, UserGroup

GROUPS, BUNDLES = "/auth/admin/groups", "/auth/admin/bundles"


@pytest.fixture(name="catalogue")
def _catalogue(database: Any) -> dict[str, Any]:
    """Two permissions, and a bundle with one of them: the ids by name."""
    with database.unit() as db:
        read = PermissionRow(token="invoices.read", description="Read them")
        write = PermissionRow(token="invoices.write")
        books = Bundle(name="Books", permissions=[read])
        db.add_all([read, write, books])
        db.flush()
        return {"read": read.id, "write": write.id, "books": books.id}


@pytest.fixture(name="finance")
def _finance(database: Any, catalogue: Any, add_user: Any) -> Any:
    """A group with a member and a bundle; its id."""
    ann = add_user("ann@example.org")
    with database.unit() as db:
        group = UserGroup(name="Finance", bundles=[db.get(Bundle, catalogue["books"])])
        db.add(group)
        db.flush()
        db.execute(insert(DEFAULT.user_groups).values(user_id=ann.id, group_id=group.id))
        return group.id


def happened(database: Any, type_: str) -> Any:
    """The last event of that type."""
    with database.read() as db:
        return db.scalars(select(AuthEvent).where(AuthEvent.type == type_).order_by(AuthEvent.id.desc())).first()


def join(database: Any, user: Any, group: Any) -> None:
    """Make somebody a member."""
    with database.unit() as db:
        db.execute(insert(DEFAULT.user_groups).values(user_id=user.id, group_id=group))


@pytest.mark.parametrize("path", [GROUPS, f"{GROUPS}/new", BUNDLES, f"{BUNDLES}/new"])
def test_only_for_those_who_run_the_site(browser: Any, add_user: Any, path: str) -> None:
    """Nobody else sees or makes groups and bundles."""
    add_user("ann@example.org")
    browser.log_in("ann@example.org")

    assert browser.get(path, expect_errors=True).status_int == 403


def test_list_of_groups(desk: Any, finance: Any, table: Any) -> None:
    """The list has the members' number and what a group gives."""
    assert [row[:4] for row in table(desk.get(GROUPS))] == [["Finance", "1", "Books", ""]]


def test_members_are_counted_once(desk: Any, finance: Any, table: Any, database: Any, admin: Any, clock: Any) -> None:
    """Who is a member by hand and by a provider is one member; who was one until yesterday is none."""
    with database.unit() as db:
        ann = db.scalars(select(User).where(User.username == "ann@example.org")).one()
        db.add(DEFAULT.grant(user_id=ann.id, group_id=finance, origin="company", created=clock()))
        db.add(DEFAULT.grant(user_id=admin.id, group_id=finance, expires=clock(), created=clock()))

    assert table(desk.get(GROUPS))[0][1] == "1"


def test_add_a_group(desk: Any, catalogue: Any, database: Any) -> None:
    """A new group has what was checked, and an event says who made it."""
    form = desk.get(f"{GROUPS}/new").forms[0]
    form["name"] = " Finance "
    form[f"permissions.{catalogue['write']}"].checked = True
    form[f"bundles.{catalogue['books']}"].checked = True
    form.submit().follow()

    with database.read() as db:
        group = db.scalars(select(UserGroup)).one()
        assert group.name == "Finance"
        assert [one.token for one in group.permissions] == ["invoices.write"]
        assert [one.name for one in group.bundles] == ["Books"]
    event = happened(database, "group_added")
    assert ["by", "ada@example.org"] in event.steps
    assert ["group", "Finance"] in event.steps


def test_change_a_group(desk: Any, finance: Any, catalogue: Any, database: Any) -> None:
    """What is unchecked is taken away; whom it concerns has other rights with the next request."""
    with database.read() as db:
        before = db.scalars(select(User.rights_stamp).where(User.username == "ann@example.org")).one()
    form = desk.get(f"{GROUPS}/{finance}").forms[0]
    form["name"] = "Money"
    form[f"bundles.{catalogue['books']}"].checked = False
    form.submit().follow()

    with database.read() as db:
        group = db.get(UserGroup, finance)
        assert (group.name, group.bundles) == ("Money", [])
        assert db.scalars(select(User.rights_stamp).where(User.username == "ann@example.org")).one() != before
    event = happened(database, "group_changed")
    assert ["bundles", "-Books"] in event.steps
    assert ["name", "Finance \u2192 Money"] in event.steps


def test_delete_a_group(desk: Any, finance: Any, database: Any) -> None:
    """The question says how many lose something; the members stay."""
    question = desk.get(f"{GROUPS}/{finance}/delete")
    assert "1 user has it" in question.text
    question.forms[0].submit().follow()

    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(UserGroup)) == 0
        assert db.scalars(select(User.username).where(User.username == "ann@example.org")).one()
    assert ["members", "1"] in happened(database, "group_deleted").steps


@pytest.mark.sec("ASVS-8.2.1")
@pytest.mark.parametrize("way", ["delete group", "change group", "delete bundle", "change bundle"])
def test_nobody_takes_their_own_rights_by_accident(
    desk: Any, finance: Any, catalogue: Any, database: Any, admin: Any, way: str
) -> None:
    """What would take a permission from who does it is refused, and leaves everything as it was."""
    join(database, admin, finance)
    verb, thing = way.split()
    path = f"{GROUPS}/{finance}" if thing == "group" else f"{BUNDLES}/{catalogue['books']}"
    page = desk.get(f"{path}/delete" if verb == "delete" else path)
    if way == "change group":
        page.forms[0][f"bundles.{catalogue['books']}"].checked = False
    if way == "change bundle":
        page.forms[0][f"permissions.{catalogue['read']}"].checked = False
    answer = page.forms[0].submit()

    assert "You would lose permissions of your own" in answer.text
    with database.read() as db:
        assert [one.name for one in db.get(UserGroup, finance).bundles] == ["Books"]
        assert [one.token for one in db.get(Bundle, catalogue["books"]).permissions] == ["invoices.read"]
    refused = happened(database, f"{thing}_{'deleted' if verb == 'delete' else 'changed'}")
    assert refused.code == "own_rights"


def test_rights_one_has_by_another_way_may_go(
    desk: Any, finance: Any, catalogue: Any, database: Any, admin: Any
) -> None:
    """Who keeps a permission by another way loses nothing."""
    join(database, admin, finance)
    with database.unit() as db:
        db.execute(insert(DEFAULT.user_permissions).values(user_id=admin.id, permission_id=catalogue["read"]))
    desk.log_in("ada@example.org")
    desk.get(f"{GROUPS}/{finance}/delete").forms[0].submit().follow()

    assert happened(database, "group_deleted").code == "ok"


@pytest.mark.parametrize("name", ["Finance", "Books"])
def test_names_are_unique(desk: Any, finance: Any, name: str, database: Any) -> None:
    """A second group or bundle of one name is refused beside the field."""
    path = GROUPS if name == "Finance" else BUNDLES
    form = desk.get(f"{path}/new").forms[0]
    form["name"] = name
    answer = form.submit()

    assert answer.html.find(id="name-error").get_text(strip=True) == "There is one of this name already."


def test_bundles(desk: Any, catalogue: Any, database: Any, table: Any) -> None:
    """A bundle is listed, made, changed and deleted."""
    assert [row[:3] for row in table(desk.get(BUNDLES))] == [["Books", "0", "invoices.read"]]
    form = desk.get(f"{BUNDLES}/new").forms[0]
    form["name"] = "All"
    form[f"permissions.{catalogue['write']}"].checked = True
    form.submit().follow()
    desk.get(f"{BUNDLES}/{catalogue['books']}/delete").forms[0].submit().follow()

    assert [row[:3] for row in table(desk.get(BUNDLES))] == [["All", "0", "invoices.write"]]
    assert ["bundle", "Books"] in happened(database, "bundle_deleted").steps


def test_what_is_gone(desk: Any, catalogue: Any, database: Any) -> None:
    """What somebody else deleted in the meantime is refused, or not found."""
    form = desk.get(f"{BUNDLES}/new").forms[0]
    form["name"] = "All"
    form[f"permissions.{catalogue['write']}"].checked = True
    page = desk.get(f"{BUNDLES}/{catalogue['books']}")
    with database.unit() as db:
        db.delete(db.get(Bundle, catalogue["books"]))

    assert page.forms[0].submit(expect_errors=True).status_int == 404
    assert desk.get(f"{GROUPS}/nothing", expect_errors=True).status_int == 404


@pytest.mark.sec("CSRF-01")
@pytest.mark.parametrize("path", [f"{GROUPS}/new", f"{BUNDLES}/new"])
def test_forms_of_others_are_refused(desk: Any, path: str) -> None:
    """Nothing is changed without the form's token."""
    assert desk.post(path, {"name": "Evil"}, expect_errors=True).status_int == 403


def test_changes_need_a_fresh_login(desk: Any, finance: Any, clock: Any) -> None:
    """Who logged in long ago looks at the lists, and proves again who they are before changing something."""
    clock.advance(timedelta(minutes=6))

    assert desk.get(GROUPS).status_int == 200
    for path in (f"{GROUPS}/new", f"{GROUPS}/{finance}", f"{GROUPS}/{finance}/delete"):
        answer = desk.get(path)
        assert answer.status_int == 303
        assert "/auth/account/confirm" in answer.location


def test_names_can_not_run(desk: Any, database: Any) -> None:
    """A name is a text, whatever stands in it."""
    with database.unit() as db:
        db.add(UserGroup(name="<script>alert(1)</script>"))

    assert "<script>alert" not in desk.get(GROUPS).text


def test_list_costs_no_statement_per_row(desk: Any, database: Any) -> None:
    """However many groups a page has, the number of statements is the same."""

    def statements() -> int:
        said: list[str] = []
        count = lambda *arguments: said.append(arguments[2])  # noqa: E731 - listened to and taken away again
        sqlalchemy_event.listen(database.engine, "before_cursor_execute", count)
        desk.get(GROUPS)
        sqlalchemy_event.remove(database.engine, "before_cursor_execute", count)
        return len(said)

    with database.unit() as db:
        db.add(UserGroup(name="one"))
    few = statements()
    with database.unit() as db:
        db.add_all([UserGroup(name=f"group {number}") for number in range(40)])
    assert statements() == few
