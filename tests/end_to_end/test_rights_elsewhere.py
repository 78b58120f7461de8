"""What changes in one process holds in another one at its next request."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from onegov_auth.auth import Auth
from onegov_auth.clock import utcnow
from onegov_auth.database import Database
from onegov_auth.domain import Client
from onegov_auth.models import Base, Bundle, Grant, PermissionRow, User, UserGroup
from onegov_auth.outcomes import LoggedIn
from onegov_auth.passwords import Hasher
from onegov_auth.settings import Settings

PASSWORD = "correct horse battery staple"

#: Another process of the same application: to each line with a token, it says whose that is and what they may.
OTHER = """
import json, sys
from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.settings import settings_from
settings = settings_from(json.loads(sys.argv[1]))
auth = Auth(settings, Database(sys.argv[2]))
for line in sys.stdin:
    who = auth.sessions.lookup(line.strip())
    said = None if who is None else [who.role, auth.rights.has(who.uid, who.rights, "read"), len(who.groupids)]
    print(json.dumps(said), flush=True)
"""

Ask = Callable[[], Any]

SECRET = "a secret for tests only, of more than 32 characters"
PAST = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture(name="database")
def _database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    Base.metadata.create_all(database.engine)
    yield database
    database.dispose()


@pytest.fixture(name="elsewhere")
def _elsewhere(database_url: str) -> Iterator[Callable[[str], Any]]:
    """Asks another process whose a token is."""
    settings = {"base_url": "https://app.example.org", "database": database_url, "secrets": [SECRET]}
    command = [sys.executable, "-c", OTHER, json.dumps(settings), database_url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        lines, answers = process.stdin, process.stdout
        assert lines is not None
        assert answers is not None

        def ask(token: str) -> Any:
            print(token, file=lines, flush=True)
            return json.loads(answers.readline())

        yield ask


@pytest.fixture(name="come")
def _come(
    database: Database, elsewhere: Callable[[str], Any], make_settings: Callable[..., Settings]
) -> Callable[[str], Ask]:
    """Adds somebody to the only group, logs them in here, and returns what asks the other process about the session."""
    auth = Auth(make_settings(), database, hasher=Hasher.cheap())
    auth.mailer.close()
    with database.unit() as db:
        db.add_all([UserGroup(name="Staff"), Bundle(name="Books")])

    def come(name: str) -> Ask:
        with database.unit() as db:
            user = User(username=name, password_hash=Hasher.cheap().hash(PASSWORD), role="member")
            user.groups.append(one(db, UserGroup))
            db.add(user)
        outcome = auth.login(name, PASSWORD, Client(address="192.0.2.1"))
        assert isinstance(outcome, LoggedIn)
        return lambda: elsewhere(outcome.token)

    return come


def one(db: Any, class_: Any, **values: Any) -> Any:
    """The only row of that class with these values; kept until the unit is over."""
    found = db.scalars(select(class_).filter_by(**values)).one()
    db.info.setdefault("kept", []).append(found)
    return found


ENDS: dict[str, Callable[[Any, User], object]] = {
    "deactivated": lambda _, ann: setattr(ann, "active", False),
    "disabled-by-date": lambda _, ann: setattr(ann, "disabled_utc", PAST),
    "another-password": lambda _, ann: setattr(ann, "password_hash", "another hash"),
    "another-role": lambda _, ann: setattr(ann, "role", "editor"),
    "superuser": lambda _, ann: setattr(ann, "is_superuser", True),
    "another-name": lambda _, ann: setattr(ann, "username", "anna"),
    "deleted": lambda db, ann: db.delete(ann),
}


@pytest.mark.sec("SESS-05", "ASVS-7.4.2")
def test_a_session_is_over_in_another_process(come: Callable[[str], Ask], database: Database) -> None:
    """A change of who somebody is, or of what they are, ends the session everywhere."""
    for name, change in ENDS.items():
        ask = come(name)
        assert ask() == ["member", False, 1]
        with database.unit() as db:
            change(db, one(db, User, username=name))
        assert ask() is None, name


GIVES: dict[str, Callable[[Any, Any, Any], object]] = {
    "own": lambda _db, ann, right: ann.permissions.append(right),
    "group": lambda db, _ann, right: one(db, UserGroup).permissions.append(right),
    "grant": lambda db, ann, right: db.add(Grant(user=ann, permission=right, expires=utcnow() + timedelta(days=1))),
    "bundle": lambda db, ann, right: (
        one(db, Bundle).permissions.append(right),
        ann.bundles.append(one(db, Bundle)),
    ),
    "the group's bundle": lambda db, ann, right: (
        ann.bundles.clear(),
        one(db, UserGroup).bundles.append(one(db, Bundle)),
        one(db, Bundle).permissions.append(right),
    ),
}


@pytest.mark.sec("SESS-05")
def test_rights_change_in_another_process(come: Callable[[str], Ask], database: Database) -> None:
    """By each way to have a right it is there with the next request, and gone with the one after its end."""
    ask = come("ann")
    for way, give in GIVES.items():
        with database.unit() as db:
            db.add(PermissionRow(token="read"))
        assert ask() == ["member", False, 1], way
        with database.unit() as db:
            give(db, one(db, User), one(db, PermissionRow))
        assert ask() == ["member", True, 1], way
        with database.unit() as db:
            db.delete(one(db, PermissionRow))
        assert ask() == ["member", False, 1], way


def test_a_membership_by_a_grant_counts_until_its_end(come: Callable[[str], Ask], database: Database) -> None:
    """The look-up knows groups of grants as well, those that have not ended."""
    ask = come("ann")
    with database.unit() as db:
        club = UserGroup(name="Club")
        db.add(Grant(user=one(db, User), group=club, expires=utcnow() + timedelta(days=1)))
    assert ask() == ["member", False, 2]
    with database.unit() as db:
        one(db, Grant).expires = PAST
    assert ask() == ["member", False, 1]
