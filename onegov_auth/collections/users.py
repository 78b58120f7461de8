"""Users: find, add, register, activate, delete."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import func, select, true, update
from sqlalchemy.exc import IntegrityError

from onegov_auth.collections.filters import as_sets, matches, tag_values, tagged, toggled
from onegov_auth.errors import (
    AlreadyActivatedError,
    ExistingUserError,
    InsecurePasswordError,
    InvalidActivationTokenError,
    UnknownUserError,
)
from onegov_auth.models import (
    MAX_USERNAME,
    User,
    UserGroup,
    as_key,
    canonical_username,
    clock_of,
    entities_of,
    hasher_of,
    key_of,
    primary_key,
)

if TYPE_CHECKING:
    from sqlalchemy.orm import Query, Session

__all__ = ["MIN_PASSWORD_LENGTH", "UserCollection"]

log = logging.getLogger("onegov_auth")

#: The first seed's minimum for people who register. The settings' ``passwords`` may ask for more.
MIN_PASSWORD_LENGTH = 10


class Registering(Protocol):
    """The part of a request that registering needs."""

    @property
    def client_addr(self) -> str | None:
        """The address it came from."""


class UserCollection:
    """
    The users, or those of them that meet the filters.

    Args:
        session: The session to work in.
        filters: Column names, or ``tag``, to the values that are wanted: one, several, or ``None`` for any.
            The empty string also stands for no value.
    """

    def __init__(self, session: Session, **filters: Any) -> None:
        self.session = session
        self.filters = as_sets(filters)

    def __getattr__(self, name: str) -> set[Any]:
        filters: dict[str, set[Any]] = self.__dict__.get("filters", {})
        if name not in filters:
            raise AttributeError(name)
        return filters[name]

    @property
    def model(self) -> type[User]:
        """The class of the users."""
        return entities_of(self.session).user

    def for_filter(self, **filters: Any) -> UserCollection:
        """A collection with these values added to the filters, or taken away where they were in already."""
        return self.__class__(self.session, **toggled(self.filters, filters))

    def query(self) -> Query[User]:
        """
        The users, filters applied.

        Raises:
            AttributeError: If there is no column for a filter.
        """
        query = self.session.query(self.model)
        for key, values in self.filters.items():
            if values:
                apply = getattr(type(self), f"apply_{key}_filter", None)
                query = apply(self, query, key, values) if apply else self.apply_filter(query, key, values)
        return query

    def apply_filter(self, query: Query[User], key: str, values: set[Any]) -> Query[User]:
        """*query*, restricted to users whose column *key* has one of the *values*."""
        return query.filter(matches(self.model, key, values))

    def apply_tag_filter(self, query: Query[User], _key: str, values: set[Any]) -> Query[User]:
        """*query*, restricted to users with one of the tags *values*."""
        return query.filter(tagged(self.model, self._dialect, values))

    def add(  # noqa: PLR0913, PLR0917 - the first seed's signature
        self,
        username: str,
        password: str,
        role: str,
        data: Mapping[str, Any] | None = None,
        second_factor: Mapping[str, Any] | None = None,
        active: bool = True,
        realname: str | None = None,
        signup_token: str | None = None,
        group: UserGroup | None = None,
        phone_number: str | None = None,
        groups: Iterable[UserGroup] | None = None,
    ) -> User:
        """
        Add a user and flush. The arguments are the attributes of the same names; no policy is applied.

        Raises:
            AssertionError: If username, password or role is empty.
            ExistingUserError: If there is a user of that name, however it is written.
            InvalidPasswordError: If the password can't be hashed.
            ValueError: If it can't be a username.
        """
        if not (username and password and role):
            raise AssertionError("a user needs a username, a password and a role")
        if self._is_taken(username):
            raise ExistingUserError(username)
        user = self.model(
            username=username,
            password_hash=hasher_of(self.session).hash(password),
            role=role,
            data=dict(data or {}),
            active=active,
            realname=realname,
            signup_token=signup_token,
            second_factor=second_factor,
        )
        if phone_number is not None:
            user.phone_number = phone_number
        self._insert(user, username, [*(groups or ()), *([group] if group is not None else ())])
        return user

    def _insert(self, user: User, username: str, groups: list[UserGroup]) -> None:
        try:
            # Somebody may add the same name at the same time: the rest of the transaction stays good.
            with self.session.begin_nested():
                self.session.add(user)
                user.groups = groups
                self.session.flush()
        except IntegrityError as error:
            if self._is_taken(username):
                raise ExistingUserError(username) from error
            raise

    @property
    def tags(self) -> tuple[str, ...]:
        """All tags there are, sorted."""
        values = tag_values(self.model, self._dialect)
        found = self.session.scalars(select(values.c.value).select_from(self.model).join(values, true()).distinct())
        return tuple(sorted(str(tag) for tag in found))

    @property
    def sources(self) -> tuple[str, ...]:
        """All sources there are, sorted."""
        user = self.model
        found = self.session.scalars(select(user.source).where(user.source.is_not(None)).distinct())
        return tuple(sorted(str(source) for source in found))

    @property
    def usernames(self) -> tuple[tuple[str, str | None], ...]:
        """Usernames and real names, sorted by what is shown of them."""
        user = self.model
        rows = self.query().with_entities(user.username, user.realname).order_by(func.lower(user.title))
        return tuple((username, realname) for username, realname in rows)

    def usernames_by_tags(self, tags: Iterable[str]) -> tuple[str, ...]:
        """The usernames of all who have one of the tags."""
        query = self.query().filter(tagged(self.model, self._dialect, tags))
        return tuple(username for (username,) in query.with_entities(self.model.username))

    def exists(self, username: str) -> bool:
        """Whether there is a user of that name. No user is loaded."""
        query = self._by_key(username)
        return query is not None and bool(self.session.query(query.exists()).scalar())

    def by_id(self, id: Any) -> User | None:  # noqa: A002 - the first seed's signature
        """The user by the internal id: unlike usernames, it can stand in a URL."""
        key = as_key(self.model, id)
        return None if key is None else self.query().filter(primary_key(self.model) == key).first()

    def by_username(self, username: str) -> User | None:
        """The user of that name."""
        query = self._by_key(username)
        return None if query is None else query.first()

    def by_source_id(self, source: str, source_id: str) -> User | None:
        """The user whom *source*, the provider used last, knows as *source_id*; nothing matches nothing (LINK-15)."""
        if not source or not source_id:
            return None
        return self.query().filter_by(source=source, source_id=source_id).first()

    def by_username_and_password(self, username: str, password: str) -> User | None:
        """
        The user of that name, if the password is right.

        An empty password is never right. An unknown name takes as long as a wrong password (ASVS 6.3.8).
        """
        if not password:
            return None
        user = self.by_username(username)
        if user is None:
            hasher_of(self.session).verify_dummy(password)
            return None
        return user if user.is_matching_password(password) else None

    def by_roles(self, role: str, *roles: str) -> Query[User]:
        """The users who have one of the roles."""
        return self.query().filter(self.model.role.in_([role, *roles]))

    def by_signup_token(self, signup_token: str) -> Query[User]:
        """The users who registered by that signup link: its token, or what is kept of it."""
        hashed = hashlib.sha256(signup_token.encode("utf-8", "surrogatepass")).hexdigest()
        return self.query().filter(self.model.signup_token.in_([signup_token, hashed]))

    def by_yubikey(self, token: str, active_only: bool = True) -> User | None:
        """
        The user with that YubiKey.

        Args:
            token: Its public id, or anything it typed.
            active_only: Whether inactive users are left out.
        """
        factor = entities_of(self.session).factor
        query = self.query().join(factor, factor.user_id == primary_key(self.model))
        query = query.filter(factor.type == "yubikey", factor.key == token[:12])
        return (query.filter(self.model.active_at(clock_of(self.session)())) if active_only else query).first()

    def register(
        self,
        username: str,
        password: str,
        request: Registering,
        role: str = "member",
        signup_token: str | None = None,
    ) -> User:
        """
        Add an inactive user, to be activated by :meth:`activate_with_token` with ``data['activation_token']``.

        Raises:
            AssertionError: If the username is empty.
            InsecurePasswordError: If the password is too short.
            ExistingUserError: If there is a user of that name.
        """
        if not username:
            raise AssertionError("a user needs a username")
        if not password or len(password) < MIN_PASSWORD_LENGTH:
            raise InsecurePasswordError
        if self._is_taken(username):
            raise ExistingUserError(username)
        log.info("Registration by %s (%s)", _line(request.client_addr or "unknown"), _line(username))
        user = self.add(
            username=username,
            password=password,
            role=role,
            data={"activation_token": secrets.token_hex(32)},
            active=False,
            signup_token=signup_token,
        )
        if "@" in username:
            user.email = username
            self.session.flush()
        return user

    def activate_with_token(self, username: str, token: str) -> None:
        """
        Activate a user who registered.

        Whoever has the token read the mail: the address counts as verified.

        Raises:
            UnknownUserError: If there is no such user.
            AlreadyActivatedError: If the user is active.
            InvalidActivationTokenError: If it is another token, or there is none.
        """
        user = self.by_username(username)
        if user is None:
            raise UnknownUserError(username)
        if user.active:
            raise AlreadyActivatedError(username)
        expected = user.data.get("activation_token")
        if not expected or not hmac.compare_digest(_bytes(str(expected)), _bytes(token or "")):
            raise InvalidActivationTokenError(username)
        if not self._activate(user):
            raise AlreadyActivatedError(username)
        self.session.refresh(user)
        user.data.pop("activation_token", None)
        user.email_verified = user.email is not None
        self.session.flush()

    def delete(self, username: str) -> None:
        """
        Delete the user and all that belongs to them.

        Raises:
            UnknownUserError: If there is no such user.
        """
        user = self.by_username(username)
        if user is None:
            raise UnknownUserError(username)
        self.session.delete(user)
        self.session.flush()

    def _activate(self, user: User) -> bool:
        # One conditional statement: of two at once, one is the first.
        model = self.model
        statement = (
            update(model)
            .where(primary_key(model) == key_of(user), model.active.is_(False))
            .values(active=True, rights_stamp=model.rights_stamp + 1)
            .execution_options(synchronize_session=False)
        )
        return getattr(self.session.execute(statement), "rowcount", 0) == 1

    @property
    def _dialect(self) -> str:
        return self.session.get_bind().dialect.name

    def _by_key(self, username: str) -> Query[User] | None:
        try:
            key = canonical_username(username)
        except ValueError:
            return None
        return self.query().filter(self.model.username_key == key)

    def _is_taken(self, username: str) -> bool:
        # A name is taken even when its owner is filtered out.
        return UserCollection(self.session).exists(username)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _line(text: str) -> str:
    # A username with a line break would write log lines of its own.
    # Brackets end the name in a log line: a name with brackets could name another one.
    return "".join(_escaped(character) for character in text[:MAX_USERNAME])


def _escaped(character: str) -> str:
    return character if character.isprintable() and character not in "()\\" else f"\\x{ord(character):02x}"
