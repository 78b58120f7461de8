"""Signed tokens by which somebody without a session is known as a user: to choose another password."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, cast
from uuid import UUID

from sqlalchemy import CursorResult, delete, update
from sqlalchemy.orm import Mapped

from onegov_auth.domain import hexadecimal
from onegov_auth.errors import InvalidTokenError
from onegov_auth.models.base import key_of, primary_key
from onegov_auth.models.context import clock_of, keys_of, session_of

if TYPE_CHECKING:
    from datetime import datetime

    from onegov_auth.models.entities import Entities

__all__ = ["RESET", "WithTokens", "user_id_in"]

#: The purpose of the tokens.
RESET = "reset"

#: How long one is good unless told otherwise; NIST 800-63B-4 §4.2.1.2 allows 24 hours by mail.
VALID = timedelta(hours=1)

_USER = "user"


class WithTokens:
    """
    The second seed's tokens of a user: signed, expiring, and void as soon as what they depend on has changed.

    They need a session that has keys, as every session of :class:`onegov_auth.database.Database` with keys has.
    """

    __entities__: ClassVar[Entities]

    if TYPE_CHECKING:
        username_key: Mapped[str]
        email: Mapped[str | None]
        email_verified: Mapped[bool]
        password_hash: Mapped[str]
        active: Mapped[bool]
        is_active: Any
        last_login: Mapped[datetime | None]
        reset_stamp: Mapped[int]
        password: Any
        email_pending: Mapped[str | None]

    def get_token_salt(self) -> str:
        """What a token depends on: the login name and address, activity, password, last login, and its own use."""
        # Whole seconds of a number: databases keep times differently.
        seen = None if self.last_login is None else self.last_login.timestamp()
        parts = [self.username_key, self.email, self.is_active, self.password_hash, seen, self.reset_stamp]
        return json.dumps(parts)

    def token_generate(self, valid: timedelta = VALID) -> str:
        """
        A token by which the password can be changed once; see :meth:`change_password`.

        Args:
            valid: How long it is good.

        Raises:
            ValueError: If the user is in no session.
            MissingSecretKeyError: If the session has no key.
        """
        from onegov_auth.tokens import issue  # noqa: PLC0415 - only who signs one needs the library for it

        session = session_of(self)
        data = {_USER: hexadecimal(key_of(self))}
        return issue(keys_of(session), RESET, data, valid, clock_of(session), voided_by=self.get_token_salt())

    def token_verify(self, token: str) -> bool:
        """Whether *token* is one of this user, in time, and nothing it depends on has changed since."""
        from onegov_auth.tokens import read  # noqa: PLC0415 - likewise

        session = session_of(self)
        data = read(keys_of(session), RESET, token, clock_of(session), voided_by=self.get_token_salt())
        return data is not None and data.get(_USER) == hexadecimal(key_of(self))

    def token_use(self, token: str) -> bool:
        """
        Use *token* up, and say whether it was good.

        One conditional statement: of any number of callers at once, one is told so (RESET-02, RACE-01).
        """
        if not self.token_verify(token):
            return False
        session, users = session_of(self), self.__entities__.user
        session.flush()
        used = session.execute(
            update(users)
            .where(
                primary_key(users) == key_of(self),
                users.reset_stamp == self.reset_stamp,
                users.password_hash == self.password_hash,
                users.active.is_(self.active),
            )
            .values(reset_stamp=users.reset_stamp + 1)
            .execution_options(synchronize_session=False)
        )
        session.expire(self, ["reset_stamp"])
        return cast("CursorResult[Any]", used).rowcount == 1

    def change_password(self, token: str, new_password: str) -> None:
        """
        Change the password by a token, which is used up; whoever had it read the user's mail.

        The sessions end, a pending change of the address is dropped.

        Raises:
            InvalidTokenError: If the token is not this user's, too old, used, or void.
            InvalidPasswordError: If the password can't be hashed.
        """
        if not self.token_use(token):
            raise InvalidTokenError
        self.password = new_password
        self.email_verified = self.email is not None
        self.revoke_access()

    def revoke_access(self) -> int:
        """
        Take away everything by which somebody may still be in, or get in.

        That is: sessions, API tokens, what is pending, a new address.

        Called after a reset, and wherever an account is taken back from whoever had it (LINK-21 to LINK-23).

        Returns:
            How many sessions were open.
        """
        session, entities = session_of(self), self.__entities__
        self.email_pending = None
        session.flush()
        ended = 0
        for rows in (entities.api_token, entities.transaction, entities.session):
            own = delete(rows).where(rows.user_id == key_of(self)).execution_options(synchronize_session="fetch")
            ended = cast("CursorResult[Any]", session.execute(own)).rowcount
        return ended


def user_id_in(data: Mapping[str, Any]) -> UUID | str | None:
    """The id of the user a token names, as the database may look it up; ``None`` if it names nobody."""
    value = data.get(_USER)
    if not isinstance(value, str):
        return None
    try:
        return UUID(value)
    except ValueError:
        return value
