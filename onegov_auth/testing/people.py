"""Users of an application under test, and how one of them is logged in without typing a password."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from onegov_auth.accounts.local import LOCAL, SEEN, fingerprint
from onegov_auth.collections import UserCollection
from onegov_auth.domain import AuthnContext, Client, VerifiedIdentity, hexadecimal
from onegov_auth.models import UserEmailMixin, entities_of, key_of
from onegov_auth.outcomes import LoggedIn
from onegov_auth.waiting import Door, Proven

__all__ = ["PASSWORD", "find_user", "make_user", "open_session"]

#: Everybody's password, unless a test says otherwise.
PASSWORD = "correct horse battery staple"


def make_user(  # noqa: PLR0913 - what a user may have
    application: Any,
    username: str | None = None,
    *,
    password: str = PASSWORD,
    role: str = "member",
    permissions: Sequence[str] = (),
    groups: Sequence[str] = (),
    bundles: Sequence[str] = (),
    **attributes: Any,
) -> Any:
    """
    Add a user who may log in.

    Args:
        application: The application.
        username: The name; one is made up if it is left out.
        password: The password.
        role: One of the settings' roles.
        permissions: Tokens of permissions the user has; rows that are missing are made.
        groups: Names of groups the user is in, likewise.
        bundles: Names of bundles the user has, likewise.
        attributes: Other attributes of the user.

    Returns:
        The user, in no session.
    """
    with application.auth.database.unit() as db:
        entities = entities_of(db)
        user: Any = UserCollection(db).add(username or f"{secrets.token_hex(4)}@example.org", password, role)
        # An address by which somebody logs in counts as verified.
        user.enable()
        # Where the address is the login name, nobody gets in before it is verified.
        vouched = {"email_verified": True} if isinstance(user, UserEmailMixin) else {}
        for name, value in {**vouched, **attributes}.items():
            setattr(user, name, value)
        user.permissions.extend(_rows(db, entities.permission, "token", permissions))
        user.groups.extend(_rows(db, entities.group, "name", groups))
        user.bundles.extend(_rows(db, entities.bundle, "name", bundles))
    return user


def find_user(application: Any, username: str) -> Any:
    """The user of that name as it is in the database now, in no session; ``None`` if there is none."""
    with application.auth.database.read() as db:
        return UserCollection(db).by_username(username)


def open_session(application: Any, user: Any, client: Client, factors: Sequence[str] = ()) -> LoggedIn:
    """
    Log *user* in as if the password had been right: every other check is the application's own, by the one road.

    Args:
        application: The application.
        user: The user, or the username.
        client: From where.
        factors: The types of second factors that count as proven.

    Raises:
        AssertionError: If the application doesn't let this user in, with the outcome.
    """
    auth = application.auth
    name = user if isinstance(user, str) else user.username
    with auth.database.read() as db:
        found = UserCollection(db).by_username(name)
        if found is None:
            raise AssertionError(f"there is no user {name}")
        identity = _identity(found)
        proven = Proven(key_of(found), tuple(factors)) if factors else None
    outcome = auth.road.complete(identity, Door(client=client, provider=identity.source, proven=proven))
    if isinstance(outcome, LoggedIn):
        return outcome
    raise AssertionError(f"{name} is not let in: {outcome}")


def _identity(user: Any) -> VerifiedIdentity:
    """What the user's provider, or our own tables, would say after a right password."""
    known: Any = next((row for row in user.identities if row.source == user.source), None)
    if known is not None:
        return VerifiedIdentity(
            source=known.source, issuer=known.issuer, source_id=known.source_id, username=user.username
        )
    return VerifiedIdentity(
        source=LOCAL,
        issuer=None,
        source_id=hexadecimal(key_of(user)),
        username=user.username,
        attributes={SEEN: fingerprint(user.password_hash)},
        authn=AuthnContext(methods=frozenset({"pwd"})),
    )


def _rows(db: Any, class_: Any, attribute: str, names: Sequence[str]) -> list[Any]:
    """The rows of those names, made where they are missing."""
    column = getattr(class_, attribute)
    known = {getattr(row, attribute): row for row in db.scalars(select(class_).where(column.in_(list(names))))}
    return [known.get(name) or class_(**{attribute: name}) for name in names]
