"""Tests of naming an application's own classes one by one."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Integer
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from onegov_auth.errors import RegistryError
from onegov_auth.models import (
    AttemptMixin,
    BundleMixin,
    EntityRegistry,
    GroupMixin,
    PermissionMixin,
    UserMixin,
)
from onegov_auth.models.registry import TYPES

MIXINS: dict[str, type[Any]] = {
    "user": UserMixin,
    "permission": PermissionMixin,
    "bundle": BundleMixin,
    "group": GroupMixin,
    "attempt": AttemptMixin,
}


def make(type_: str, base: Any) -> Any:
    """A class of an application's own."""
    body = {"__tablename__": f"own_{type_}", "__annotations__": {"id": Mapped[int]}}
    return type(f"Own{type_.title()}", (MIXINS[type_], base), body | {"id": mapped_column(Integer, primary_key=True)})


def test_classes_are_registered_by_decorators() -> None:
    """Each is found by its type, and all tables are made of them."""

    class Own(DeclarativeBase):
        pass

    registry = EntityRegistry()
    for type_ in TYPES:
        class_ = make(type_, Own)
        assert not registry.is_registered(type_)
        with pytest.raises(RegistryError, match="no class is registered"):
            getattr(registry, f"{type_}_cls")
        assert getattr(registry, f"register_{type_}")(class_) is class_
        assert registry.is_registered(type_)
        assert getattr(registry, f"{type_}_cls") is registry.get_entity_cls(type_) is class_

    entities = registry.entities(Own)
    assert [getattr(entities, type_) for type_ in TYPES] == [registry.get_entity_cls(type_) for type_ in TYPES]
    assert "users" not in Own.metadata.tables


def test_classes_may_be_given_at_once() -> None:
    """As in the second seed; what is not given is not there."""

    class Own(DeclarativeBase):
        pass

    class_ = make("group", Own)
    registry = EntityRegistry(user=None, group=class_)
    assert (registry.group_cls, registry.is_registered("user")) == (class_, False)


def test_mistakes_are_named() -> None:
    """Another type, the same one twice, and what is no class."""

    class Own(DeclarativeBase):
        pass

    class_ = make("user", Own)
    registry = EntityRegistry(user=class_)
    with pytest.raises(RegistryError, match="user: OwnUser is registered already"):
        registry.register_user(class_)
    with pytest.raises(RegistryError, match=r"bundle: .* is no class"):
        registry.register_bundle("bundles")  # type: ignore[type-var]  # the point
    for wrong in (
        lambda: registry.register("users", class_),
        lambda: registry.is_registered("users"),
        lambda: registry.get_entity_cls("users"),
        lambda: EntityRegistry(users=class_),
    ):
        with pytest.raises(RegistryError, match="no such type: users; there are user, permission"):
            wrong()
