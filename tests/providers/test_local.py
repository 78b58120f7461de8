from __future__ import annotations

import pytest
from pydantic import ValidationError

from onegov_auth.accounts import LocalPasswords
from onegov_auth.database import Database
from onegov_auth.domain import Password
from onegov_auth.errors import SettingsError
from onegov_auth.models import User
from onegov_auth.outcomes import Refused, Unavailable
from onegov_auth.passwords import Hasher
from onegov_auth.providers import Services, VerifiedIdentity
from onegov_auth.providers.local import LocalProvider, LocalSettings


@pytest.fixture(name="provider")
def _provider(database: Database, hasher: Hasher) -> LocalProvider:
    with database.unit() as db:
        db.add(User(username="ann", password_hash=hasher.hash("the password"), role="member"))
    return LocalProvider.create("local", LocalSettings(), Services(local_accounts=LocalPasswords(database, hasher)))


def test_a_password_is_compared_with_our_own_tables(provider: LocalProvider) -> None:
    """Who is in our tables with that password is identified."""
    assert isinstance(provider.authenticate("ann", Password("the password")), VerifiedIdentity)
    assert provider.authenticate("ann", Password("")) == Refused("empty_password")
    assert isinstance(provider.authenticate("ann", Password("wrong")), Refused)


def test_the_provider_has_one_name() -> None:
    """Another name for it would be another source for the same people."""
    with pytest.raises(SettingsError, match=r"providers\.home"):
        LocalProvider.create("home", LocalSettings(), Services())


def test_the_provider_needs_accounts() -> None:
    """Without accounts it is not made, and says nothing about anybody."""
    with pytest.raises(SettingsError, match=r"providers\.local"):
        LocalProvider.create("local", LocalSettings(), Services())
    alone = LocalProvider(name="local", settings=LocalSettings())
    assert alone.authenticate("ann", Password("x")) == Unavailable("local")


def test_roles_are_for_people_from_elsewhere() -> None:
    """A key that would have no effect is a fault."""
    with pytest.raises(ValidationError, match="roles"):
        LocalSettings.model_validate({"kind": "local", "roles": {"admin": ["x"]}})
