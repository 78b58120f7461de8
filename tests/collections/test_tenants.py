"""Tests of tenants in schemas of one PostgreSQL database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import inspect

from onegov_auth.collections import TANCollection, UserCollection, UserGroupCollection
from onegov_auth.database import Database
from onegov_auth.migrations import check, upgrade
from onegov_auth.passwords import Hasher


@pytest.fixture(name="tenants")
def _tenants(postgresql_url: str) -> Iterator[tuple[Database, Database]]:
    first = Database(postgresql_url, schema="town-govikon", hasher=Hasher.cheap())
    second = Database(postgresql_url, schema="town-other", hasher=Hasher.cheap())
    for database in (first, second):
        upgrade(database.engine, database.schema)
    yield first, second
    first.dispose()
    second.dispose()


@pytest.mark.sec("LINK-19")
def test_tenants_see_nothing_of_each_other(tenants: tuple[Database, Database]) -> None:
    """Users, groups and TANs of one tenant are unknown to the other, by whatever they are looked for."""
    first, second = tenants
    with first.unit() as db:
        group = UserGroupCollection(db).add(name="staff")
        user = UserCollection(db).add("ann", "password", "member", data={"tags": ["a"]}, groups=[group])
        user.source, user.source_id = "ldap", "1"
        tan = TANCollection(db, "login").add(client="x").tan
    with second.unit() as db:
        users = UserCollection(db)
        assert not users.exists("ann")
        assert users.by_id(user.id) is users.by_source_id("ldap", "1") is None
        assert (users.tags, users.sources, users.usernames) == ((), (), ())
        assert UserGroupCollection(db).query().all() == []
        assert not TANCollection(db, "login").use(tan)
        users.add("ann", "another password", "admin")
    with first.read() as db:
        ann = UserCollection(db).by_username("ann")
        assert ann is not None
        assert ann.role == "member"


def test_a_tenant_is_at_a_revision_of_its_own(tenants: tuple[Database, Database]) -> None:
    """An engine that is bound to a schema knows its revision without being told the schema."""
    for database in tenants:
        check(database.engine)
    assert inspect(tenants[0].engine).get_table_names(schema="public") == []
