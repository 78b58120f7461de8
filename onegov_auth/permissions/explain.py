"""Why somebody may do something: every way by which a user has a permission, or why there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, overload

from sqlalchemy import Text, cast, func, null, select, union_all

from onegov_auth.models import key_of, primary_key
from onegov_auth.models.context import clock_of, session_of
from onegov_auth.models.types import Timestamp
from onegov_auth.permissions.classes import Permission

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.models import Entities, PermissionRow, User

__all__ = ["Chain", "Explanation", "explain_permission"]


# PostgreSQL wants to know what kind of nothing it is.
_NO_TEXT = cast(null(), Text)
_NO_TIME = cast(null(), Timestamp)


@dataclass(frozen=True, slots=True)
class Chain:
    """
    One way from a user to a permission.

    Attributes:
        path: What leads there, from the user on: ``(("group", "Finance"), ("bundle", "Bookkeeping"))``. Empty for the
            user's own permission; ``(("superuser", name),)`` for a superuser.
        origin: The provider that gave the first of it; ``None`` for a person.
        rule: The provider's group by which it was given.
        expires: When it ends, or ended; ``None`` for no end.
    """

    path: tuple[tuple[str, str], ...] = ()
    origin: str | None = None
    rule: str | None = None
    expires: datetime | None = None

    def __str__(self) -> str:
        """One line for an operator."""
        if self.path[:1] and self.path[0][0] == "superuser":
            return "superuser, who has every permission of the catalogue"
        way = " → ".join(f"{kind} {name}" for kind, name in self.path) or "own permission"
        given = "given by hand" if self.origin is None else f"mapped by provider {self.origin}"
        rule = "" if self.rule is None else f" from its group {self.rule}"
        end = "" if self.expires is None else f", until {self.expires:%Y-%m-%d %H:%M:%S} UTC"
        return f"{way}, {given}{rule}{end}"


@dataclass(frozen=True, slots=True)
class Explanation(Sequence[Chain]):
    """
    The ways from a user to a permission; there is none if the user doesn't have it.

    Attributes:
        token: The permission's.
        chains: The ways there are at this moment.
        ended: Those there were, whose time is over.
        why_not: What speaks against it, in sentences for an operator; also that a user who has it can't log in.
    """

    token: str
    chains: tuple[Chain, ...] = ()
    ended: tuple[Chain, ...] = ()
    why_not: tuple[str, ...] = ()

    @overload
    def __getitem__(self, index: int) -> Chain: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Chain, ...]: ...

    def __getitem__(self, index: int | slice) -> Chain | tuple[Chain, ...]:
        """One of the ways."""
        return self.chains[index]

    def __len__(self) -> int:
        """How many ways there are."""
        return len(self.chains)

    def __str__(self) -> str:
        """All of it, a line each."""
        lines = [f"has {self.token}: {chain}" for chain in self.chains] or [f"does not have {self.token}"]
        return "\n".join([*lines, *self.why_not])


def explain_permission(user: User, permission: str | type[Permission]) -> Explanation:
    """
    Every way by which *user* has *permission* at this moment, by the clock of the user's session.

    Args:
        user: A user in a session.
        permission: A token, or the class that has it.

    Returns:
        The ways, the shortest first; without any, its ``why_not`` says why.

    Raises:
        ValueError: If the user is in no session.
    """
    token = permission if isinstance(permission, str) else permission.token
    session = session_of(user)
    session.flush()
    entities = user.__entities__
    row = entities.permission.get_by_token(session, token)
    found = [] if row is None else sorted(_chains(session, entities, user, row), key=_order)
    if row is not None and user.is_superuser:
        found.insert(0, Chain((("superuser", user.username),)))
    now = clock_of(session)()
    holds = tuple(chain for chain in found if chain.expires is None or chain.expires > now)
    ended = tuple(chain for chain in found if chain not in holds)
    return Explanation(token, holds, ended, tuple(_why_not(user, token, row, holds, ended)))


def _why_not(
    user: User, token: str, row: PermissionRow | None, holds: Sequence[Chain], ended: Sequence[Chain]
) -> Iterator[str]:
    if row is None:
        yield f"there is no permission {token} in the catalogue"
    elif not holds and not ended:
        yield f"neither {user.username} nor any bundle or group of theirs has it"
    for chain in ended:
        yield f"it is over: {chain}"
    if not user.is_active:
        yield f"{user.username} is not active, and can't log in"


def _order(chain: Chain) -> tuple[Any, ...]:
    return len(chain.path), chain.path, chain.origin or "", chain.rule or ""


def _chains(session: Session, entities: Entities, user: User, row: PermissionRow) -> Iterator[Chain]:
    statement = union_all(*_ways(entities, key_of(user), key_of(row)))
    for group, bundle, origin, rule, expires in session.execute(statement):
        names = (("group", group), ("bundle", bundle))
        yield Chain(tuple((kind, name) for kind, name in names if name is not None), origin, rule, expires)


def _ways(entities: Entities, user: Any, permission: Any) -> Iterator[Any]:
    """The four ways that begin by hand, and the same four that begin with a grant."""
    group, bundle, grants = entities.group, entities.bundle, entities.grant
    content, own = entities.bundle_permissions.c, entities.group_permissions.c
    groups_bundles = entities.group_bundles.c
    group_name = func.coalesce(group.name, cast(primary_key(group), Text))
    in_bundle = (content.bundle_id == primary_key(bundle), content.permission_id == permission)
    in_group = (own.group_id == primary_key(group), own.permission_id == permission)
    by_group = (groups_bundles.group_id == primary_key(group), groups_bundles.bundle_id == primary_key(bundle))
    for kind, group_column, bundle_column, conditions in (
        ("permission", _NO_TEXT, _NO_TEXT, ()),
        ("bundle", _NO_TEXT, bundle.name, in_bundle),
        ("group", group_name, _NO_TEXT, in_group),
        ("group", group_name, bundle.name, (*by_group, *in_bundle)),
    ):
        key = permission if kind == "permission" else primary_key(getattr(entities, kind))
        given = getattr(entities, f"user_{kind}s").c
        by_hand = (given.user_id == user, given[f"{kind}_id"] == key)
        granted = (grants.user_id == user, getattr(grants, f"{kind}_id") == key)
        yield select(group_column, bundle_column, _NO_TEXT, _NO_TEXT, _NO_TIME).where(*by_hand, *conditions)
        yield select(group_column, bundle_column, grants.origin, grants.rule, grants.expires).where(
            *granted, *conditions
        )
