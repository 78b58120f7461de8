"""The open sessions of a user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast
from uuid import UUID

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.orm import Mapped, object_session

from onegov_auth.domain import hexadecimal
from onegov_auth.models.base import key_of
from onegov_auth.models.context import clock_of, session_of

if TYPE_CHECKING:
    from onegov_auth.models.entities import Entities
    from onegov_auth.models.session import UserSession

__all__ = ["CurrentRequest", "WithSessions"]


class CurrentRequest(Protocol):
    """What a request has to tell about the session it came with."""

    @property
    def identity(self) -> Any:
        """The :class:`onegov_auth.domain.Identity`, or something without ``session_id`` for nobody."""

    @property
    def client_addr(self) -> str | None:
        """The address it came from."""

    @property
    def user_agent(self) -> str | None:
        """The browser."""


class WithSessions:
    """What a user knows of the own sessions. They are rows, of which nothing is kept on the user."""

    __entities__: ClassVar[Entities]

    if TYPE_CHECKING:
        username: Mapped[str]

    @property
    def sessions(self) -> dict[str, dict[str, Any]]:
        """
        The open sessions by their ids: ``address``, ``timestamp`` (ISO 8601, UTC, without offset), ``agent``.

        A copy: changing it ends no session.
        """
        session = object_session(self)
        if session is None:
            return {}
        rows = self.__entities__.session
        open_ = (
            select(rows).where(rows.user_id == key_of(self), rows.expires > clock_of(session)()).order_by(rows.created)
        )
        return {
            str(row.id): {
                "address": row.address,
                "timestamp": row.created.replace(tzinfo=None).isoformat(),
                "agent": row.user_agent,
            }
            for row in session.scalars(open_)
        }

    def cleanup_sessions(self, app: object = None) -> None:  # noqa: ARG002 - the first seed's signature
        """Forget the sessions that have ended by themselves."""
        self._end(self.__entities__.session.expires <= clock_of(session_of(self))())

    def save_current_session(self, request: CurrentRequest) -> None:
        """Note where the session *request* came with is used now."""
        self.cleanup_sessions()
        row = self._current(request)
        if row is not None:
            row.address = request.client_addr
            row.user_agent = str(request.user_agent)[:400] if request.user_agent else None

    def remove_current_session(self, request: CurrentRequest) -> None:
        """End the session *request* came with, if it is one of this user's."""
        row = self._current(request)
        if row is not None:
            self._end(self.__entities__.session.id == row.id)
        self.cleanup_sessions()

    def logout_all_sessions(self, app: object = None) -> int:
        """
        End every session of the user.

        Returns:
            How many were open.
        """
        self.cleanup_sessions(app)
        return self._end()

    def get_id(self) -> str:
        """The second seed's name of an identity's ``uid``: the key, in hexadecimal."""
        return hexadecimal(key_of(self))

    @property
    def session_key(self) -> str:
        """The second seed's session key: it opens nothing here, where every session has a secret of its own."""
        return self.get_id()

    def reset_session_key(self) -> None:
        """End every session of the user, as another session key does in the second seed."""
        self.logout_all_sessions()

    def change_username(self, new: str, app: object = None) -> None:
        """
        End every session, then take the name *new*.

        Raises:
            ValueError: If it can't be a username.
        """
        self.logout_all_sessions(app)
        self.username = new

    def _current(self, request: CurrentRequest) -> UserSession | None:
        id_ = getattr(request.identity, "session_id", None)
        row = session_of(self).get(self.__entities__.session, id_) if isinstance(id_, UUID) else None
        return row if row is not None and row.user_id == key_of(self) else None

    def _end(self, *conditions: Any) -> int:
        rows = self.__entities__.session
        statement = delete(rows).where(rows.user_id == key_of(self), *conditions)
        # "fetch": an ended session that is loaded must not be used on.
        result = session_of(self).execute(statement.execution_options(synchronize_session="fetch"))
        return cast("CursorResult[Any]", result).rowcount
