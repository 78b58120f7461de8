"""What the tests of a sync share: a directory that is told whom to list, and a way to run the sync."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from onegov_auth.accounts import Accounts
from onegov_auth.accounts.sync import Finding, Report, Sync
from onegov_auth.database import Database
from onegov_auth.domain import VerifiedIdentity
from onegov_auth.events import EventLog
from onegov_auth.models import Base, User, UserIdentity, UserSession
from onegov_auth.providers import ProviderSettings
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.providers import KnownDirectory, person

ROLES = {"admin": ["admins"], "editor": ["editors"], "member": ["staff"]}
STAFF = frozenset({"staff"})


def somebody(name: str, **more: Any) -> VerifiedIdentity:
    """A member of the staff, whose id is ``id-`` and the name."""
    values = {"email": f"{name}@example.org", "realname": name.title(), "groups": STAFF, **more}
    return person("staff", values.pop("source_id", f"id-{name}"), name, **values)


@dataclass
class Ran:
    """A run and what it said."""

    report: Report
    findings: list[Finding]

    @property
    def said(self) -> dict[str, str]:
        """Username to state."""
        return {finding.username: finding.state.value for finding in self.findings}

    @property
    def codes(self) -> dict[str, str]:
        """Username to code."""
        return {finding.username: finding.code for finding in self.findings}


Run = Callable[..., Ran]


@pytest.fixture(name="somebody")
def _somebody() -> Callable[..., VerifiedIdentity]:
    return somebody


@pytest.fixture(name="directory")
def _directory() -> KnownDirectory:
    """Ann, Bob and Carla."""
    people = [somebody("ann"), somebody("bob", groups=frozenset({"editors"})), somebody("carla")]
    return KnownDirectory(name="staff", listed=people)


@pytest.fixture(name="make_sync")
def _make_sync(
    database: Database, clock: FakeClock, directory: KnownDirectory, make: Callable[..., Accounts]
) -> Callable[..., Sync]:
    def make_sync(
        *, hooks: dict[str, Any] | None = None, directory: KnownDirectory = directory, **settings: Any
    ) -> Sync:
        block = ProviderSettings.model_validate({"kind": "ldap", "roles": ROLES, **settings})
        return Sync(
            database,
            make(**(hooks or {})),
            EventLog(database, clock=clock),
            source="staff",
            directory=directory,
            settings=block,
            clock=clock,
        )

    return make_sync


@pytest.fixture(name="run")
def _run(make_sync: Callable[..., Sync]) -> Run:
    """Run the sync once; ``dry_run`` and ``force`` are its own, everything else the provider's settings."""

    def run(*, dry_run: bool = False, force: bool = False, hooks: dict[str, Any] | None = None, **settings: Any) -> Ran:
        findings: list[Finding] = []
        report = make_sync(hooks=hooks, **settings).run(dry_run=dry_run, force=force, tell=findings.append)
        return Ran(report, findings)

    return run


@pytest.fixture(name="users")
def _users(database: Database) -> Callable[[], dict[str, User]]:
    """``users()`` is everybody by name."""

    def users() -> dict[str, User]:
        with database.read() as db:
            return {user.username: user for user in db.scalars(select(User))}

    return users


@pytest.fixture(name="missed")
def _missed(database: Database) -> Callable[[], dict[str, int]]:
    """``missed()`` says how often each id was missed in a row."""

    def missed() -> dict[str, int]:
        with database.read() as db:
            rows = db.execute(select(UserIdentity.source_id, UserIdentity.missed))
            return {row.source_id: row.missed for row in rows}

    return missed


@pytest.fixture(name="stored")
def _stored(database: Database) -> Callable[[], list[object]]:
    """``stored()`` is every row of every table, to see that nothing was written."""

    def stored() -> list[object]:
        with database.read() as db:
            return [tuple(row) for table in Base.metadata.sorted_tables for row in db.execute(select(table))]

    return stored


@pytest.fixture(name="open_session")
def _open_session(database: Database, clock: FakeClock) -> Callable[..., None]:
    """``open_session(username, provider="staff")`` as a login would."""

    def open_session(username: str, provider: str = "staff") -> None:
        with database.unit() as db:
            user = db.scalars(select(User).where(User.username == username)).one()
            now = clock()
            times = {"created": now, "last_seen": now, "expires": now + timedelta(hours=1)}
            db.add(UserSession(user_id=user.id, token_hash=f"{provider}{username}", provider=provider, **times))

    return open_session
