"""Rows for tests, with made-up values."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Self

from onegov_auth.models.hashing import hasher_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.models.entities import Entities

__all__ = ["FakeUser", "WithFake"]


class WithFake:
    """The second seed's ``fake``, and how a row is shown where there is room for one word."""

    __entities__: ClassVar[Entities]

    if TYPE_CHECKING:

        def __init__(self, **values: Any) -> None: ...

    @property
    def display_value(self) -> str:
        """The name or token."""
        return str(getattr(self, "name", None) or getattr(self, "token", None) or "")

    @classmethod
    def fake(cls, session: Session | None = None, **values: Any) -> Self:
        """
        A row for tests.

        Args:
            session: Where it is added, and flushed; ``None`` for none.
            values: What it has; the rest is made up. ``permissions`` may be tokens, of which rows are found or made.
        """
        if "permissions" in values:
            values["permissions"] = list(cls._rows_of(session, values["permissions"]))
        made = cls(**cls._made_up(session, values))
        if session is not None:
            session.add(made)
            session.flush()
        return made

    @classmethod
    def _made_up(cls, _session: Session | None, values: dict[str, Any]) -> dict[str, Any]:
        name = "token" if hasattr(cls, "token") else "name"
        return {name: f"{cls.__name__.lower()}-{secrets.token_hex(4)}", **values}

    @classmethod
    def _rows_of(cls, session: Session | None, permissions: Iterable[Any]) -> Iterable[Any]:
        class_ = cls.__entities__.permission
        for permission in permissions:
            if isinstance(permission, str):
                known = None if session is None else class_.get_by_token(session, permission)
                yield class_(token=permission) if known is None else known
            else:
                yield permission


class FakeUser(WithFake):
    """:class:`WithFake` for users, whose password is kept on the object."""

    #: The clear text of a made-up password; of tests only.
    _plaintext_pass: str | None = None

    if TYPE_CHECKING:
        username: Any

    @property
    def display_value(self) -> str:
        """The username."""
        return str(self.username)

    @classmethod
    def fake(cls, session: Session | None = None, **values: Any) -> Self:
        """
        As :meth:`WithFake.fake`: an active user with the role ``member``, whose address is verified.

        The password, made up or given as ``password``, is in ``_plaintext_pass``.
        """
        password = values.pop("password", None) or secrets.token_urlsafe(12)
        values.setdefault("password_hash", hasher_of(session).hash(password))
        user = super().fake(session, **values)
        user._plaintext_pass = password  # noqa: SLF001 - the second seed's name
        return user

    @classmethod
    def _made_up(cls, _session: Session | None, values: dict[str, Any]) -> dict[str, Any]:
        name = values.get("username") or values.get("email") or f"user-{secrets.token_hex(4)}@example.com"
        return {"username": name, "email": name, "email_verified": True, "role": "member", **values}
