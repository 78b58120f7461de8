"""A user gets another password: one place for the policy, the hash, and what else has to happen then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onegov_auth.models import CHANGE_PASSWORD

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.domain import Client
    from onegov_auth.models import User
    from onegov_auth.notices import Notices
    from onegov_auth.passwords import Hasher, PasswordPolicy

__all__ = ["NewPasswords"]


class NewPasswords:
    """
    Checks, hashes and stores new passwords.

    Args:
        policy: Which ones are allowed.
        hasher: Makes the hashes.
        notices: Tell the owner.
    """

    def __init__(self, policy: PasswordPolicy, hasher: Hasher, notices: Notices) -> None:
        self._policy = policy
        self._hasher = hasher
        self._notices = notices

    def prepare(self, clear: str, username: str) -> str:
        """
        The hash of a password that is allowed. Slow, and therefore done outside of a unit of work.

        Raises:
            InsecurePasswordError: If the policy forbids it; the message says what to do.
            InvalidPasswordError: If it can't be hashed.
        """
        self._policy.check(clear, username)
        return self._hasher.hash(clear)

    def put(self, db: Session, user: User, hashed: str, client: Client) -> None:
        """
        Store it, in the unit of work *db*, and tell the owner by mail.

        The user's sessions end with the flush; see :data:`onegov_auth.models.KEEP_SESSION`.
        """
        user.password_hash = hashed
        user.step_taken(CHANGE_PASSWORD)
        db.flush()
        self._notices.tell(db, user, "password_changed", client)
