from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from onegov_auth.models import DEFAULT, Bundle, Grant, PermissionRow, User, UserGroup

PATH = "/auth/admin/permissions"


@pytest.fixture(name="read")
def _read(database: Any, add_user: Any, clock: Any) -> Any:
    """A permission that Ann has by a group's bundle, Bob until tomorrow, Carl no more, Dora not; its id."""
    ann, bob, carl = (add_user(f"{name}@example.org").id for name in ("ann", "bob", "carl"))
    add_user("dora@example.org")
    with database.unit() as db:
        read = PermissionRow(token="invoices.read", description="Read <all> of them")
        group = UserGroup(name="Finance", bundles=[Bundle(name="Books", permissions=[read])])
        db.add_all([read, group, PermissionRow(token="invoices.write")])
        db.flush()
        db.execute(insert(DEFAULT.user_groups).values(user_id=ann, group_id=group.id))
        tomorrow, now = clock() + timedelta(days=1), clock()
        for user, until in ((bob, tomorrow), (carl, now)):
            db.add(Grant(user_id=user, permission_id=read.id, expires=until, created=now))
        return read.id


def shown(page: Any) -> dict[str, list[str]]:
    """Who is listed, and why."""
    rows = page.html.select("ul.rows > li")
    return {
        row.find(class_="name").get_text(" ", strip=True): [
            why.get_text(strip=True) for why in row.find_all(class_="quiet")
        ]
        for row in rows
    }


@pytest.mark.parametrize("page", ["", "/{read}"])
def test_only_for_those_who_run_the_site(browser: Any, add_user: Any, read: Any, page: str) -> None:
    """Nobody else sees who may what."""
    add_user("eve@example.org")
    browser.log_in("eve@example.org")

    assert browser.get(PATH + page.format(read=read), expect_errors=True).status_int == 403


def test_catalogue(desk: Any, read: Any, table: Any) -> None:
    """All permissions are listed with what they allow, and found by either."""
    assert table(desk.get(PATH)) == [["invoices.read", "Read <all> of them"], ["invoices.write", ""]]
    assert [row[0] for row in table(desk.get(PATH, {"q": "of THEM"}))] == ["invoices.read"]


def test_who_has_it_and_why(desk: Any, read: Any) -> None:
    """Everybody who has it at this moment is named, with every way by which they have it."""
    page = desk.get(PATH).click("invoices.read")

    people = shown(page)
    assert list(people) == ["ann@example.org", "bob@example.org"]
    assert people["ann@example.org"] == ["Group Finance → Bundle Books · given by hand"]
    assert people["bob@example.org"][0].startswith("Own permission · given by hand · until")
    assert "2 users have it." in page.text
    assert [fact.text for fact in page.html.select("dl.facts dd")] == ["Books"]


def test_superusers_and_inactive_ones(desk: Any, read: Any, database: Any) -> None:
    """Superusers have everything; an account that is not active is marked."""
    with database.unit() as db:
        db.scalars(select(User).where(User.username == "dora@example.org")).one().is_superuser = True
        db.scalars(select(User).where(User.username == "ann@example.org")).one().active = False

    people = shown(desk.get(f"{PATH}/{read}"))
    assert people["dora@example.org"] == ["Superuser: has every permission"]
    assert "ann@example.org inactive" in people


def test_people_are_found_by_name(desk: Any, read: Any) -> None:
    """Of many who have it, one is found by the name."""
    page = desk.get(f"{PATH}/{read}", {"q": "BOB"})

    assert list(shown(page)) == ["bob@example.org"]
    assert "Nobody is found." in desk.get(f"{PATH}/{read}", {"q": "nobody"}).text


def test_pages_join(desk: Any, read: Any, database: Any) -> None:
    """The pages have everybody once, in order of the names."""
    with database.unit() as db:
        group = db.scalars(select(UserGroup)).one()
        people = [User(username=f"n{number:02}", role="member", password_hash="x") for number in range(60)]
        db.add_all(people)
        db.flush()
        db.execute(insert(DEFAULT.user_groups), [{"user_id": one.id, "group_id": group.id} for one in people])

    page, names = desk.get(f"{PATH}/{read}"), list[str]()
    while page is not None:
        names += shown(page)
        following = page.html.find("a", rel="next")
        page = desk.get(following["href"]) if following else None
    assert names == ["ann@example.org", "bob@example.org", *(f"n{number:02}" for number in range(60))]


def test_many_have_it(desk: Any, read: Any, database: Any) -> None:
    """Of a thousand and more, nobody is left out, and no more are counted."""
    with database.unit() as db:
        group = db.scalars(select(UserGroup)).one()
        people = [User(username=f"n{number:04}", role="member", password_hash="x") for number in range(1100)]
        db.add_all(people)
        db.flush()
        db.execute(insert(DEFAULT.user_groups), [{"user_id": one.id, "group_id": group.id} for one in people])
        db.scalars(select(User).where(User.username == "dora@example.org")).one().is_superuser = True

    first = desk.get(f"{PATH}/{read}")
    assert "More than 1000 users have it." in first.text
    assert list(shown(first))[:4] == ["ann@example.org", "bob@example.org", "dora@example.org", "n0000"]
    last = desk.get(f"{PATH}/{read}", {"after": "n1097"})
    assert list(shown(last)) == ["n1098", "n1099"]
    assert list(shown(desk.get(f"{PATH}/{read}", {"q": "carl"}))) == []


def test_nobody_has_it(desk: Any, read: Any) -> None:
    """Of a permission that nobody has, the page says so."""
    assert "Nobody has it." in desk.get(PATH).click("invoices.write").text


def test_nothing_is_changed(desk: Any, read: Any) -> None:
    """The catalogue is the application's: no page changes it."""
    token = {"csrf_token": desk.get("/auth/logout").forms[0]["csrf_token"].value}

    assert desk.post(f"{PATH}/{read}", token, expect_errors=True).status_int == 405
    assert desk.get(f"{PATH}/new", expect_errors=True).status_int == 404
    assert desk.get(f"{PATH}/nothing", expect_errors=True).status_int == 404
