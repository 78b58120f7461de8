"""Sessions."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID, uuid4

from sqlalchemy import Boolean, ForeignKey, String, Text, Uuid
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from onegov_auth.models.base import Base, Key, index, primary_key
from onegov_auth.models.types import Timestamp, json_list
from onegov_auth.models.user import User

if TYPE_CHECKING:
    from onegov_auth.models.user import UserMixin

__all__ = ["UserSession", "UserSessionMixin"]


class UserSessionMixin:
    """A session; its token is stored as a SHA-256 only (ASVS 7.2.3)."""

    __user__: ClassVar[type[UserMixin]]

    #: The public id of the session: safe to show and to link to.
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=uuid4)

    #: The SHA-256 of the token, as 64 hexadecimal digits.
    token_hash: Mapped[str] = mapped_column(String(64), nullable=False, unique=True)

    #: The provider the person came by.
    provider: Mapped[str] = mapped_column(Text, nullable=False)

    #: The person's id at that provider.
    source_id: Mapped[str | None] = mapped_column(Text, nullable=True)

    #: Who vouched for the person: OIDC issuer, LDAP naming context.
    issuer: Mapped[str | None] = mapped_column(Text, nullable=True)

    #: The provider's own session (OIDC ``sid``, SAML ``SessionIndex``).
    provider_session: Mapped[str | None] = mapped_column(Text, nullable=True)

    #: What the provider wants back at logout, encrypted.
    logout_hint: Mapped[str | None] = mapped_column(Text, nullable=True)

    #: What the provider is asked with whether the person is still welcome, encrypted.
    refresh_token: Mapped[str | None] = mapped_column(Text, nullable=True)

    #: When the provider last vouched for the person; empty if it is never asked again.
    checked: Mapped[datetime | None] = mapped_column(Timestamp, nullable=True)

    #: When it was last asked whether it still does.
    check_began: Mapped[datetime | None] = mapped_column(Timestamp, nullable=True)

    #: When it was opened.
    created: Mapped[datetime] = mapped_column(Timestamp, nullable=False)

    #: When the person proved last who they are; never after a proof by a provider that says an earlier time.
    confirmed: Mapped[datetime | None] = mapped_column(Timestamp, nullable=True)

    #: When it was used last, to the minute.
    last_seen: Mapped[datetime] = mapped_column(Timestamp, nullable=False)

    #: When it ends in any case.
    expires: Mapped[datetime] = mapped_column(Timestamp, nullable=False, index=True)

    #: Whether the person asked to stay logged in.
    remember: Mapped[bool] = mapped_column(Boolean, nullable=False, default=False)

    #: The address it was opened from.
    address: Mapped[str | None] = mapped_column(Text, nullable=True)

    #: The browser it was opened with.
    user_agent: Mapped[str | None] = mapped_column(Text, nullable=True)

    #: The second factors that were proven.
    factors: Mapped[list[Any]] = mapped_column(json_list, nullable=False, default=list)

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Any, ...]:
        """A provider ends sessions by its own id or by the person's (OIDC Back-Channel Logout §2.4)."""
        return (index(cls, "provider", "provider_session"), index(cls, "provider", "source_id"))

    @declared_attr
    @classmethod
    def user_id(cls) -> Mapped[Key]:
        """Whose session it is."""
        key = primary_key(cls.__user__)
        return mapped_column(key.type, ForeignKey(key, ondelete="CASCADE"), nullable=False, index=True)

    @declared_attr
    @classmethod
    def user(cls) -> Mapped[User]:
        """Whose session it is."""
        return relationship(lambda: cls.__user__)


class UserSession(UserSessionMixin, Base):
    """A session."""

    __tablename__ = "user_sessions"
    __user__ = User
