"""The pages of the users."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from onegov_auth.collections import UserCollection
from onegov_auth.models import AuthEvent, LoginAttempt, PermissionRow, User, UserFactor, UserGroup

PATH = "/auth/admin/users"


@pytest.fixture(name="people")
def _people(database: Any, desk: Any, clock: Any) -> Any:
    """Several people of all kinds."""
    del desk
    with database.unit() as db:
        finance = UserGroup(name="Finance")
        add = UserCollection(db).add
        password = "correct horse battery staple"
        ann = add("ann@example.org", password, "member", realname="Ann Äpfel", groups=[finance])
        ann.email, ann.email_verified, ann.tags = "ann@example.org", True, ["blue", "red"]
        bob = add("bob@example.org", password, "editor", active=False)
        bob.email = "robert@example.net"
        cem = add("cem_x", password, "member")
        cem.source, cem.source_id = "company", "1"
        cem.disabled_utc = clock() - timedelta(days=1)
        db.add(UserFactor(user_id=ann.id, type="yubikey", key="cccccccccccc"))
        db.add(PermissionRow(token="invoices.read", description="See the invoices"))
    return database


@pytest.fixture(name="user")
def _user(database: Any) -> Callable[[str], Any]:
    """A user as the table has them."""

    def find(name: str) -> Any:
        with database.read() as db:
            user = UserCollection(db).by_username(name)
            if user is not None:
                _loaded = (user.data, user.groups, user.permissions, user.factors)
            return user

    return find


def one_of(db: Any, name: str = "ann@example.org") -> Any:
    return UserCollection(db).by_username(name)


def names(table: Any, page: Any) -> list[str]:
    return [row[1] for row in table(page)]


def form_with(page: Any, field: str) -> Any:
    return next(form for form in page.forms.values() if field in form.fields)


def action_form(page: Any, do: str) -> Any:
    return next(form for form in page.forms.values() if form.action.endswith(f"/do/{do}"))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["ada", "ann", "bob", "cem_x"]),
        ({"q": "EXAMPLE.org"}, ["ada", "ann", "bob"]),
        ({"q": "robert"}, ["bob"]),
        ({"q": "äpfel"}, ["ann"]),
        ({"q": "m_x"}, ["cem_x"]),
        ({"q": "_"}, ["cem_x"]),
        ({"q": "%"}, []),
        ({"role": "editor"}, ["bob"]),
        ({"source": "local"}, ["ada", "ann", "bob"]),
        ({"tag": "red"}, ["ann"]),
        ({"tag": "re"}, []),
        ({"state": "active"}, ["ada", "ann"]),
        ({"state": "inactive"}, ["bob", "cem_x"]),
        ({"state": "disabled"}, ["cem_x"]),
        ({"state": "unverified"}, ["bob"]),
        ({"state": "no_factor"}, ["ada", "bob", "cem_x"]),
        ({"state": "superuser"}, []),
        ({"state": "invited"}, []),
        ({"state": "locked"}, []),
        ({"sort": "-username"}, ["cem_x", "bob", "ann", "ada"]),
        ({"sort": "role", "q": "example"}, ["ada", "bob", "ann"]),
    ],
    ids=str,
)
@pytest.mark.usefixtures("people")
def test_users_are_found(desk: Any, table: Any, query: Any, found: list[str]) -> None:
    """Search, filters and order in the address give exactly those users."""
    page = desk.get(PATH, query)

    assert [name.split("@")[0] for name in names(table, page)] == found


@pytest.mark.usefixtures("people")
def test_members_of_a_group_are_found(desk: Any, table: Any) -> None:
    """The filter offers the groups, and finds the members of one."""
    form = form_with(desk.get(PATH), "group")
    form["group"].select(text="Finance")

    assert names(table, form.submit()) == ["ann@example.org"]


def test_locked_users_are_found(people: Any, desk: Any, make_browser: Any, table: Any) -> None:
    """Who failed too often is found by that, and not any more once unlocked."""
    stranger = make_browser(desk.app)
    for _ in range(20):
        stranger.log_in("ann@example.org", "wrong")
    page = desk.get(PATH, {"state": "locked"})
    assert names(table, page) == ["ann@example.org"]
    page = page.click("ann@example.org")
    action_form(page, "unlock").submit().follow()

    assert names(table, desk.get(PATH, {"state": "locked"})) == []
    with people.read() as db:
        assert db.query(LoginAttempt).count() > 0


@pytest.mark.parametrize(
    "query",
    [
        {"role": "owner"},
        {"state": "x"},
        {"group": "x"},
        {"source": "nobody"},
        {"sort": "password_hash"},
        {"q": "x" * 300},
    ],
    ids=str,
)
@pytest.mark.sec("ASVS-1.2.4")
def test_questions_of_nobodys_page_are_refused(desk: Any, query: Any) -> None:
    """What none of our pages asks for is no filter."""
    desk.get(PATH, query, status=400)


def test_list_costs_few_statements(people: Any, desk: Any) -> None:
    """A page of 50 users costs as many statements as a page of four."""
    count = _counting(people)
    desk.get(PATH)
    few = count()
    with people.unit() as db:
        group = db.query(UserGroup).one()
        for number in range(80):
            db.add(User(username=f"u{number}", password_hash="", role="member", groups=[group]))
    count()
    page = desk.get(PATH)

    assert "84 found" in page.text
    assert count() == few
    assert few <= 9


def _counting(database: Any) -> Callable[[], int]:
    seen: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda _c, _cur, statement, *_more: seen.append(statement))

    def since() -> int:
        number = len(seen)
        seen.clear()
        return number

    return since


def test_file_has_everything_found(people: Any, desk: Any) -> None:
    """The file has the columns and rows of the list, all pages of it, and no formulas."""
    with people.unit() as db:
        one_of(db).realname = "=1+1"
        for number in range(60):
            db.add(User(username=f"u{number}", password_hash="", role="member"))
    response = desk.get(f"{PATH}/export", {"role": "member"})
    rows = list(csv.reader(io.StringIO(response.body.decode("utf-8-sig"))))

    assert response.headers["Content-Disposition"] == 'attachment; filename="users.csv"'
    assert response.headers["Cache-Control"] == "no-store"
    assert len(rows) == 63
    assert rows[0][:4] == ["Username", "Name", "E-mail address", "Role"]
    assert next(row for row in rows if row[0] == "ann@example.org")[1] == "'=1+1"


def test_form_has_what_is_stored_and_saves_it(people: Any, desk: Any, user: Any) -> None:
    """The page shows all that may be changed, and saving it unchanged changes nothing."""
    page = desk.get(PATH).click("ann@example.org")
    form = form_with(page, "username")
    assert form["realname"].value == "Ann Äpfel"
    assert form["tags"].value == "blue, red"
    assert form["role"].value == "member"
    assert "is_superuser" not in form.fields
    assert "invoices.read – See the invoices" in page.text
    form.submit(status=303)
    with people.read() as db:
        assert [row.steps for row in db.query(AuthEvent) if row.type == "user_changed"] == []
    box = next(name for name in form.fields if name and name.startswith("groups."))
    assert form[box].checked
    form[box] = False
    form["tags"], form["language"], form["disabled_utc"] = "green,, ", "fr", "2031-02-03T04:05"
    form.submit(status=303)

    ann = user("ann@example.org")
    assert (ann.groups, ann.tags, ann.language) == ([], ["green"], "fr")
    assert ann.disabled_utc.isoformat() == "2031-02-03T04:05:00+00:00"
    with people.read() as db:
        steps = [row.steps for row in db.query(AuthEvent) if row.type == "user_changed"]
    assert [name for name, _detail in steps[0]] == ["by", "language", "groups", "tags", "disabled_utc"]


@pytest.mark.sec("ASVS-15.3.3")
def test_fields_that_the_form_has_not_are_passed_over(people: Any, desk: Any, user: Any) -> None:
    """Nobody becomes a superuser, or gets a password, by a field that was made up."""
    form = form_with(desk.get(PATH).click("ann@example.org"), "username")
    before = user("ann@example.org").password_hash
    fields = {name: form[name].value for name in ("csrf_token", "username", "role", "language")}
    desk.post(
        form.action or desk.get(PATH).click("ann@example.org").request.path,
        {**fields, "is_superuser": "y", "password_hash": "x", "password": "x"},
    )

    assert not user("ann@example.org").is_superuser
    assert user("ann@example.org").password_hash == before


def test_new_account_is_invited_and_has_the_weakest_role(desk: Any, user: Any) -> None:
    """The form as it comes gives no power, and the mail goes to the address that was entered."""
    form = form_with(desk.get(f"{PATH}/new"), "username")
    assert form["role"].value == "member"
    form["username"] = form["email"] = "nina@example.org"
    page = form.submit().follow()

    assert "The mail is sent." in page.text
    assert "Send the invitation again" in page.text
    assert user("nina@example.org").role == "member"


def test_it_is_said_if_nobody_is_invited(desk: Any, user: Any) -> None:
    """An address that nobody vouches for gets no link, and a name that is no address has none to get one at."""
    form = form_with(desk.get(f"{PATH}/new"), "username")
    form["username"] = form["email"] = "nina@example.org"
    form["email_verified"] = False
    assert "No invitation was sent" in form.submit().follow().text
    assert not user("nina@example.org").email_verified
    form["username"], form["email"], form["invite"] = "otto", "", False
    assert "No invitation was sent" not in form.submit().follow().text


@pytest.mark.sec("ASVS-8.4.2")
@pytest.mark.usefixtures("people")
def test_own_role_is_refused_with_a_sentence(desk: Any, user: Any) -> None:
    """The own account's page says so, has no button for it, and refuses a form that does it."""
    page = desk.get(desk.get(PATH).html.find("bdi", string="ada@example.org").parent["href"])
    assert "This is your own account" in page.text
    assert "/delete" not in page.text
    form = form_with(page, "username")
    form["role"] = "member"
    assert "You can't change your own role" in form.submit().html.get_text()
    desk.get(f"{page.request.path}/delete")
    delete = form_with(desk.get(f"{page.request.path}/delete"), "csrf_token")
    assert "own account" in delete.submit().text
    assert user("ada@example.org").role == "admin"


@pytest.mark.usefixtures("people")
def test_permissions_and_why(people: Any, desk: Any) -> None:
    """The page lists the permissions, and says of one by which ways the person has it."""
    with people.unit() as db:
        group = db.query(UserGroup).one()
        group.permissions = [db.query(PermissionRow).filter_by(token="invoices.read").one()]
    page = desk.get(PATH).click("ann@example.org").click("invoices.read")

    assert "Why invoices.read" in page.html.get_text()
    assert "Finance" in page.html.select_one(".message.info").get_text()


@pytest.mark.usefixtures("people")
def test_account_is_looked_after(desk: Any, user: Any, make_browser: Any) -> None:
    """Sessions, factors and activity have their buttons."""
    other = make_browser(desk.app)
    path = desk.get(PATH).click("ann@example.org").request.path
    page = desk.get(path)
    page = action_form(page, "reset-factor").submit().follow()
    assert "is removed" in page.text
    assert user("ann@example.org").factors == []
    other.log_in("ann@example.org")
    page = action_form(desk.get(path), "end-sessions").submit().follow()
    assert "1 session is ended." in page.text
    assert other.get("/auth/account", expect_errors=True).status_code == 303
    page = action_form(page, "deactivate").submit().follow()
    assert not user("ann@example.org").active
    action_form(page, "activate").submit().follow()
    assert user("ann@example.org").active
    form_with(desk.get(f"{path}/delete"), "csrf_token").submit(status=303)
    assert user("ann@example.org") is None


@pytest.mark.usefixtures("people")
def test_something_is_done_with_those_selected(desk: Any, user: Any) -> None:
    """The names are shown first; then it is done, and the page says with how many, and with whom not and why."""
    page = desk.get(PATH)
    form = form_with(page, "do")
    for name in [name for name in form.fields if name and name.startswith("select.")]:
        form[name] = True
    page = form.submit("do", value="deactivate")
    assert "4 are selected." in page.text
    assert "Ann Äpfel" in page.text
    page = form_with(page, "confirmed").submit().follow()

    assert "Done with 3 accounts." in page.text
    assert "1 account was left as it is: You can't do this to your own account." in page.html.get_text()
    assert not user("ann@example.org").active
    assert user("ada@example.org").active


@pytest.mark.parametrize(("do", "value"), [("add_to_group", None), ("remove_from_group", None), ("set_role", "editor")])
def test_group_and_role_are_chosen_for_those_selected(people: Any, desk: Any, user: Any, do: str, value: Any) -> None:
    """What they are to get, or lose, is asked on the page in between."""
    with people.read() as db:
        key = str(one_of(db).id)
        group = str(db.query(UserGroup).one().id)
    form = form_with(desk.get(PATH), "do")
    form[f"select.{key}"] = True
    form = form_with(form.submit("do", value=do), "confirmed")
    assert form["value"].value == ""
    form["value"] = value or group
    page = form.submit().follow()

    assert "Done with 1 account." in page.text
    ann = user("ann@example.org")
    assert [one.name for one in ann.groups] == ([] if do == "remove_from_group" else ["Finance"])
    assert ann.role == (value or "member")
    form["value"].force_value("nobody")
    assert form.submit(expect_errors=True).status_code in {303, 404}
    assert user("ann@example.org").role == (value or "member")


@pytest.mark.sec("ASVS-7.5.1")
@pytest.mark.usefixtures("people")
def test_changes_need_a_fresh_login(desk: Any, clock: Any, user: Any) -> None:
    """After some minutes the list is shown still, and every change asks who one is first."""
    page = desk.get(PATH).click("ann@example.org")
    form, forms = form_with(page, "username"), [action_form(page, do) for do in ("invite", "unlock", "deactivate")]
    clock.advance(360)
    desk.get(PATH, status=200)
    form["realname"] = "Other"
    for one in (form, *forms):
        assert "/auth/account/confirm" in one.submit(status=303).location
    assert "/auth/account/confirm" in desk.get(page.request.path, status=303).location
    assert user("ann@example.org").realname == "Ann Äpfel"


@pytest.mark.sec("ASVS-8.3.1")
def test_pages_are_secret(make_browser: Any, app: Any, add_user: Any) -> None:
    """An editor gets none of the pages, and a visitor is led to the login."""
    add_user("eve@example.org", "editor")
    browser = make_browser(app)
    for path in ("", "/new", "/export", "/00000000-0000-0000-0000-000000000000"):
        assert "/auth/login" in browser.get(f"{PATH}{path}", status=303).location
    browser.log_in("eve@example.org")
    for path in ("", "/new", "/export", "/00000000-0000-0000-0000-000000000000"):
        browser.get(f"{PATH}{path}", status=403)


@pytest.mark.sec("ASVS-8.2.2")
@pytest.mark.parametrize("key", ["00000000-0000-0000-0000-000000000000", "x", "1", "%00"])
def test_unknown_accounts_are_not_found(desk: Any, key: str) -> None:
    """An id that is nobody's is a page that does not exist."""
    desk.get(f"{PATH}/{key}", status=404)
    desk.get(f"{PATH}/{key}/delete", status=404)
