"""A user gets another password: one place for the policy, the hash, and what else has to happen then."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from onegov_auth.models import CHANGE_PASSWORD

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.domain import Client
    from onegov_auth.models import User
    from onegov_auth.notices import Notices
    from onegov_auth.passwords import Hasher, PasswordHistory, PasswordPolicy

__all__ = ["NewPasswords"]


class NewPasswords:
    """
    Checks, hashes and stores new passwords.

    Args:
        policy: Which ones are allowed.
        hasher: Makes the hashes.
        notices: Tell the owner.
        history: Knows the passwords that somebody had.
    """

    def __init__(self, policy: PasswordPolicy, hasher: Hasher, notices: Notices, history: PasswordHistory) -> None:
        self._policy = policy
        self._hasher = hasher
        self._notices = notices
        self._history = history

    def prepare(self, clear: str, username: str, *also: str | None, user_id: Any = None) -> str:
        """
        The hash of a password that is allowed. Slow, and therefore done outside of a unit of work.

        Args:
            clear: The password.
            username: Whose it will be.
            also: What else everybody knows about the person, such as the e-mail address and the name.
            user_id: Of somebody who proved to be that user, and is told which passwords were used before.

        Raises:
            InsecurePasswordError: If the policy forbids it; its messages say what to do.
            InvalidPasswordError: If it can't be hashed.
        """
        was_used = None if user_id is None else partial(self._history.has, user_id)
        self._policy.check(clear, username, also=(word for word in also if word), was_used=was_used)
        return self._hasher.hash(clear)

    def put(self, db: Session, user: User, hashed: str, client: Client) -> None:
        """
        Store it, in the unit of work *db*, and tell the owner by mail.

        The user's sessions end with the flush; see :data:`onegov_auth.models.KEEP_SESSION`.
        """
        self._history.replaced(db, user)
        user.password_hash = hashed
        user.step_taken(CHANGE_PASSWORD)
        db.flush()
        self._notices.tell(db, user, "password_changed", client)
