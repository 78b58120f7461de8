"""Tests of the statements that move rights stamps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from onegov_auth.database import Database
from onegov_auth.models import DEFAULT, User, move_rights
from onegov_auth.models.rights import Concerned
from tests.permissions.ways import WAYS, give, permission


@pytest.fixture(name="moved")
def _moved(session: Session) -> Callable[[Callable[[], None]], set[str]]:
    """The names of those whose stamp moves by what is called, and that it moves by one."""

    def stamps() -> dict[str, int]:
        return {user.username: user.rights_stamp for user in session.execute(select(User.username, User.rights_stamp))}

    def moved(change: Callable[[], None]) -> set[str]:
        session.commit()
        before = stamps()
        change()
        found = {name: stamp - before[name] for name, stamp in stamps().items() if stamp != before[name]}
        assert set(found.values()) <= {1}
        return set(found)

    return moved


@pytest.fixture(name="people")
def _people(session: Session, user: User) -> dict[str, User]:
    """Somebody for each way to have a permission, and one with another permission."""
    found = {way: User(username=way, password_hash="", role="member") for way in (*WAYS, "other")}
    session.add_all(found.values())
    for way in WAYS:
        give(session, found[way], way)
    found["other"].permissions.append(permission(session, "write"))
    session.commit()
    return found


def test_stamps_of_whoever_meets_a_condition_move(session: Session, people: dict[str, User], moved: Any) -> None:
    """What is loaded already has the new stamp too, and the time of the last change stays as it is."""
    somebody = people["own"]
    before, modified = somebody.rights_stamp, somebody.modified

    assert moved(lambda: move_rights(session, User, User.username.in_(["own", "other"]))) == {"own", "other"}
    assert somebody.rights_stamp == before + 1
    session.refresh(somebody)
    assert somebody.modified == modified


@pytest.mark.parametrize("superusers", [False, True])
def test_a_permission_concerns_whoever_has_it(
    session: Session, people: dict[str, User], moved: Any, *, superusers: bool
) -> None:
    """By any way there is; superusers only when the catalogue has changed."""
    key = permission(session, "read").id
    concerned = Concerned(DEFAULT, permissions={key}, superusers=superusers)

    assert moved(lambda: concerned.move(session)) == set(WAYS) - (set() if superusers else {"superuser"})


def test_bundles_and_groups_concern_whoever_has_them(session: Session, user: User, moved: Any) -> None:
    """By hand, by a grant, and a bundle through a group as well."""
    group = give(session, user, "group's bundle")
    other = User(username="bob", password_hash="", role="member")
    session.add(other)
    bundle = give(session, other, "granted bundle", "write")
    session.commit()

    assert moved(lambda: Concerned(DEFAULT, groups={group.id}).move(session)) == {user.username}
    assert moved(lambda: Concerned(DEFAULT, bundles={bundle.id}).move(session)) == {"bob"}
    assert moved(lambda: Concerned(DEFAULT, bundles={group.bundles[0].id}).move(session)) == {user.username}


def test_people_are_named_by_key_or_name(session: Session, people: dict[str, User], moved: Any) -> None:
    """Each of them once, however they are named."""
    concerned = Concerned(DEFAULT, users={people["own"].id}, usernames={"own", "bundle", "nobody"})

    assert moved(lambda: concerned.move(session)) == {"own", "bundle"}


def test_where_nobody_is_concerned_nothing_is_asked(session: Session, database: Database) -> None:
    """A flush that changes no rights costs no statement."""
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda _c, _cur, text, *_: statements.append(text))

    Concerned(DEFAULT).move(session)

    assert statements == []
