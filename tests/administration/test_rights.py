from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from onegov_auth.models import Bundle, PermissionRow, UserGroup
from onegov_auth.outcomes import Done, Refused


@pytest.fixture(name="things")
def _things(office: Any) -> dict[str, Any]:
    """Two permissions and a bundle with one of them: the keys by name."""
    with office.database.unit() as db:
        read, write = PermissionRow(token="read"), PermissionRow(token="write")
        books = Bundle(name="Books", permissions=[read])
        db.add_all([read, write, books])
        db.flush()
        return {"read": read.id, "write": write.id, "books": books.id}


def found(office: Any, model: Any, name: str) -> Any:
    """A group or bundle by its name, with what it gives."""
    with office.database.read() as db:
        thing = db.scalars(select(model).where(model.name == name)).one_or_none()
        if thing is not None:
            _loaded = (thing.permissions, getattr(thing, "bundles", None))
        return thing


def test_group(office: Any, things: Any) -> None:
    """A group is added, changed and deleted, each with an event that says what and by whom."""
    by, auth, client = office.session("root@example.org"), office.auth, office.client
    wanted = {"name": "Finance", "permissions": [str(things["write"])], "bundles": [things["books"]]}
    assert auth.save_group(by, client, wanted) == Done("group_added")
    group = found(office, UserGroup, "Finance")
    assert ([one.token for one in group.permissions], [one.name for one in group.bundles]) == (["write"], ["Books"])
    assert auth.save_group(by, client, {"permissions": []}, str(group.id)) == Done("group_changed")
    assert found(office, UserGroup, "Finance").permissions == []
    assert auth.delete_group(by, client, group.id) == Done("group_deleted")
    assert found(office, UserGroup, "Finance") is None

    added, changed, deleted = office.events("group_added", "group_changed", "group_deleted")
    by_root = {"by": "root@example.org", "group": "Finance"}
    assert added[3] == by_root | {"permissions": "+write", "bundles": "+Books"}
    assert changed[3] == by_root | {"permissions": "-write"}
    assert deleted[3] == by_root | {"members": "0"}


def test_bundle(office: Any, things: Any) -> None:
    """So is a bundle."""
    by, auth, client = office.session("root@example.org"), office.auth, office.client
    assert auth.save_bundle(by, client, {"name": "All", "permissions": [things["write"]]}) == Done("bundle_added")
    assert auth.save_bundle(by, client, {"name": "Most"}, things["books"]) == Done("bundle_changed")
    assert [one.token for one in found(office, Bundle, "Most").permissions] == ["read"]
    assert auth.delete_bundle(by, client, things["books"]) == Done("bundle_deleted")

    assert found(office, Bundle, "Most") is None


def test_what_stays_as_it_is_is_no_event(office: Any, things: Any) -> None:
    """Saving what is there already changes nothing and tells nothing."""
    by = office.session("root@example.org")
    wanted = {"name": "Books", "permissions": [things["read"]]}

    assert office.auth.save_bundle(by, office.client, wanted, things["books"]) == Done("bundle_changed")
    assert office.events("bundle_changed") == []


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"name": ""}, "bad_name"),
        ({"name": " \u200b\n"}, "bad_name"),
        ({"name": "x" * 201}, "bad_name"),
        ({}, "bad_name"),
        ({"name": "Books"}, "name_taken"),
        ({"name": "New", "permissions": ["nothing"]}, "unknown_permission"),
    ],
)
def test_what_is_refused(office: Any, things: Any, wanted: dict[str, Any], code: str) -> None:
    """A name that is none or taken, and a permission that is not there, leave nothing behind."""
    answer = office.auth.save_bundle(office.session("root@example.org"), office.client, wanted)

    assert isinstance(answer, Refused)
    assert answer.code == code
    assert office.events("bundle_added")[0][1] == code
    with office.database.read() as db:
        assert db.scalars(select(Bundle.name)).all() == ["Books"]


@pytest.mark.parametrize("kind", ["group", "bundle"])
def test_what_is_gone(office: Any, things: Any, kind: str) -> None:
    """What is not there can be neither changed nor deleted."""
    by, auth, client = office.session("root@example.org"), office.auth, office.client
    save, delete = getattr(auth, f"save_{kind}"), getattr(auth, f"delete_{kind}")

    assert save(by, client, {"name": "x"}, things["read"]).code == f"unknown_{kind}"
    assert delete(by, client, things["read"]).code == f"unknown_{kind}"
    assert delete(by, client, "nothing").code == f"unknown_{kind}"


@pytest.mark.sec("ASVS-8.2.1")
def test_nobody_loses_a_permission_of_their_own(office: Any, things: Any) -> None:
    """Who would lose a permission by their own change is refused; by another way of having it, it may go."""
    with office.database.unit() as db:
        root = office.auth.users(db).by_username("root@example.org")
        root.bundles.append(db.get(Bundle, things["books"]))
    by, auth, client = office.session("root@example.org"), office.auth, office.client

    assert auth.delete_bundle(by, client, things["books"]).code == "own_rights"
    assert auth.save_bundle(by, client, {"permissions": [things["write"]]}, things["books"]).code == "own_rights"
    with office.database.unit() as db:
        root = office.auth.users(db).by_username("root@example.org")
        root.permissions.append(db.get(PermissionRow, things["read"]))
    assert auth.delete_bundle(by, client, things["books"]) == Done("bundle_deleted")


def test_superusers_lose_nothing(office: Any, things: Any) -> None:
    """A superuser has every permission whatever is deleted."""
    with office.database.unit() as db:
        root = office.auth.users(db).by_username("root@example.org")
        root.is_superuser = True
        root.bundles.append(db.get(Bundle, things["books"]))
    by = office.session("root@example.org")

    assert office.auth.delete_bundle(by, office.client, things["books"]) == Done("bundle_deleted")


@pytest.mark.sec("ASVS-8.3.2")
def test_who_administers_no_more_changes_nothing(office: Any, things: Any) -> None:
    """Who lost the role in the meantime is refused, whatever the page said."""
    office.person("boss@example.org", "admin")
    by = office.session("root@example.org")
    with office.database.unit() as db:
        office.auth.users(db).by_username("root@example.org").role = "member"

    assert office.auth.delete_bundle(by, office.client, things["books"]).code == "not_allowed"
    assert found(office, Bundle, "Books") is not None
