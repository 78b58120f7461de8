from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import OperationalError

from onegov_auth.accounts import Accounts, Resolved
from onegov_auth.accounts.rules import Rules
from onegov_auth.accounts.unchanged import Unchanged, user_info
from onegov_auth.database import Database
from onegov_auth.domain import UserInfo
from onegov_auth.models import DEFAULT, User, UserIdentity
from onegov_auth.providers import ProviderSettings
from onegov_auth.statements import LostRaceError
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.providers import person

ROLES = {"admin": ["admins"], "editor": ["editors"], "member": ["staff"]}
ANN = person("staff", "id-1", "ann", email="ann@example.org", realname="Ann Able", groups=frozenset({"staff"}))
SETTINGS = ProviderSettings.model_validate({"kind": "ldap", "roles": ROLES})

Find = Callable[..., UserInfo | None]


@pytest.fixture(name="unchanged")
def _unchanged(database: Database, clock: FakeClock, resolve: Callable[..., Any]) -> Unchanged:
    """Knows Ann, who came once before."""
    assert isinstance(resolve(ANN), Resolved)
    return Unchanged(database, DEFAULT, Rules(("admin", "editor", "member")), clock)


@pytest.fixture(name="find", params=[True, False], ids=["locked", "alone"])
def _find(request: pytest.FixtureRequest, database: Database, unchanged: Unchanged) -> Find:
    """Looks for Ann."""

    def find(**changes: Any) -> UserInfo | None:
        with database.unit(at_once=request.param) as db:
            return unchanged.find(db, replace(ANN, **changes), SETTINGS)

    return find


def test_who_comes_as_before(find: Find, database: Database, clock: FakeClock) -> None:
    """Somebody of whom nothing changed is found as the ORM would find them, and the use of the link is noted."""
    clock.advance(timedelta(hours=1))
    found = find()
    with database.read() as db:
        user, link = db.scalars(select(User)).one(), db.scalars(select(UserIdentity)).one()

        assert found == replace(user_info(user), factor_types=frozenset(), sessions=0)
        assert link.last_used == clock()


@pytest.mark.sec("LINK-01", "LINK-15", "LINK-18")
@pytest.mark.parametrize(
    "changes",
    [
        {"source_id": "id-2"},
        {"source_id": "ID-1"},
        {"source": "other"},
        {"issuer": "https://other"},
        {"groups": frozenset({"admins"})},
        {"groups": frozenset()},
        {"realname": "Ann Other"},
        {"username": "anna"},
        {"username": "\x00"},
    ],
    ids=repr,
)
def test_who_comes_otherwise(find: Find, changes: dict[str, Any]) -> None:
    """Whoever is somebody else, or is to be changed or refused, is left to the rules."""
    assert find(**changes) is None


@pytest.mark.parametrize("changes", [{"groups": None}, {"realname": None}, {"email": "new@example.org"}], ids=repr)
def test_what_a_source_does_not_say_changes_nothing(find: Find, changes: dict[str, Any]) -> None:
    """Nothing said is nothing changed."""
    assert find(**changes) is not None


@pytest.mark.sec("LINK-18")
@pytest.mark.parametrize(
    ("table", "values"),
    [
        (User, {"active": False}),
        (User, {"role": "anonymous"}),
        (User, {"source": "other"}),
        (UserIdentity, {"frozen": True}),
    ],
    ids=repr,
)
def test_whose_account_changed(find: Find, database: Database, table: Any, values: dict[str, object]) -> None:
    """Whoever was deactivated, frozen, or came another way since is left to the rules."""
    with database.unit() as db:
        row = db.scalars(select(table)).one()
        for name, value in values.items():
            setattr(row, name, value)

    assert find() is None


@pytest.mark.sec("RACE-13", "LINK-18")
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("table", "values"),
    [
        (User, {"active": False}),
        (User, {"role": "anonymous"}),
        (User, {"rights_stamp": 7}),
        (User, {"realname": "Ann Other"}),
        (UserIdentity, {"frozen": True}),
    ],
    ids=repr,
)
def test_whose_account_changes_meanwhile(
    unchanged: Unchanged, make: Callable[..., Accounts], database: Database, table: Any, values: dict[str, object]
) -> None:
    """Who was read without a lock has to be as they were when it is written, or nothing is."""
    accounts = make()
    with pytest.raises(LostRaceError), database.unit(at_once=False) as db:
        found = unchanged.find(db, ANN, SETTINGS)
        assert found is not None
        accounts.logged_in(db, found)
        with database.unit() as other:
            other.execute(update(table).values(values))

    with database.read() as db:
        assert db.scalars(select(User.last_login)).one() is None


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_whose_link_moves_while_it_is_waited_for(
    unchanged: Unchanged, database: Database, add: Callable[..., User], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between locking the user of a link and reading it the link became another's: nothing is concluded."""
    other = add(username="other")
    assert unchanged._lock is not None
    locked = unchanged._lock.one

    def slowly(*args: Any, **more: Any) -> Any:
        row = locked(*args, **more)
        with database.unit() as db:
            db.execute(update(UserIdentity).values(user_id=other.id))
        return row

    monkeypatch.setattr(unchanged._lock, "one", slowly)
    with database.unit() as db:
        assert unchanged.find(db, ANN, SETTINGS) is None


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_whose_account_is_deleted_meanwhile(unchanged: Unchanged, database: Database) -> None:
    """A link that is gone is not noted."""
    with pytest.raises(LostRaceError), database.unit(at_once=False) as db:
        assert unchanged.find(db, ANN, SETTINGS) is not None
        with database.unit() as other:
            other.execute(delete(User))


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("at_once", [True, False])
def test_who_is_locked_is_nobodys_to_change(unchanged: Unchanged, database: Database, at_once: bool) -> None:
    """A unit that has a connection locks the user's row, and one that was alone does so with what it asks first."""
    with database.unit(at_once=at_once) as db:
        assert unchanged.find(db, ANN, SETTINGS) is not None
        db.scalars(select(UserIdentity.id)).all()
        with database.unit() as other, pytest.raises(OperationalError, match="lock"):
            other.execute(select(User).with_for_update(nowait=True))


def test_an_application_that_wants_to_be_asked(make: Callable[..., Accounts], resolve: Any) -> None:
    """With ``ensure_user_callback`` every login is the application's to refuse."""
    resolve(ANN)
    asked: list[object] = []

    def refuse(_db: object, user: object, *_rest: object) -> bool:
        asked.append(user)
        return False

    assert resolve(ANN, make(ensure_user_callback=refuse)).code == "refused_by_application"
    assert len(asked) == 1
