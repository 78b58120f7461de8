"""Who may change whom, and who is an administrator. Roles are in order of power, the most powerful first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, true

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.models import User
    from onegov_auth.settings import Settings

__all__ = ["Rules"]

#: Whose role has this intent runs the site.
_SECRET = "Secret"

#: The role of those who aren't logged in; nobody is given it.
_VISITOR = "anonymous"


@dataclass(frozen=True, slots=True)
class Rules:
    """
    The rules of one application.

    Attributes:
        settings: With the roles.
        users: The mapped class of the users.
    """

    settings: Settings
    users: Any

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles somebody may be given at all."""
        return tuple(role for role in self.settings.roles if role != _VISITOR)

    @property
    def administrators(self) -> tuple[str, ...]:
        """The roles of those who run the site."""
        return tuple(role for role in self.roles if _SECRET in self.settings.roles[role])

    def roles_of(self, actor: User) -> tuple[str, ...]:
        """The roles *actor* may give: none above the own, and privileged ones only with such a one (RESET-11)."""
        return tuple(role for role in self.roles if self._reaches(actor, role))

    def may_manage(self, actor: User, user: User) -> bool:
        """Whether *actor* may change *user* at all: nobody changes who stands above them."""
        if actor.is_superuser:
            return True
        # A role that is configured no longer has no power.
        return not user.is_superuser and (user.role not in self.roles or self._reaches(actor, user.role))

    def somebody_administers(self, db: Session, now: datetime) -> bool:
        """Whether there is an administrator who may log in."""
        users = self.users
        anybody = select(true()).where(users.active_at(now)).limit(1)
        roles = anybody.where(users.role.in_(self.administrators))
        # Two statements: one that asks for either could use no index.
        return bool(db.scalar(roles) or db.scalar(anybody.where(users.is_superuser.is_(true()))))

    def _reaches(self, actor: User, role: str) -> bool:
        if actor.is_superuser:
            return True
        if actor.role not in self.roles or self.roles.index(actor.role) > self.roles.index(role):
            return False
        return role not in self.settings.privileged_roles or actor.role in self.settings.privileged_roles
