"""Users."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID, uuid4

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Integer,
    SQLColumnExpression,
    Text,
    Uuid,
    func,
    update,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import (
    DynamicMapped,
    Mapped,
    declared_attr,
    has_inherited_table,
    mapped_column,
    object_session,
    relationship,
    validates,
)
from sqlalchemy.orm.attributes import set_committed_value

from onegov_auth.models.base import Base, TimestampMixin, key_of, primary_key
from onegov_auth.models.constraints import USERNAME
from onegov_auth.models.context import session_of
from onegov_auth.models.fakes import FakeUser
from onegov_auth.models.hashing import hasher_of
from onegov_auth.models.names import canonical_username
from onegov_auth.models.open_sessions import WithSessions
from onegov_auth.models.second_factor import WithFactors
from onegov_auth.models.types import LowerText, UTCDateTime, json_dict
from onegov_auth.models.user_activity import WithActivity
from onegov_auth.models.user_permissions import WithPermissions
from onegov_auth.models.user_rights import WithRights
from onegov_auth.models.user_steps import WithSteps
from onegov_auth.models.user_token import WithAuthToken
from onegov_auth.models.user_tokens import WithTokens

if TYPE_CHECKING:
    from onegov_auth.models.entities import Entities
    from onegov_auth.models.identity import UserIdentity
    from onegov_auth.models.role_mapping import RoleMapping

__all__ = ["User", "UserMixin"]

#: What surrounds a name without being part of it, for Python and SQL alike.
_BLANK = " \t\n\r\v\f"

#: Kept in ``data`` and never part of what a person may search for.
_PRIVATE_DATA = frozenset({"activation_token", "registered_by", "contested"})


def _username_key(context: Any) -> str:
    # For statements without objects; assigning a username to an object sets both.
    return canonical_username(context.get_current_parameters()[context.current_column.info[USERNAME]])


class UserMixin(
    FakeUser,
    WithActivity,
    WithRights,
    WithPermissions,
    WithFactors,
    WithSessions,
    WithSteps,
    WithTokens,
    WithAuthToken,
    TimestampMixin,
):
    """
    The columns, relationships and properties of a user; ``id`` may be declared anew with another type.

    A change of ``role``, ``active``, ``username`` or ``password_hash`` ends the user's sessions, a change
    of rights moves ``rights_stamp``: see :mod:`onegov_auth.models.listener`.
    """

    __entities__: ClassVar[Entities]

    #: The type of the user; subclasses have a ``polymorphic_identity`` of their own.
    type: Mapped[str] = mapped_column(Text, nullable=False, default="generic")

    #: The id of the user: unlike a number or the username, it can't be guessed.
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=uuid4)

    #: The username, in lower case; may be anything, but usually is an e-mail address.
    username: Mapped[str] = mapped_column(LowerText, nullable=False, unique=True, active_history=True)

    #: What the username is compared by; see :func:`canonical_username`.
    username_key: Mapped[str] = mapped_column(Text, nullable=False, unique=True, default=_username_key)

    #: The hash of the password; empty if there is none that could be used.
    password_hash: Mapped[str] = mapped_column(Text, nullable=False, active_history=True)

    #: The role, one of the settings' ``roles``.
    role: Mapped[str] = mapped_column(Text, nullable=False, active_history=True)

    #: The provider whose groups gave the role; ``None`` if a person gave it, who outranks every provider.
    role_origin: Mapped[str | None] = mapped_column(Text, nullable=True)

    #: The real name.
    realname: Mapped[str | None] = mapped_column(Text, nullable=True)

    #: What an application keeps about the user; loaded when it is asked for, noticed when it is changed.
    data: Mapped[dict[str, Any]] = mapped_column(json_dict, nullable=False, default=dict, deferred=True)

    #: The provider used last; ``None`` for local users.
    source: Mapped[str | None] = mapped_column(Text, nullable=True)

    #: The person's id at that provider, which never changes.
    source_id: Mapped[str | None] = mapped_column(Text, nullable=True)

    #: When the user logged in last.
    last_login: Mapped[datetime | None] = mapped_column(UTCDateTime, nullable=True)

    #: The signup link that was used to register.
    signup_token: Mapped[str | None] = mapped_column(Text, nullable=True, index=True)

    #: The e-mail address, in lower case.
    email: Mapped[str | None] = mapped_column(LowerText, nullable=True, index=True)

    #: Whether the address was proven to be the user's own.
    email_verified: Mapped[bool] = mapped_column(Boolean, nullable=False, default=False)

    #: The address that is to take its place, once its owner has confirmed it.
    email_pending: Mapped[str | None] = mapped_column(LowerText, nullable=True)

    #: The language the person reads, as a tag such as ``"de"``; ``None`` leaves it to the browser.
    language: Mapped[str | None] = mapped_column(Text, nullable=True)

    #: Moves with every token to reset the password; an older one is void (RESET-02).
    reset_stamp: Mapped[int] = mapped_column(Integer, nullable=False, default=0, server_default="0")

    @declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> dict[str, Any]:
        """Subclasses share the table."""
        return {} if has_inherited_table(cls) else {"polymorphic_on": "type", "polymorphic_identity": "generic"}

    @declared_attr
    @classmethod
    def identities(cls) -> Mapped[list[UserIdentity]]:
        """Whom providers know the user as."""
        return relationship(
            lambda: cls.__entities__.identity,
            back_populates="user",
            cascade="all, delete-orphan",
            passive_deletes=True,
        )

    if TYPE_CHECKING:
        role_mappings: DynamicMapped[RoleMapping]
    else:

        @declared_attr
        @classmethod
        def role_mappings(cls) -> DynamicMapped[RoleMapping]:
            """The roles the user has on single objects, as a query."""
            return relationship(
                lambda: cls.__entities__.role_mapping,
                back_populates="user",
                cascade="all, delete-orphan",
                passive_deletes=True,
                lazy="dynamic",
            )

    @validates("username")
    def _set_username(self, _key: str, username: str) -> str:
        self.username_key = canonical_username(username)
        return username.lower()

    @validates("role")
    def _set_role(self, _key: str, role: str) -> str:
        # Whoever assigns a role gives it by hand; a provider's mapping names itself afterwards.
        self.role_origin = None
        return role

    @validates("email")
    def _set_email(self, _key: str, email: str | None) -> str | None:
        return email.lower() if email else None

    @hybrid_property
    def title(self) -> str:
        """The real name, or the username."""
        return (self.realname or "").strip(_BLANK) or self.username

    @title.inplace.expression
    @classmethod
    def _title(cls) -> ColumnElement[str]:
        return cls._title_expression()

    @classmethod
    def _title_expression(cls) -> ColumnElement[str]:
        return func.coalesce(func.nullif(func.trim(cls.realname, _BLANK), ""), cls.username)

    @hybrid_property
    def name(self) -> str:
        """Another name of :attr:`title`."""
        return self.title

    @name.inplace.expression
    @classmethod
    def _name(cls) -> ColumnElement[str]:
        return cls._title_expression()

    @hybrid_property
    def password(self) -> str:
        """
        Another name of :attr:`password_hash`; what is assigned is hashed first.

        Raises:
            InvalidPasswordError: If the assigned password can't be hashed.
        """
        return self.password_hash

    @password.inplace.setter
    def _set_password(self, clear: str) -> None:
        self.password_hash = hasher_of(object_session(self)).hash(clear)

    @password.inplace.expression
    @classmethod
    def _password(cls) -> SQLColumnExpression[str]:
        return cls.password_hash

    def is_matching_password(self, password: str) -> bool:
        """Whether this is the user's password. Nothing matches a user who has none (PWD-08)."""
        return hasher_of(object_session(self)).verify(password, self.password_hash).ok

    def renew_password_hash(self, new_hash: str) -> bool:
        """
        Store another hash of the same password: no session ends.

        One conditional statement: a password that was changed meanwhile stays (PWD-07, RACE-14).

        Args:
            new_hash: Made from the password that was just verified.

        Returns:
            Whether it was stored.
        """
        session = session_of(self)
        session.flush()
        # A statement passes by the listener that ends sessions.
        users = self.__entities__.user
        stored = session.execute(
            update(users)
            .where(primary_key(users) == key_of(self), users.password_hash == self.password_hash)
            .values(password_hash=new_hash)
            .execution_options(synchronize_session=False)
        )
        if getattr(stored, "rowcount", 0) != 1:
            session.expire(self, ["password_hash"])
            return False
        set_committed_value(self, "password_hash", new_hash)
        return True

    @classmethod
    def get_initials(cls, username: str, realname: str | None = None) -> str:
        """At most two capital letters: of the first and last word of the real name, or of the username."""
        words: Sequence[str] = (realname or "").split()
        if len(words) > 2:
            words = (words[0], words[-1])
        if not words:
            words = [part for part in username.split("@", maxsplit=1)[0].split(".") if part.strip()][:2]
        return "".join(word.strip()[0].upper()[0] for word in words) or "?"

    @property
    def initials(self) -> str:
        """The user's initials."""
        return self.get_initials(self.username, self.realname)

    @property
    def tags(self) -> list[str] | None:
        """The tags of this user, kept in ``data``."""
        tags: list[str] | None = (self.data or {}).get("tags")
        return tags

    @tags.setter
    def tags(self, tags: Sequence[str] | None) -> None:
        self._set_data("tags", None if tags is None else list(tags))

    @property
    def phone_number(self) -> str | None:
        """The phone number of this user, kept in ``data``."""
        number: str | None = (self.data or {}).get("phone_number")
        return number

    @phone_number.setter
    def phone_number(self, number: str | None) -> None:
        self._set_data("phone_number", number)

    def _set_data(self, key: str, value: Any) -> None:
        if self.data is None:
            self.data = {}
        self.data[key] = value

    @property
    def userprofile(self) -> list[str]:
        """The texts in ``data``, for a search index."""
        values = (value for key, value in (self.data or {}).items() if key not in _PRIVATE_DATA)
        return [value for value in values if isinstance(value, str) and value]

    @property
    def fts_suggestion(self) -> tuple[str, str]:
        """What a search may suggest: the title and the username."""
        return self.realname or self.username, self.username

    @property
    def es_suggestion(self) -> tuple[str, str]:
        """The first seed's name of :attr:`fts_suggestion`."""
        return self.fts_suggestion


class User(UserMixin, Base):
    """A user."""

    __tablename__ = "users"
