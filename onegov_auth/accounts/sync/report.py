"""What a sync found and did, person by person and as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

__all__ = ["Finding", "Progress", "Report", "State", "Tell"]


class State(StrEnum):
    """What became of one person."""

    #: A user was made.
    NEW = "new"
    #: The account of the same name was linked, as a login would have done without asking.
    LINKED = "linked"
    #: The role, the rights or the real name changed.
    CHANGED = "changed"
    #: The username changed.
    RENAMED = "renamed"
    #: There again after having been missed; activated if a sync had deactivated the user.
    BACK = "back"
    #: Not there any more; what comes of it is in the code.
    MISSING = "missing"
    #: The user may not log in any more.
    DEACTIVATED = "deactivated"
    #: Nothing to do.
    UNCHANGED = "unchanged"
    #: Nobody who may be a user; the code says why.
    EXCLUDED = "excluded"
    #: Left alone: somebody else has the name, or the link can't be trusted.
    CONFLICT = "conflict"
    #: No group gives a role: no user is made, or the role is taken away.
    NO_ROLE = "no_role"


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One person.

    Attributes:
        state: What became of them.
        username: What they are called at the source, or here if they are gone there.
        source_id: Their key at the source; empty if it has none.
        code: Why, or what exactly: the codes of a login's refusals, ``1/2`` for the first of two misses.
        user_id: The user, if there is one.
        written: Whether anything was changed, which the event log keeps.
    """

    state: State
    username: str
    source_id: str
    code: str = ""
    user_id: Any = None
    written: bool = False


@dataclass(slots=True)
class Report:
    """
    A whole run.

    Attributes:
        provider: The directory.
        dry_run: Whether nothing was written.
        code: ``ok``; or why nothing was changed: ``running`` (another run is at it), ``unavailable`` (the directory
            did not answer to the end), ``empty`` (it told of nobody), ``max_drop`` (it misses too many, or gives too
            many no role or no right any more); or ``lost`` if another run took over because this one gave no sign of
            life.
        detail: What the directory's trouble was.
        known: How many identities of this source were counted on.
        gone: How many of them it misses.
        roleless: How many more would lose the role that it gave.
        rightless: How many more would lose every right that its groups gave.
        counts: How many people are in each state.
    """

    provider: str
    dry_run: bool = False
    code: str = "ok"
    detail: str = ""
    known: int = 0
    gone: int = 0
    roleless: int = 0
    rightless: int = 0
    counts: Counter[State] = field(default_factory=Counter)

    @property
    def ok(self) -> bool:
        """Whether the run went to its end."""
        return self.code == "ok"

    def add(self, findings: Iterable[Finding]) -> None:
        """Count them."""
        self.counts.update(finding.state for finding in findings)


#: Is told of everybody who is not unchanged, once what happened to them is committed.
Tell: TypeAlias = Callable[[Finding], None]

#: Is told how far it is: the phase (``read``, ``apply``, ``missing``), how many people, and of how many (0 = unknown).
Progress: TypeAlias = Callable[[str, int, int], None]
