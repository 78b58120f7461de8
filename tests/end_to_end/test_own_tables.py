"""An application's own tables take the same road."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Integer, MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import Client
from onegov_auth.models import Entities, UserMixin
from onegov_auth.models.base import NAMING_CONVENTION
from onegov_auth.outcomes import Done, LoggedIn, StepRequired
from onegov_auth.passwords import Hasher
from onegov_auth.providers import ProviderSettings
from onegov_auth.settings import Settings
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.providers import KnownPeople, person


class OwnBase(DeclarativeBase):
    """The application's base."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Employee(UserMixin, OwnBase):
    """The application's user, with a number for a key and a table of another name."""

    __tablename__ = "employees"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)  # type: ignore[assignment]  # the point of the test


ENTITIES = Entities.on(OwnBase, user=Employee)


@pytest.fixture(name="own")
def _own(database_url: str, clock: FakeClock) -> Any:
    database = Database(database_url, clock=clock, entities=ENTITIES)
    OwnBase.metadata.create_all(database.engine)
    yield database
    database.dispose()


def test_the_road_ends_in_the_applications_own_tables(
    own: Database,
    clock: FakeClock,
    hasher: Hasher,
    client: Client,
    make_settings: Callable[..., Settings],
) -> None:
    """Local and directory people log in as rows of the application's own class, and look-ups know their keys."""
    with own.unit() as db:
        db.add(Employee(username="ann", password_hash=hasher.hash("a local password"), role="member"))
    staff = KnownPeople(name="staff", settings=ProviderSettings(kind="known-people", roles={"member": ("*",)}))
    staff.people["dora"] = ("secret", person("staff", "id-1", "dora"))
    auth = Auth(make_settings(), own, clock=clock, hasher=hasher, entities=ENTITIES)
    auth.providers = {**auth.providers, "staff": staff}

    for name, password, key in (("ann", "a local password", "1"), ("dora", "secret", "2"), ("dora", "secret", "2")):
        staff.people["dora"] = ("secret", person("staff", "id-1", "dora"))
        outcome = auth.login(name, password, client)
        assert isinstance(outcome, LoggedIn)
        identity = auth.sessions.lookup(outcome.token)
        assert identity is not None
        assert (identity.userid, identity.uid) == (name, key)
        assert auth.logout(outcome.session, client).redirect is None


def test_people_look_after_accounts_in_the_applications_own_tables(
    own: Database, clock: FakeClock, hasher: Hasher, client: Client, make_settings: Callable[..., Settings]
) -> None:
    """A key that is a number is one in tokens, links, steps and changes as well."""
    with own.unit() as db:
        db.add(Employee(username="ann", password_hash=hasher.hash("a local password"), role="member"))
    auth = Auth(make_settings(steps={"profile": ["realname"]}), own, clock=clock, hasher=hasher, entities=ENTITIES)
    auth.mailer.close()
    asked = auth.login("ann", "a local password", client)
    assert isinstance(asked, StepRequired)
    outcome = auth.take_step(asked.transaction.id, "complete_profile", {"realname": "Ann"}, client)
    assert isinstance(outcome, LoggedIn)
    identity = auth.sessions.lookup(outcome.token)
    assert identity is not None
    assert isinstance(auth.change_profile(identity, client, realname="Ann Able"), Done)
    with own.unit() as db:
        token = db.get_one(Employee, 1).token_generate()
    assert isinstance(auth.reset(token, "ann", "an entirely different sentence", client), Done)
    link = auth.new_signup_token("member")
    assert auth.permitted_role_for_registration(link) == "member"
