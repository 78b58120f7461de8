"""Tests of tables that tie users, groups, bundles and permissions together."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, create_engine, inspect
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from onegov_auth.errors import RegistryError
from onegov_auth.models import DEFAULT, Entities, PermissionMixin, UserMixin, mapping_table
from onegov_auth.models.associations import ASSOCIATIONS


def test_a_row_goes_with_either_end() -> None:
    """Every table has one key of both columns, which cascade, and an index on the second."""
    for attribute, (name, *ends) in ASSOCIATIONS.items():
        table = getattr(DEFAULT, attribute)
        assert table.name == name
        assert [column.name for column in table.primary_key] == [f"{end}_id" for end in ends]
        assert {key.ondelete for key in table.foreign_keys} == {"CASCADE"}
        assert [[column.name for column in index.columns] for index in table.indexes] == [[f"{ends[1]}_id"]]


def test_an_application_may_call_it_otherwise() -> None:
    """Table and columns have its names, whatever the keys are; relationships and statements use it."""

    class Own(DeclarativeBase):
        pass

    class Person(UserMixin, Own):
        __tablename__ = "people"
        id: Mapped[int] = mapped_column("nr", Integer, primary_key=True)  # type: ignore[assignment]  # the point

    class Ability(PermissionMixin, Own):
        __tablename__ = "abilities"
        id: Mapped[int] = mapped_column("nr", Integer, primary_key=True)  # type: ignore[assignment]  # the point

    table = mapping_table(
        "user_permissions", Own.metadata, Person, Ability, name="can", columns=("person_nr", "ability_nr")
    )
    entities: Any = Entities.on(Own, user=Person, permission=Ability, user_permissions=table)
    assert entities.user_permissions is table
    engine = create_engine("sqlite://")
    Own.metadata.create_all(engine)
    assert [column["name"] for column in inspect(engine).get_columns("can")] == ["person_nr", "ability_nr"]
    assert not inspect(engine).has_table("user_permission_associations")
    with Session(engine) as session:
        ann: Any = Person(username="ann", password_hash="", role="member", permissions=[Ability(token="read")])
        session.add(ann)
        session.commit()
        assert ann.get_all_permission_tokens() == {"read"}
        assert ann.permissions[0].users.all() == [ann]
    engine.dispose()


def test_mistakes_are_named() -> None:
    """Another attribute, and a table that is none of ours."""

    class Own(DeclarativeBase):
        pass

    with pytest.raises(RegistryError, match="no such table: user_roles; there are user_groups"):
        mapping_table("user_roles", MetaData(), DEFAULT.user, DEFAULT.permission)
    other = Table("other", Own.metadata, Column("user_id", Integer))
    with pytest.raises(RegistryError, match=r"user_groups: .* is no table with the keys user_id and group_id"):
        Entities.on(Own, user_groups=other)
