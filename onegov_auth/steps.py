"""
Steps at login: what somebody has to do after the proof of who they are, and before they get in.

No road walks past them: :meth:`onegov_auth.road.Road.complete` asks for the next one before it opens a session.
An application adds its own by subclassing :class:`LoginStep` and naming them in ``Hooks.login_steps``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from onegov_auth.models import CHANGE_PASSWORD, key_of
from onegov_auth.outcomes import Refused

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.clock import Clock
    from onegov_auth.domain import Client, UserInfo
    from onegov_auth.models import Entities, User
    from onegov_auth.new_passwords import NewPasswords
    from onegov_auth.settings.steps import Terms

__all__ = ["AcceptTerms", "ChangePassword", "CompleteProfile", "LoginStep", "PendingStep", "Steps"]

#: Longer answers are nobody's name or number.
MAX_ANSWER = 200


@dataclass(frozen=True, slots=True)
class PendingStep:
    """
    What a page needs to ask for a step.

    Attributes:
        step: The step's name.
        username: Whose login it is.
        shown: What the step wants to show.
        to: Where the person goes afterwards.
    """

    step: str
    username: str
    shown: Mapping[str, object] = field(default_factory=dict)
    to: str = "/"


class LoginStep(ABC):
    """One thing that may be asked for; frozen, one instance per application."""

    #: What it is called in :attr:`onegov_auth.outcomes.StepRequired.step`, in events and in addresses.
    name: ClassVar[str]

    def needed(self, db: Session, user: User) -> bool:
        """
        Whether *user* has to take it now; asked at every login, in the unit that would open the session.

        Without an own answer it is taken only by those of whom it was demanded (``User.require_step``).
        """
        del db, user
        return False

    def shown(self, user: User) -> Mapping[str, object]:
        """What the page shows; nothing secret, because only the first proof has been given."""
        del user
        return {}

    @abstractmethod
    def take(self, db: Session, user: User, answer: Mapping[str, str], client: Client) -> Refused | None:
        """
        Do it.

        Args:
            db: The unit of work to write in.
            user: Whose login it is.
            answer: The form's fields; untrusted.
            client: From where.

        Returns:
            ``None`` if it is done and :meth:`needed` has no more to say; a refusal if the answer won't do, and
            the person may try again.
        """


@dataclass(frozen=True, slots=True)
class ChangePassword(LoginStep):
    """Another password, of whom an operator demanded one; asked of nobody without a local password."""

    name: ClassVar[str] = CHANGE_PASSWORD

    passwords: NewPasswords

    def take(self, db: Session, user: User, answer: Mapping[str, str], client: Client) -> Refused | None:
        """
        ``password`` is the new one.

        Raises:
            InsecurePasswordError: If the policy forbids it.
        """
        clear = answer.get("password", "")
        if user.is_matching_password(clear):
            return Refused("same_password")
        hashed = self.passwords.prepare(clear, user.username, user.email, user.realname, user_id=key_of(user))
        self.passwords.put(db, user, hashed, client)
        return None


@dataclass(frozen=True, slots=True)
class AcceptTerms(LoginStep):
    """The terms of use, in their present version (``steps.terms``); kept in ``user.data["terms"]``."""

    name: ClassVar[str] = "accept_terms"

    terms: Terms
    clock: Clock

    def needed(self, db: Session, user: User) -> bool:
        """Whether another version was accepted, or none."""
        del db
        accepted = (user.data or {}).get("terms") or {}
        return bool(accepted.get("version") != self.terms.version)

    def shown(self, user: User) -> Mapping[str, object]:
        """The version, and where to read it."""
        del user
        return {"version": self.terms.version, "url": self.terms.url}

    def take(self, db: Session, user: User, answer: Mapping[str, str], client: Client) -> Refused | None:
        """``accept: yes`` accepts."""
        del db, client
        if answer.get("accept") != "yes":
            return Refused("terms_not_accepted")
        user.data["terms"] = {"version": self.terms.version, "accepted": self.clock().isoformat()}
        return None


@dataclass(frozen=True, slots=True)
class CompleteProfile(LoginStep):
    """Attributes of the user that must not be empty (``steps.profile``)."""

    name: ClassVar[str] = "complete_profile"

    fields: tuple[str, ...]

    def needed(self, db: Session, user: User) -> bool:
        """Whether one of them is empty."""
        del db
        return any(not (getattr(user, name) or "").strip() for name in self.fields)

    def shown(self, user: User) -> Mapping[str, object]:
        """Their names, and what is there already."""
        return {"fields": list(self.fields), "values": {name: getattr(user, name) or "" for name in self.fields}}

    def take(self, db: Session, user: User, answer: Mapping[str, str], client: Client) -> Refused | None:
        """One answer per attribute, by its name."""
        del db, client
        values = {name: _line(answer.get(name, "")) for name in self.fields}
        if not all(values.values()):
            return Refused("missing_fields")
        for name, value in values.items():
            setattr(user, name, value)
        return None


def _line(text: str) -> str:
    # HOST-06: names end up in mails; a name has neither line breaks nor what can't be seen.
    return "".join(char for char in text[:MAX_ANSWER] if char.isprintable()).strip()


class Steps:
    """
    The steps of one application, in the order they are asked for.

    Args:
        steps: All of them.
        entities: The mapped classes.
    """

    def __init__(self, steps: Sequence[LoginStep], entities: Entities) -> None:
        self._steps = {step.name: step for step in steps}
        self._users: Any = entities.user
        # A login asks nothing of the database where nothing can come of it.
        self._asking = any(type(step).needed is not LoginStep.needed for step in steps)

    def get(self, name: str) -> LoginStep | None:
        """The step of that name."""
        return self._steps.get(name)

    def next(self, db: Session, user: UserInfo) -> LoginStep | Refused | None:
        """
        What *user* has to do next; ``None`` if nothing.

        A demanded step that this application doesn't know keeps the person out: somebody meant it.
        """
        if not self._asking and not user.pending_steps:
            return None
        unknown = [name for name in user.pending_steps if name not in self._steps]
        if unknown:
            return Refused("step_unavailable")
        loaded: User = db.get_one(self._users, user.id)
        for name, step in self._steps.items():
            if name in user.pending_steps or step.needed(db, loaded):
                return step
        return None
