"""What the tests of accounts share: an ``Accounts``, Ann from the staff directory, local users."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from onegov_auth.accounts import Accounts, Conflict, Hooks, Resolved
from onegov_auth.database import Database
from onegov_auth.domain import Client
from onegov_auth.models import User, UserIdentity
from onegov_auth.outcomes import Refused
from onegov_auth.providers import ProviderSettings
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.providers import person

ROLES = {"admin": ["admins"], "editor": ["editors"], "member": ["staff"]}
ANN = person("staff", "id-1", "ann", email="ann@example.org", realname="Ann Able", groups=frozenset({"staff"}))
Resolve = Callable[..., Resolved | Conflict | Refused]


@pytest.fixture(name="make")
def _make(clock: FakeClock, database: Database) -> Callable[..., Accounts]:
    def make(**hooks: Any) -> Accounts:
        return Accounts(
            database,
            roles=("admin", "editor", "member"),
            privileged_roles=("admin",),
            change_username_roles=("editor", "member"),
            hooks=Hooks(**hooks),
            clock=clock,
        )

    return make


@pytest.fixture(name="resolve")
def _resolve(make: Callable[..., Accounts], database: Database, client: Client) -> Resolve:
    def resolve(identity: Any = ANN, accounts: Accounts | None = None, **settings: Any) -> Any:
        block = ProviderSettings.model_validate({"kind": "ldap", "roles": ROLES, **settings})
        with database.unit() as db:
            return (accounts or make()).resolve(db, identity, block, client)

    return resolve


@pytest.fixture(name="add")
def _add(database: Database) -> Callable[..., User]:
    def add(**values: Any) -> User:
        with database.unit() as db:
            user = User(**{"username": "ann", "password_hash": "local", "role": "member", **values})
            db.add(user)
        return user

    return add


@pytest.fixture(name="load")
def _load(database: Database) -> Callable[[], User]:
    """``load()`` is the only user there is."""

    def load() -> User:
        with database.read() as db:
            return db.scalars(select(User)).one()

    return load


@pytest.fixture(name="proofs")
def _proofs(database: Database) -> Callable[[], list[str]]:
    """``proofs()`` says how each linked identity was proven."""

    def proofs() -> list[str]:
        with database.read() as db:
            return list(db.scalars(select(UserIdentity.proof)))

    return proofs
