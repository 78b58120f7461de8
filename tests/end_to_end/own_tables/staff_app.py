"""A host with tables of its own: numbers for keys, names of its own, people who log in by e-mail address."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Integer, MetaData, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from onegov_auth import AuthApp, Permission, Secret
from onegov_auth.clock import utcnow
from onegov_auth.models import (
    AttemptMixin,
    BundleMixin,
    Entities,
    GroupMixin,
    PermissionMixin,
    UserEmailMixin,
)
from onegov_auth.models.base import NAMING_CONVENTION
from onegov_auth.models.types import LowerText, UTCDateTime, json_dict


class Base(DeclarativeBase):
    """The host's own."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Employee(UserEmailMixin, Base):
    """Whoever works here."""

    __tablename__ = "employees"

    id: Mapped[int] = mapped_column("employee_no", Integer, primary_key=True)  # type: ignore[assignment]  # the host's
    realname: Mapped[str | None] = mapped_column("full_name", Text, nullable=True)
    badge: Mapped[str | None] = mapped_column(Text, nullable=True)
    username: Mapped[str] = mapped_column("mail_address", LowerText, nullable=False, unique=True, active_history=True)
    password_hash: Mapped[str] = mapped_column("secret", Text, nullable=False, active_history=True)
    role: Mapped[str] = mapped_column("rank", Text, nullable=False, active_history=True)
    active: Mapped[bool] = mapped_column("works_here", Boolean, nullable=False, default=True, active_history=True)
    disabled_utc: Mapped[datetime | None] = mapped_column("leaves_at", UTCDateTime, nullable=True, active_history=True)
    rights_stamp: Mapped[int] = mapped_column("stamp", Integer, nullable=False, default=1)
    source: Mapped[str | None] = mapped_column("came_by", Text, nullable=True)
    source_id: Mapped[str | None] = mapped_column("came_as", Text, nullable=True)
    language: Mapped[str | None] = mapped_column("tongue", Text, nullable=True)
    last_login: Mapped[datetime | None] = mapped_column("seen", UTCDateTime, nullable=True)
    email_verified: Mapped[bool] = mapped_column("address_ok", Boolean, nullable=False, default=False)
    is_superuser: Mapped[bool] = mapped_column("boss", Boolean, nullable=False, default=False, active_history=True)
    pending_steps: Mapped[str | None] = mapped_column("todo", Text, nullable=True)
    type: Mapped[str] = mapped_column("kind", Text, nullable=False, default="generic")
    created: Mapped[datetime] = mapped_column("made", UTCDateTime, nullable=False, default=utcnow)
    data: Mapped[dict[str, Any]] = mapped_column("stuff", json_dict, nullable=False, default=dict, deferred=True)


class Team(GroupMixin, Base):
    """Employees who work together."""

    __tablename__ = "teams"

    id: Mapped[int] = mapped_column("team_no", Integer, primary_key=True)  # type: ignore[assignment]  # the host's
    name: Mapped[str | None] = mapped_column("title", Text, nullable=True)


class Ability(PermissionMixin, Base):
    """What somebody may do."""

    __tablename__ = "abilities"

    token: Mapped[str] = mapped_column("code", Text, nullable=False, unique=True)
    description: Mapped[str | None] = mapped_column("meaning", Text, nullable=True)
    id: Mapped[int] = mapped_column("ability_no", Integer, primary_key=True)  # type: ignore[assignment]  # the host's


class Kit(BundleMixin, Base):
    """Abilities that belong together."""

    __tablename__ = "kits"

    name: Mapped[str] = mapped_column("title", Text, nullable=False, unique=True)
    id: Mapped[int] = mapped_column("kit_no", Integer, primary_key=True)  # type: ignore[assignment]  # the host's


class Knock(AttemptMixin, Base):
    """Somebody at the door."""

    __tablename__ = "knocks"
    attempt_type: Mapped[str] = mapped_column("kind", Text, nullable=False)
    user_input: Mapped[str | None] = mapped_column("who", Text, nullable=True)
    source_ip: Mapped[str | None] = mapped_column("whence", Text, nullable=True)
    success: Mapped[bool | None] = mapped_column("went_well", Boolean, nullable=True)


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
