from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from onegov_auth.database import Database
from onegov_auth.errors import RegistryError
from onegov_auth.models import DEFAULT, Grant, PermissionRow, User
from onegov_auth.permissions.catalogue import Changes, catalogue, sync_catalogue, validate_permission_set
from onegov_auth.permissions.classes import Permission
from onegov_auth.permissions.effective import Rights
from tests.permissions.ways import give

DECLARED = {"read": "Read things", "write": None}


class Read(Permission):
    """Read things."""

    token = "read"


@pytest.fixture(name="rows")
def _rows(database: Database) -> Callable[[], dict[str, str | None]]:
    """The table."""

    def rows() -> dict[str, str | None]:
        with database.read() as db:
            return {row.token: row.description for row in db.scalars(select(PermissionRow))}

    return rows


def test_declarations_are_classes_tokens_and_pairs() -> None:
    """A token may be declared in several ways; the first description of it counts."""
    declared = catalogue([Read, "write", ("delete", "Remove things"), "read", ("write", "Write things")])

    assert declared == {"read": "Read things.", "write": "Write things", "delete": "Remove things"}


@pytest.mark.parametrize("entry", ["", "  ", None, 5, str, Permission, ("", "nothing")])
def test_what_is_no_permission_is_refused(entry: Any) -> None:
    """It is found where the application starts."""
    with pytest.raises(RegistryError, match="declares no permission"):
        catalogue(["read", entry])


def test_set_of_tokens_is_checked() -> None:
    """A mistyped token is named, together with all others that aren't declared."""
    validate_permission_set(["read", "write"], DECLARED)

    with pytest.raises(RegistryError, match="reda, wirte"):
        validate_permission_set(["wirte", "read", "reda"], DECLARED)


def test_table_follows_the_declaration(database: Database, rows: Callable[[], dict[str, str | None]]) -> None:
    """What is new is added, what says something else is described, what is gone is removed; nothing else is written."""
    first = sync_catalogue(database, DECLARED, DEFAULT)
    assert first == Changes(added=("read", "write"))
    assert sync_catalogue(database, DECLARED, DEFAULT) == Changes()
    assert rows() == DECLARED

    second = sync_catalogue(database, {"write": "Write things", "delete": None}, DEFAULT)

    assert second == Changes(("delete",), ("write",), ("read",))
    assert rows() == {"write": "Write things", "delete": None}
    assert sync_catalogue(database, {"write": None, "delete": None}, DEFAULT) == Changes(described=("write",))


def test_nothing_is_removed_unless_asked_for(database: Database, rows: Callable[[], dict[str, str | None]]) -> None:
    """An application that lists nothing adds what its views ask for, and leaves the rest."""
    sync_catalogue(database, DECLARED, DEFAULT)

    assert sync_catalogue(database, {"delete": None}, DEFAULT, remove=False) == Changes(added=("delete",))
    assert rows() == {**DECLARED, "delete": None}


def test_removal_tells_what_went_with_it(
    database: Database, add: Callable[..., User], caplog: pytest.LogCaptureFixture
) -> None:
    """A permission takes everything with it by which it was given; the log says to how many."""
    ann, bob = add("ann"), add("bob")
    with database.unit() as db:
        users = db.get_one(User, ann.id), db.get_one(User, bob.id)
        for user, ways in zip(users, (("own", "bundle", "group", "grant"), ("own",)), strict=True):
            for way in ways:
                give(db, user, way)
    caplog.set_level(logging.INFO, "onegov_auth.permissions")

    sync_catalogue(database, {"write": None}, DEFAULT)

    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    given = "2 users, 1 groups, 1 bundles, 1 users by grants"
    assert told == [f"Permission removed, the application declares it no more: read (it was given to {given})"]
    with database.read() as db:
        assert not db.scalars(select(Grant)).all()


@pytest.mark.sec("ASVS-8.3.2")
def test_change_of_the_catalogue_holds_at_once(
    database: Database, rights: Rights, add: Callable[..., User], stamp_of: Callable[[User], int]
) -> None:
    """What is added is every superuser's, what is removed nobody's any more, in processes that knew the old ones."""
    ann, root = add("ann"), add("root", is_superuser=True)
    sync_catalogue(database, {"read": None}, DEFAULT)
    with database.unit() as db:
        give(db, db.get_one(User, ann.id), "group's bundle")
    assert rights.tokens(ann.id.hex, stamp_of(ann)) == {"read"}
    assert rights.tokens(root.id.hex, stamp_of(root)) == {"read"}

    sync_catalogue(database, {"write": None}, DEFAULT)

    assert rights.tokens(ann.id.hex, stamp_of(ann)) == frozenset()
    assert rights.tokens(root.id.hex, stamp_of(root)) == {"write"}


def test_threads_that_start_at_once(database: Database, rows: Callable[[], dict[str, str | None]]) -> None:
    """However many find the same difference, all of them succeed, and each change is made by one of them."""
    sync_catalogue(database, {"old": None, "read": "Once"}, DEFAULT)
    barrier, found, errors = threading.Barrier(6), [], []

    def start() -> None:
        barrier.wait()
        try:
            found.append(sync_catalogue(database, DECLARED, DEFAULT))
        except Exception as error:  # noqa: BLE001 - whatever it is, the test is to show it
            errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert rows() == DECLARED
    assert sum(len(changes.added) for changes in found) == 1


PROCESS = """
import sys
from onegov_auth.database import Database
from onegov_auth.models import DEFAULT
from onegov_auth.permissions.catalogue import sync_catalogue

database = Database(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
sync_catalogue(database, {f"token{number}": None for number in range(200)}, DEFAULT)
"""


def test_processes_that_start_at_once(database: Database, rows: Callable[[], dict[str, str | None]]) -> None:
    """The same with processes of their own, each with 200 permissions to add and some to remove."""
    sync_catalogue(database, DECLARED, DEFAULT)
    url = database.engine.url.render_as_string(hide_password=False)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"

    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
    told = b"".join(process.communicate(timeout=60)[1] for process in processes)

    assert [process.returncode for process in processes] == [0, 0, 0]
    assert told.count(b"Permission removed") == told.count(b"\n") == len(DECLARED)
    assert len(rows()) == 200
