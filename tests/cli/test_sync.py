"""Tests of ``onegov-auth sync``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import click.testing
import pytest
import yaml
from sqlalchemy import select

from onegov_auth import migrations
from onegov_auth.accounts.sync.lease import Lease
from onegov_auth.cli import main
from onegov_auth.clock import utcnow
from onegov_auth.database import Database
from onegov_auth.models import DEFAULT, AuthEvent, User
from onegov_auth.providers import Directory, ProviderSettings, Services
from onegov_auth.testing.providers import KnownDirectory, person

SECRET = "a secret for tests only, of more than 32 characters"
MEMBERS = {"groups": frozenset({"members"})}

Sync = Callable[..., click.testing.Result]


class Staff(KnownDirectory):
    """The directory of these tests, made by the registry like any other."""

    kind = "staff-kind"
    one: KnownDirectory

    @classmethod
    def create(cls, name: str, settings: ProviderSettings, services: Services) -> Any:
        """The one that the test changes."""
        del services
        object.__setattr__(cls.one, "settings", settings)
        object.__setattr__(cls.one, "name", name)
        return cls.one


@pytest.fixture(name="directory")
def _directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KnownDirectory:
    """Ann and Bob, as the provider ``staff`` of the settings file."""
    monkeypatch.setitem(sys.modules, "staff_kind", sys.modules[__name__])
    points = [
        EntryPoint("local", "onegov_auth.providers.local:LocalProvider", "onegov_auth.providers"),
        EntryPoint("staff-kind", "staff_kind:Staff", "onegov_auth.providers"),
    ]
    monkeypatch.setattr("onegov_auth.settings.plugins.entry_points", lambda **_group: points)
    settings = {
        "base_url": "https://app.example.org",
        "database": f"sqlite:///{tmp_path / 'app.db'}",
        "secrets": [SECRET],
        "providers": {
            "local": {"kind": "local"},
            "staff": {"kind": "staff-kind", "roles": {"member": ["members"]}},
        },
    }
    (tmp_path / "auth.yml").write_text(yaml.safe_dump(settings))
    listed = [person("staff", "1", "ann", **MEMBERS), person("staff", "2", "bob", **MEMBERS)]
    Staff.one = KnownDirectory(name="staff", listed=listed)
    return Staff.one


@pytest.fixture(name="users")
def _users(directory: KnownDirectory, tmp_path: Path) -> Iterator[Database]:
    """The database of the settings file."""
    del directory
    database = Database(f"sqlite:///{tmp_path / 'app.db'}")
    migrations.upgrade(database.engine)
    yield database
    database.dispose()


@pytest.fixture(name="sync")
def _sync(users: Database, tmp_path: Path) -> Sync:
    """``sync("--dry-run")`` calls ``onegov-auth sync staff --dry-run``."""
    del users

    def sync(*arguments: str, provider: str = "staff") -> click.testing.Result:
        command = ["--config", str(tmp_path / "auth.yml"), "sync", provider, *arguments]
        return click.testing.CliRunner().invoke(main, command)

    return sync


def test_sync(sync: Sync, users: Database) -> None:
    """A line for everybody of whom there is something to say, then the totals; nothing to say is said too."""
    first, second = sync(), sync()

    assert (first.exit_code, first.stdout) == (0, "+ ann: new (member)\n+ bob: new (member)\n2 new.\n")
    assert (second.exit_code, second.stdout) == (0, "2 unchanged.\n")
    with users.read() as db:
        assert set(db.scalars(select(User.username))) == {"ann", "bob"}
        assert set(db.scalars(select(AuthEvent.address))) == {"cli"}


def test_dry_run(sync: Sync, users: Database, directory: KnownDirectory) -> None:
    """It prints the difference, also who is left out, and writes nothing."""
    directory.listed.append(person("staff", "", "printer\x1b[2J"))
    result = sync("--dry-run")

    assert (result.exit_code, result.stdout) == (
        0,
        (
            "– printer\\x1b[2J: excluded (no_source_id)\n+ ann: new (member)\n+ bob: new (member)\n"
            "Nothing was written. It would be: 1 excluded, 2 new.\n"
        ),
    )
    with users.read() as db:
        assert db.scalars(select(User)).all() == []
        assert db.scalars(select(AuthEvent)).all() == []
    assert "printer" not in sync().stdout


def test_json(sync: Sync, directory: KnownDirectory) -> None:
    """One document, with everybody who is not unchanged."""
    told = json.loads(sync("--json", "--dry-run").stdout)

    assert told == {
        "provider": "staff",
        "dry_run": True,
        "code": "ok",
        "detail": "",
        "known": 0,
        "gone": 0,
        "roleless": 0,
        "rightless": 0,
        "counts": {"new": 2},
        "people": [
            {"state": "new", "username": "ann", "source_id": "1", "code": "member"},
            {"state": "new", "username": "bob", "source_id": "2", "code": "member"},
        ],
    }
    directory.listed.clear()
    refused = sync("--json")
    assert (refused.exit_code, json.loads(refused.stdout)["code"]) == (4, "empty")
    assert json.loads(refused.stdout)["people"] == []


@pytest.mark.sec("LDAP-61")
def test_refused(sync: Sync, directory: KnownDirectory) -> None:
    """What can't be true changes nothing and says what to do; by force it is believed."""
    sync()
    ann = directory.listed[0]
    directory.listed.clear()
    empty = sync()
    assert (empty.exit_code, empty.stdout) == (4, "")
    assert empty.stderr == "Error: staff told of nobody. Nothing was changed; --force believes it.\n"
    directory.listed.append(ann)
    object.__setattr__(directory, "sync", directory.sync.model_copy(update={"max_drop": "10%"}))
    dropped = sync()
    assert dropped.exit_code == 4
    assert dropped.stderr.startswith(
        "Error: Of 2 people known from staff, 1 are missing, 0 lose their role and 0 all rights that its"
    )
    shown = sync("--dry-run")
    assert (shown.exit_code, shown.stdout.splitlines()[0]) == (4, "? bob: missing (1/2)")

    forced = sync("--force")
    assert (forced.exit_code, forced.stdout) == (0, "? bob: missing (1/2)\n1 missing, 1 unchanged.\n")


def test_unreachable(sync: Sync, directory: KnownDirectory, users: Database) -> None:
    """A directory that stops answering is exit code 6, and no force helps."""
    directory.tells.append(1)
    result = sync("--force")

    assert result.exit_code == 6
    assert result.stderr == (
        "Error: staff did not answer to the end (connection: gone after 1). Nothing was changed.\n"
    )
    with users.read() as db:
        assert db.scalars(select(User)).all() == []


def test_running(sync: Sync, users: Database) -> None:
    """Another run of the same directory is exit code 7."""
    Lease(users, DEFAULT, utcnow, "staff", "another").take()
    result = sync()

    assert (result.exit_code, result.stderr) == (
        7,
        "Error: Another run is syncing staff, or was killed less than ten minutes ago. Nothing was changed.\n",
    )


def test_not_there(sync: Sync) -> None:
    """A provider that isn't configured, or can't list anybody, is exit code 1."""
    unknown, local = sync(provider="staf"), sync(provider="local")

    assert (unknown.exit_code, unknown.stderr) == (1, "Error: There is no provider staf; there are local, staff.\n")
    assert (local.exit_code, local.stderr) == (
        1,
        "Error: local can't list its people (local): there is nothing to sync.\n",
    )


def test_a_bar_on_a_terminal(sync: Sync, monkeypatch: pytest.MonkeyPatch, directory: KnownDirectory) -> None:
    """Each phase has a bar on stderr, and stdout has none of it."""
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _self: True, raising=False)
    sync()
    directory.listed.pop()
    result = sync()

    for label in ("Reading", "Comparing", "Looking after the missing"):
        assert label in result.stderr
    # How many there are to read is not known before: no full bar, and not "2/0".
    assert "/0" not in result.stderr
    assert result.stdout == "? bob: missing (1/2)\n1 missing, 1 unchanged.\n"


def test_the_directory_of_these_tests_is_one(directory: KnownDirectory) -> None:
    """It has the second capability."""
    assert isinstance(directory, Directory)
