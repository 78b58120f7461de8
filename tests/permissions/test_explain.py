from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from onegov_auth import explain_permission
from onegov_auth.database import Database
from onegov_auth.models import Bundle, Grant, User, UserGroup
from onegov_auth.permissions.classes import Permission
from onegov_auth.permissions.explain import Chain
from onegov_auth.testing.clock import FakeClock
from tests.permissions.ways import GRANTED, WAYS, give, permission


class Read(Permission):
    """Read things."""

    token = "read"


@pytest.fixture(name="db")
def _db(database: Database) -> Iterator[Session]:
    with database.session() as session:
        yield session


@pytest.fixture(name="user")
def _user(db: Session, add: Callable[..., User]) -> User:
    return db.get_one(User, add().id)


PATHS = {
    "own": (),
    "bundle": (("bundle", "bundle bundle read"),),
    "group": (("group", "group group read"),),
    "group's bundle": (("group", "group group's bundle read"), ("bundle", "bundle group's bundle read")),
    "grant": (),
    "granted bundle": (("bundle", "bundle granted bundle read"),),
    "granted group": (("group", "group granted group read"),),
    "granted group's bundle": (
        ("group", "group granted group's bundle read"),
        ("bundle", "bundle granted group's bundle read"),
    ),
    "superuser": (("superuser", "ann"),),
}


@pytest.mark.parametrize("way", WAYS)
def test_way_is_named_with_who_gave_it(db: Session, user: User, way: str) -> None:
    """Each way is told as it leads: by which group and bundle, by hand or mapped by which provider's group."""
    give(db, user, way)
    permission(db, "write")

    explained = explain_permission(user, Read)

    origin, rule = ("company", "accounting") if way in GRANTED else (None, None)
    assert list(explained) == [Chain(PATHS[way], origin, rule)]
    assert explained.why_not == ()
    assert len(explain_permission(user, "write")) == (1 if way == "superuser" else 0)


def test_all_ways_are_listed(db: Session, user: User) -> None:
    """Somebody who has it by everything there is sees all of it: the superuser first, then the shortest."""
    for way in WAYS:
        give(db, user, way)

    lines, long = [str(chain) for chain in explain_permission(user, "read")], "granted group's bundle"

    assert lines == [
        "superuser, who has every permission of the catalogue",
        "own permission, given by hand",
        "own permission, mapped by provider company from its group accounting",
        "bundle bundle bundle read, given by hand",
        "bundle bundle granted bundle read, mapped by provider company from its group accounting",
        "group group granted group read, mapped by provider company from its group accounting",
        "group group group read, given by hand",
        f"group group {long} read → bundle bundle {long} read, mapped by provider company from its group accounting",
        "group group group's bundle read → bundle bundle group's bundle read, given by hand",
    ]


def test_group_without_a_name_is_told_by_its_id(db: Session, user: User) -> None:
    """A group need not have a name; the way over it is not lost."""
    group = UserGroup(users=[user])
    db.add(group)
    group.permissions.append(permission(db, "read"))
    db.flush()

    ((kind, name),) = explain_permission(user, "read")[0].path
    assert (kind, name.replace("-", "")) == ("group", group.id.hex)


def test_end_is_told_and_after_it_why_not(db: Session, user: User, clock: FakeClock) -> None:
    """Until when it is good stands in the line; afterwards the same line says that it is over."""
    until = clock() + timedelta(days=1)
    db.add(Grant(user=user, bundle=Bundle(name="Books", permissions=[permission(db, "read")]), expires=until))
    line = f"bundle Books, given by hand, until {until:%Y-%m-%d %H:%M:%S} UTC"

    (chain,) = explain_permission(user, "read")
    assert (str(chain), chain.expires) == (line, until)
    clock.advance(timedelta(days=1))
    explained = explain_permission(user, "read")

    assert not explained
    assert [str(ended) for ended in explained.ended] == [line]
    assert explained.why_not == (f"it is over: {line}",)


def test_why_not(db: Session, user: User) -> None:
    """Without any way it says whether there is no such permission at all, or nobody gave it."""
    permission(db, "read")

    assert explain_permission(user, "reda").why_not == ("there is no permission reda in the catalogue",)
    assert explain_permission(user, "read").why_not == ("neither ann nor any bundle or group of theirs has it",)
    assert str(explain_permission(user, "read")).splitlines()[0] == "does not have read"


def test_who_can_not_log_in_is_told(db: Session, user: User) -> None:
    """A permission is of no use to a user who isn't active, and the explanation says so."""
    give(db, user, "own")
    user.active = False

    explained = explain_permission(user, "read")

    assert len(explained) == 1
    assert str(explained).splitlines() == [
        "has read: own permission, given by hand",
        "ann is not active, and can't log in",
    ]


def test_explanation_is_a_sequence(db: Session, user: User) -> None:
    """It can be counted, sliced and gone through, and is false where there is no way."""
    give(db, user, "own")
    give(db, user, "bundle")

    explained = explain_permission(user, "read")
    assert explained[0] == Chain()
    assert explained[1:] == (Chain(PATHS["bundle"]),)
    assert bool(explained)
    assert not explain_permission(user, "write")


def test_user_in_no_session_is_refused() -> None:
    """Without a database there is nothing to explain."""
    with pytest.raises(ValueError, match="no session"):
        explain_permission(User(username="bob"), "read")
