"""The second seed's API tokens of a user, on top of the table of API tokens."""

from __future__ import annotations

import hmac
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Self

from sqlalchemy import delete, select

from onegov_auth.models.base import key_of
from onegov_auth.models.context import clock_of, keys_of, session_of
from onegov_auth.raw_tokens import hash_of, presented, random_text, with_username

if TYPE_CHECKING:
    from sqlalchemy.orm import Mapped, Session

    from onegov_auth.models.entities import Entities
    from onegov_auth.raw_tokens import Presented

__all__ = ["AUTH_TOKEN", "UserTokenMixin", "WithAuthToken"]

#: What the one token is called that :meth:`WithAuthToken.reset_auth_token` makes and replaces.
AUTH_TOKEN = "auth token"

#: How long it is good: as ``tokens.api.expires`` has it by default. The second seed's have no end.
VALID = timedelta(days=365)


class WithAuthToken:
    """
    A user with one token that is made anew at will, beside the named ones of ``account/tokens``.

    It needs no column: the token is a row of ``api_tokens``, stored as a SHA-256 and found by an index, and it is good
    wherever those are. Sessions need keys, as every session of
    :class:`onegov_auth.database.Database` with keys has.
    """

    __entities__: ClassVar[Entities]

    if TYPE_CHECKING:
        username: Mapped[str]
        is_active: Any

    @classmethod
    def generate_raw_auth_token(cls, length: int = 32, entropy: int | None = None, charset: str = "ascii_50") -> str:
        """
        A random text that may be a token; nothing is stored.

        Args:
            length: At least so many characters.
            entropy: At least so many bits; the longer of the two counts.
            charset: ``ascii_50`` (letters and digits without ``1IiLl0Oo5S8B``, which look alike), ``ascii_62`` (letters
                and digits), ``ascii_72`` (these and ``!@#$%^&*?/``) or ``hex``.

        Raises:
            ValueError: If there is no such charset, or the text would have less than 128 bits (TOK-01).
        """
        return random_text(length, entropy, charset)

    def reset_auth_token(
        self, length: int = 32, entropy: int | None = None, charset: str = "ascii_50", valid: timedelta = VALID
    ) -> str:
        """
        Give the user another token; the one before is void at once.

        Args:
            length: As for :meth:`generate_raw_auth_token`.
            entropy: Likewise.
            charset: Likewise.
            valid: How long it is good.

        Returns:
            The token, which nobody can tell again.

        Raises:
            ValueError: As :meth:`generate_raw_auth_token`, or if the user is in no session.
            MissingSecretKeyError: If the session has no key.
        """
        token = self.generate_raw_auth_token(length, entropy, charset)
        session, rows = session_of(self), self.__entities__.api_token
        application, known = keys_of(session).application, _known(token)
        session.flush()
        old = delete(rows).where(rows.user_id == key_of(self), rows.name == AUTH_TOKEN)
        session.execute(old.execution_options(synchronize_session="fetch"))
        now = clock_of(session)()
        row = rows(user_id=key_of(self), key=known.key, token_hash=hash_of(application, known), name=AUTH_TOKEN)
        row.created, row.expires = now, now + valid
        session.add(row)
        session.flush()
        return token

    def verify_token(self, token: str) -> bool:
        """
        Whether *token* is a token of this user that is still good, whoever made it.

        One that is narrowed to some permissions is not: whoever asks here would take it for all the user may do.
        """
        known = presented(token)
        mine = known is not None and known.may_be_of(self.username)
        return mine and self.is_active and self._owner(session_of(self), token) == key_of(self)

    def generate_api_token(self, token: str | None = None) -> str:
        """
        A token that says whose it is: the username in Base64, a dot, the token.

        Args:
            token: The user's; by default the user is given another one (:meth:`reset_auth_token`).
        """
        return with_username(self.username, self.reset_auth_token() if token is None else token)

    @classmethod
    def get_user_for_api_token(cls, session: Session, api_token: str) -> Self | None:
        """
        Whose token this is, with or without a username in it; ``None`` if it is nobody's who may be in.

        Nor does one that is narrowed to some permissions stand for a user, who is not (TOK-03); requests know those.
        """
        return cls.get_by_token(session, api_token)

    @classmethod
    def get_by_token(cls, session: Session, token: str) -> Self | None:
        """As :meth:`get_user_for_api_token`."""
        owner = cls._owner(session, token)
        user: Any = None if owner is None else session.get(cls.__entities__.user, owner)
        return user if isinstance(user, cls) and user.verify_token(token) else None

    @classmethod
    def _owner(cls, session: Session, token: str) -> Any:
        """The id of whose token this is, by one indexed statement; a narrowed one stands for nobody."""
        known = presented(token)
        if known is None:
            return None
        rows = cls.__entities__.api_token
        good = (rows.key == known.key, rows.expires > clock_of(session)(), rows.scope.is_(None))
        found = select(rows.token_hash, rows.user_id).where(*good)
        row = session.execute(found).one_or_none()
        given = hash_of(keys_of(session).application, known)
        return row.user_id if row is not None and hmac.compare_digest(row.token_hash, given) else None


class UserTokenMixin(WithAuthToken):
    """The second seed's name; :class:`onegov_auth.models.UserMixin` has it all, and may be named before or after it."""


def _known(token: str) -> Presented:
    known = presented(token)
    if known is None:
        raise AssertionError("unreachable")  # pragma: no cover - what we make has one of our forms
    return known
