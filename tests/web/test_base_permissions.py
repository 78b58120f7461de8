from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from onegov_auth.database import Database
from onegov_auth.models import PermissionRow, RoleMapping, User, UserGroup
from onegov_auth.web import AuthApp, Personal, Private, Public, Secret, has_all, has_any
from onegov_auth.web.identity import RequestIdentity
from onegov_auth.web.permissions import Permission
from tests.permissions.ways import give


class Read(Permission):
    """Read things."""

    token = "read"


class Site(AuthApp):
    """Whose permissions are those of the tables."""

    question: Any
    answer: Any


class Root:
    """The front page."""


class Folder:
    """Has no row; takes roles from what it shows."""

    def __init__(self, roles_from: object) -> None:
        self.roles_from = roles_from


def says_so(user: User) -> bool:
    """A question to the user."""
    return user.realname == "Ann"


@Site.path(path="", model=Root)
def _root() -> Root:
    return Root()


@Site.html(model=Root, name="ask")
def _ask(self: Root, request: Any) -> str:
    request.app.answer = request.app.question(request)
    return "asked"


@Site.html(model=Root, name="read", permission=Read)
@Site.html(model=Root, name="both", permission=has_all("read", Personal, has_any("write", says_so)))
def _page(self: Root, request: Any) -> str:
    return "shown"


@pytest.fixture(name="site")
def _site(make_app: Callable[..., Any]) -> Site:
    site: Site = make_app(cls=Site)
    return site


@pytest.fixture(name="ann")
def _ann(add_user: Callable[..., User]) -> User:
    return add_user("ann@example.org")


@pytest.fixture(name="visit")
def _visit(site: Site, make_browser: Callable[..., Any], ann: User) -> Any:
    """Ann's browser."""
    browser = make_browser(site)
    browser.log_in("ann@example.org")
    return browser


@pytest.fixture(name="may")
def _may(site: Site, visit: Any) -> Callable[..., bool]:
    """Whether Ann may do something with a model, asked in a request; ``by`` narrows what stands for her first."""

    def may(model: object, permission: Any, **by: Any) -> bool:
        def question(request: Any) -> bool:
            request.identity.__dict__.update(by)
            return bool(request.has_permission(model, permission))

        site.question = question
        visit.get("/ask")
        return bool(site.answer)

    return may


def change(database: Database, ann: User, what: Callable[[Any, User], object]) -> None:
    """Change something of Ann's."""
    with database.unit() as db:
        what(db, db.get_one(User, ann.id))


@pytest.mark.sec("ASVS-8.3.1", "ASVS-8.3.2")
def test_permission_of_the_tables_opens_and_closes_a_page(visit: Any, ann: User, database: Database) -> None:
    """The very next request knows that a permission was given or taken away."""
    visit.get("/read", status=403)

    change(database, ann, lambda db, user: give(db, user, "group's bundle"))
    visit.get("/read", status=200)
    change(database, ann, lambda _, user: user.groups.clear())
    visit.get("/read", status=403)


def test_condition_of_tokens_intents_and_questions(visit: Any, ann: User, database: Database) -> None:
    """A view may ask for all of it at once; the question is put to the user of the request."""
    change(database, ann, lambda db, user: give(db, user, "own"))
    visit.get("/both", status=403)

    change(database, ann, lambda _, user: setattr(user, "realname", "Ann"))
    visit.get("/both", status=200)
    change(database, ann, lambda _, user: user.permissions.clear())
    visit.get("/both", status=403)


def test_nobody_is_asked_no_question(site: Site, make_browser: Callable[..., Any]) -> None:
    """Who isn't logged in meets no condition of tokens and questions, and is sent to the login page."""
    make_browser(site).get("/both", status=303)


@pytest.mark.parametrize("owner", ["user", "group"])
def test_role_on_an_object_counts_for_that_object(
    may: Callable[..., bool], ann: User, database: Database, owner: str
) -> None:
    """Who is an editor of one object, personally or by a group, is one there and a member everywhere else."""
    rows = [PermissionRow(token="this"), PermissionRow(token="that")]

    def map_role(db: Any, user: User) -> None:
        group = UserGroup(name="group", users=[user])
        db.add_all([*rows, group])
        db.flush()
        who = {"user": user} if owner == "user" else {"group": group}
        db.add(RoleMapping(**who, role="editor", content_type="permissions", content_id=str(rows[0].id)))

    change(database, ann, map_role)

    assert may(rows[0], Private)
    assert not may(rows[0], Secret)
    assert not may(rows[1], Private)
    assert not may(Root(), Private)
    change(database, ann, lambda db, _: db.delete(db.query(RoleMapping).one()))
    assert not may(rows[0], Private)


def test_role_on_an_object_is_inherited_where_a_class_says_so(
    may: Callable[..., bool], ann: User, database: Database
) -> None:
    """What names an object in ``roles_from`` is for that object's editors as well; a role nobody knows is none."""
    row, other = PermissionRow(token="this"), PermissionRow(token="that")

    def map_role(db: Any, user: User) -> None:
        db.add_all([row, other])
        db.flush()
        for content, role in ((row, "editor"), (other, "unheard-of")):
            db.add(RoleMapping(user=user, role=role, content_type="permissions", content_id=str(content.id)))

    change(database, ann, map_role)

    assert may(Folder(row), Private)
    assert may(Folder(Folder(row)), Private)
    assert not may(Folder(other), Private)
    assert not may(Folder(None), Private)


def test_superuser_may_everything(may: Callable[..., bool], visit: Any, ann: User, database: Database) -> None:
    """Every intent and every permission of the catalogue, whatever the role is; until it is taken back."""
    change(database, ann, lambda db, user: give(db, user, "superuser"))
    visit.log_in("ann@example.org")
    assert may(Root(), Secret)
    assert may(Root(), Read)
    assert not may(Root(), has_any("unheard of"))

    change(database, ann, lambda _, user: setattr(user, "is_superuser", False))
    visit.log_in("ann@example.org")
    assert not may(Root(), Secret)
    assert not may(Root(), Read)


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (None, {"read", "write", "Personal", "Public", "question"}),
        (frozenset(), {"Public"}),
        (frozenset({"read"}), {"read", "Public"}),
        (frozenset({"read", "Personal", "delete", "Secret"}), {"read", "Personal", "Public"}),
    ],
    ids=["no scope", "empty", "a token", "a token and intents"],
)
def test_scope_narrows(
    may: Callable[..., bool], ann: User, database: Database, scope: frozenset[str] | None, expected: set[str]
) -> None:
    """A token is good for what its scope names and its user may: never for more than either."""

    def both(db: Any, user: User) -> None:
        give(db, user, "own", "read")
        give(db, user, "own", "write")
        user.realname = "Ann"

    change(database, ann, both)
    asked = {"read": Read, "write": has_any("write"), "delete": has_any("delete"), "question": has_any(says_so)}
    asked |= {"Personal": Personal, "Public": Public, "Secret": Secret}

    assert {name for name, wanted in asked.items() if may(Root(), wanted, scope=scope, by_token=True)} == expected


def test_scope_narrows_superusers(may: Callable[..., bool], visit: Any, ann: User, database: Database) -> None:
    """What isn't in the scope is no superuser's either."""
    change(database, ann, lambda db, user: give(db, user, "superuser"))
    visit.log_in("ann@example.org")

    assert not may(Root(), Secret, scope=frozenset({"read"}))
    assert not may(Root(), has_any("write"), scope=frozenset({"read"}))
    assert may(Root(), Secret, scope=frozenset({"Secret"}))


def test_another_user_is_asked_about(may: Callable[..., bool], site: Site, ann: User, database: Database) -> None:
    """``has_permission`` of another user goes by that user's rights, and puts questions to that user."""

    def both(db: Any, user: User) -> None:
        give(db, user, "own")
        user.realname = "Ann"

    change(database, ann, both)

    def question(request: Any) -> list[bool]:
        other = request.db.get_one(User, ann.id)
        asked = (Read, has_any(says_so), has_all("read", says_so), Secret)
        return [request.has_permission(Root(), permission, other) for permission in asked]

    site.question = question
    request: Any = site.request({"PATH_INFO": "/", "REQUEST_METHOD": "GET", "wsgi.url_scheme": "https"})
    assert question(request) == [True, True, True, False]
    request.db.close()


def test_identity_without_a_request_has_no_user(site: Site, ann: User, database: Database) -> None:
    """A question needs a user; an identity that belongs to no request any more has none, and is refused."""
    with database.session() as db:
        user = db.get_one(User, ann.id)
        identity = RequestIdentity(site.auth.as_identity(user))

    assert identity.asked_user is None
    assert not site._permits(identity, Root(), has_any(says_so))
    assert UUID(identity.uid) == ann.id


@pytest.mark.sec("TOK-05", "TOK-06", "ASVS-10.3.2")
@pytest.mark.parametrize("permission", [Read, Secret, has_any(says_so), has_all("read", has_any(says_so, Personal))])
def test_own_pages_are_no_tokens(site: Site, ann: User, database: Database, permission: Any) -> None:
    """Nor are those that an application adds to them, which may demand a permission of its own."""

    def all_of_it(db: Any, user: User) -> None:
        give(db, user, "own")
        user.realname, user.role = "Ann", "admin"

    change(database, ann, all_of_it)
    pages = site.auth_pages()
    pages.parent = site
    with database.session() as db:
        identity = site.identity_of(db.get_one(User, ann.id))
        assert pages._permits(identity, Root(), permission)
        identity.by_token = True

        assert not pages._permits(identity, Root(), permission)
        assert site._permits(identity, Root(), permission)
