"""Tests of tables on an application's own base."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Integer, String, inspect, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from onegov_auth.collections import UserCollection, UserGroupCollection
from onegov_auth.database import Database
from onegov_auth.errors import RegistryError
from onegov_auth.models import DEFAULT, AttemptMixin, Base, Entities, GroupMixin, User, UserMixin
from onegov_auth.passwords import Hasher
from onegov_auth.testing.clock import FakeClock


class OwnBase(DeclarativeBase):
    """An application's own base, without a naming convention."""


class Person(UserMixin, OwnBase):
    """A user with a number for a key, under another name in the table."""

    __tablename__ = "people"
    id: Mapped[int] = mapped_column("person_id", Integer, primary_key=True)  # type: ignore[assignment]  # the point
    town: Mapped[str | None] = mapped_column(String(40))


class Club(GroupMixin, OwnBase):
    """A group with a text for a key."""

    __tablename__ = "clubs"
    id: Mapped[str] = mapped_column(String(20), primary_key=True)  # type: ignore[assignment]  # the point


OWN = Entities.on(OwnBase, user=Person, group=Club)


@pytest.fixture(name="own")
def _own(database_url: str, clock: FakeClock) -> Iterator[Database]:
    database = Database(database_url, clock=clock, entities=OWN, hasher=Hasher.cheap())
    OwnBase.metadata.create_all(database.engine)
    yield database
    database.dispose()


@pytest.fixture(name="session")
def _session(own: Database) -> Iterator[Session]:
    with own.session() as session:
        yield session


@pytest.fixture(name="person")
def _person(session: Session) -> Any:
    user = UserCollection(session).add("Ann", "a password", "member", group=UserGroupCollection(session).add(id="golf"))
    session.commit()
    return user


def test_foreign_keys_follow_the_applications_tables(own: Database) -> None:
    """Every table that belongs to a user points to the application's own, by its own key and type."""
    inspector = inspect(own.engine)
    tables = set(inspector.get_table_names())
    assert {"people", "clubs"} <= tables
    assert tables.isdisjoint({"users", "groups"})
    for table in ("user_identities", "user_factors", "user_sessions", "login_transactions", "user_group_associations"):
        keys = [key for key in inspector.get_foreign_keys(table) if key["constrained_columns"] == ["user_id"]]
        assert [(key["referred_table"], key["referred_columns"]) for key in keys] == [("people", ["person_id"])]
        column = next(column for column in inspector.get_columns(table) if column["name"] == "user_id")
        assert isinstance(column["type"], Integer)
    mapping = {key["referred_table"] for key in inspector.get_foreign_keys("role_mappings")}
    assert mapping == {"people", "clubs"}


def test_a_user_has_everything_there(session: Session, person: Any, clock: FakeClock) -> None:
    """Collections, factors, identities, sessions, groups and the listener work on the application's tables."""
    assert isinstance(person, Person)
    assert isinstance(person.id, int)
    person.yubikey, person.tags = "ccccccbcgujh", ["a"]
    person.identities.append(OWN.identity(source="ldap", source_id="1", proof="admin"))
    times = dict.fromkeys(["created", "last_seen", "expires"], clock())
    session.add(OWN.session(token_hash="0" * 64, user_id=person.id, provider="x", **times))
    session.commit()
    users = UserCollection(session)
    assert users.by_yubikey("ccccccbcgujh") is users.by_id(person.id) is users.by_username("ANN") is person
    assert users.by_username_and_password("ann", "a password") is person
    assert (users.tags, users.usernames_by_tags(["a"])) == (("a",), ("ann",))
    assert session.scalars(select(Person).where(Person.has_factor("yubikey"))).all() == [person]
    before = person.rights_stamp
    person.role = "admin"
    session.commit()
    assert session.scalars(select(OWN.session)).all() == []
    assert person.rights_stamp == before + 1


def test_a_hash_is_renewed_there(session: Session, person: Any) -> None:
    """Statements use the application's key as well."""
    assert person.renew_password_hash("renewed")
    session.commit()
    assert person.password_hash == "renewed"


def test_a_group_is_deleted_there(session: Session, person: Any) -> None:
    """The rights of the members move, and the memberships go."""
    clubs = UserGroupCollection(session)
    golf, before = clubs.by_id("golf"), person.rights_stamp
    assert golf is not None
    clubs.delete(golf)
    session.commit()
    assert (person.groups, person.rights_stamp) == ([], before + 1)


def test_a_user_is_deleted_there(session: Session, person: Any) -> None:
    """All that belongs to the user goes."""
    person.second_factor = {"type": "mtan", "data": "+41"}
    session.commit()
    UserCollection(session).delete("ann")
    session.commit()
    assert session.scalars(select(OWN.factor)).all() == []


def test_all_tables_can_be_made_on_another_base() -> None:
    """Without classes of its own, an application gets the default tables on its base."""

    class Third(DeclarativeBase):
        pass

    entities = Entities.on(Third)
    assert set(Third.metadata.tables) == set(Base.metadata.tables)
    assert entities.user is not User
    assert entities.user.__entities__ is entities
    assert DEFAULT.user.__entities__ is DEFAULT


def test_another_table_can_be_the_applications_own() -> None:
    """Any table may be replaced, not only users and groups."""

    class Fourth(DeclarativeBase):
        pass

    class Try(AttemptMixin, Fourth):
        __tablename__ = "tries"

    own: Any = Entities.on(Fourth, attempt=Try)
    assert own.attempt is Try
    assert "login_attempts" not in Fourth.metadata.tables


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ({"usr": Person}, "no such entity: usr"),
        ({"user": Club}, "user: .*Club.* is no subclass of UserMixin"),
        ({"group": "clubs"}, "group: 'clubs' is no subclass of GroupMixin"),
        ({"user": Person}, "user: Person belongs to other entities already"),
    ],
)
def test_mistakes_are_named(classes: dict[str, Any], message: str) -> None:
    """A wrong name or class is refused with what is wrong about it."""

    class Fifth(DeclarativeBase):
        pass

    with pytest.raises(RegistryError, match=message):
        Entities.on(Fifth, **classes)


def test_entities_are_frozen() -> None:
    """What belongs together does not change."""
    with pytest.raises(AttributeError):
        DEFAULT.user = Person  # type: ignore[misc, assignment]  # the point
    assert replace(DEFAULT) == DEFAULT
