"""A host with tables of its own: numbers for keys, names of its own, people who log in by e-mail address."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Integer, MetaData, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from onegov_auth import AuthApp, Permission, Secret
from onegov_auth.models import (
    AttemptMixin,
    BundleMixin,
    Entities,
    GroupMixin,
    PermissionMixin,
    UserEmailMixin,
)
from onegov_auth.models.base import NAMING_CONVENTION


class Base(DeclarativeBase):
    """The host's own."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Employee(UserEmailMixin, Base):
    """Whoever works here."""

    __tablename__ = "employees"

    id: Mapped[int] = mapped_column("employee_no", Integer, primary_key=True)  # type: ignore[assignment]  # the host's
    realname: Mapped[str | None] = mapped_column("full_name", Text, nullable=True)
    badge: Mapped[str | None] = mapped_column(Text, nullable=True)


class Team(GroupMixin, Base):
    """Employees who work together."""

    __tablename__ = "teams"

    id: Mapped[int] = mapped_column("team_no", Integer, primary_key=True)  # type: ignore[assignment]  # the host's
    name: Mapped[str | None] = mapped_column("title", Text, nullable=True)


class Ability(PermissionMixin, Base):
    """What somebody may do."""

    __tablename__ = "abilities"

    id: Mapped[int] = mapped_column("ability_no", Integer, primary_key=True)  # type: ignore[assignment]  # the host's


class Kit(BundleMixin, Base):
    """Abilities that belong together."""

    __tablename__ = "kits"

    id: Mapped[int] = mapped_column("kit_no", Integer, primary_key=True)  # type: ignore[assignment]  # the host's


class Knock(AttemptMixin, Base):
    """Somebody at the door."""

    __tablename__ = "knocks"


class ReadPayroll(Permission):
    """See what everybody earns."""

    token = "payroll.read"


class App(AuthApp):
    """The host."""

    entities = Entities.on(Base, user=Employee, group=Team, permission=Ability, bundle=Kit, attempt=Knock)


class Root:
    """Its one model."""


@App.path(path="", model=Root)
def _root() -> Root:
    return Root()


@App.html(model=Root)
def _home(self: Root, request: Any) -> str:
    user = request.current_user
    return f"employee {user.id}: {user.title}" if user else "nobody"


@App.html(model=Root, name="payroll", permission=ReadPayroll)
def _payroll(self: Root, request: Any) -> str:
    return "payroll"


@App.html(model=Root, name="office", permission=Secret)
def _office(self: Root, request: Any) -> str:
    return "office"
