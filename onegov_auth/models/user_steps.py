"""What a user has to do before the next login."""

from __future__ import annotations

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

__all__ = ["CHANGE_PASSWORD", "WithSteps", "step_names"]

#: The step that is taken by choosing another password, wherever that is done.
CHANGE_PASSWORD = "change_password"


def step_names(pending: str | None) -> tuple[str, ...]:
    """The names in :attr:`WithSteps.pending_steps`."""
    return tuple((pending or "").split())


class WithSteps:
    """The steps that somebody demanded of this very user; see :mod:`onegov_auth.steps`."""

    #: Their names, separated by spaces.
    pending_steps: Mapped[str | None] = mapped_column(Text, nullable=True)

    def require_step(self, name: str) -> None:
        """Demand the login step *name* at the next login."""
        names = step_names(self.pending_steps)
        self.pending_steps = " ".join(names if name in names else (*names, name))

    def step_taken(self, name: str) -> None:
        """Demand the login step *name* no longer."""
        self.pending_steps = " ".join(other for other in step_names(self.pending_steps) if other != name) or None
