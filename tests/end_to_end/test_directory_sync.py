"""A directory of some hundred people and the command that syncs them: what an operator does, and what they see."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from sqlalchemy import func, select

from onegov_auth import migrations
from onegov_auth.cli import main
from onegov_auth.database import Database
from onegov_auth.models import User
from onegov_auth.testing.servers import Slapd
from onegov_auth.testing.servers.ldif import add_record

SECRET = "a secret for tests only, of more than 32 characters"
PEOPLE = 240

Sync = Callable[..., Result]


@pytest.fixture(name="crowd")
def _crowd(own_slapd: Slapd) -> Slapd:
    """The five and 240 others, who are all in one group."""
    people = [f"p{number:03}" for number in range(PEOPLE)]
    records = [
        add_record(
            own_slapd.dn(uid),
            {"objectClass": "inetOrgPerson", "uid": uid, "cn": uid, "sn": uid, "mail": f"{uid}@example.org"},
        )
        for uid in people
    ]
    members = {"objectClass": "groupOfNames", "cn": "crowd", "member": [own_slapd.dn(uid) for uid in people]}
    own_slapd.change("".join([*records, add_record(f"cn=crowd,{own_slapd.groups_base}", members)]))
    return own_slapd


@pytest.fixture(name="database")
def _database(crowd: Slapd, database_url: str, tmp_path: Path) -> Iterator[Database]:
    """The users, and the settings beside them."""
    settings = {
        "base_url": "https://app.example.org",
        "database": database_url,
        "secrets": [SECRET],
        "providers": {
            "local": {"kind": "local"},
            "staff": {
                "kind": "ldap",
                "servers": [crowd.ldaps_url],
                "tls": {"ca_file": str(crowd.ca_file)},
                "bind": {"dn": crowd.service_dn, "password": crowd.service_password},
                "people": {"base": crowd.people_base},
                "groups": {"base": crowd.groups_base},
                "roles": {"admin": ["admins"], "editor": ["editors"], "member": ["staff", "crowd"]},
            },
        },
    }
    (tmp_path / "auth.yml").write_text(yaml.safe_dump(settings))
    database = Database(database_url)
    migrations.upgrade(database.engine)
    yield database
    database.dispose()


@pytest.fixture(name="sync")
def _sync(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sync:
    """``sync(…)`` is the command, which reads pages of 100."""
    del database
    monkeypatch.setattr("onegov_auth_ldap.session._PAGE", 100)

    def sync(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["--config", str(tmp_path / "auth.yml"), "sync", "staff", *arguments])

    return sync


def count(database: Database, *conditions: Any) -> int:
    """How many users there are of whom this holds."""
    with database.read() as db:
        return db.scalar(select(func.count()).select_from(User).where(*conditions)) or 0


@pytest.mark.slow
@pytest.mark.sec("LDAP-61", "LDAP-67")
def test_people_come_change_and_go(sync: Sync, crowd: Slapd, database: Database) -> None:
    """From the first run to the last, with a dry run before each that says the same."""
    assert told(sync) == {"new": 245}
    assert count(database, User.role == "member") == 242
    assert told(sync) == {"unchanged": 245}

    crowd.modify(crowd.dn("p000"), {"mail": "renamed@example.org"})
    crowd.modify(crowd.dn("p001"), {"sn": "Another"})
    crowd.delete(crowd.dn("p002"))
    crowd.modify(f"cn=admins,{crowd.groups_base}", {"member": [crowd.dn("alice"), crowd.dn("p003")]})
    assert told(sync) == {"changed": 2, "missing": 1, "renamed": 1, "unchanged": 241}
    assert told(sync) == {"deactivated": 1, "unchanged": 244}
    assert told(sync) == {"unchanged": 244}
    assert count(database, User.active.is_(False)) == 1

    crowd.add_entry(
        crowd.dn("p002"),
        {"objectClass": "inetOrgPerson", "uid": "p002", "cn": "x", "sn": "Another", "mail": "p002@example.org"},
    )
    # Another entry with the name of one who left is another person, who does not get the account.
    assert json.loads(sync("--dry-run", "--json").stdout)["counts"]["conflict"] == 1
    assert count(database, User.active.is_(False)) == 1


def told(sync: Sync) -> dict[str, int]:
    """The totals of a run, after a dry run said the same of everybody."""
    rehearsed = json.loads(sync("--dry-run", "--json").stdout)
    done = json.loads(sync("--json").stdout)

    assert rehearsed.pop("dry_run")
    assert not done.pop("dry_run")
    assert rehearsed == done
    counts: dict[str, int] = done["counts"]
    return counts


@pytest.mark.slow
@pytest.mark.sec("LDAP-61")
def test_nothing_changes_when_the_directory_can_not_be_believed(sync: Sync, crowd: Slapd, database: Database) -> None:
    """Gone, shrunk and emptied: three sentences, three times nothing was written."""
    sync()
    crowd.change("".join(f"dn: {crowd.dn(f'p{number:03}')}\nchangetype: delete\n\n" for number in range(40)))
    shrunk = sync()
    assert (shrunk.exit_code, shrunk.stdout) == (4, "")
    assert "Of 245 people known from staff, 40 are missing" in shrunk.stderr
    crowd.stop()
    gone = sync("--force")
    assert (gone.exit_code, gone.stdout) == (6, "")

    assert count(database) == count(database, User.active) == 245
