"""
Who has which permission at this moment, without asking the database at every check.

What was found is kept in the process under the user's ``rights_stamp``, which every change of rights moves and which
every request reads with its session: a change holds from the next request on, in every process. The stamp it is kept
under is read by the very statement that finds it, so that nothing old is ever kept under a newer one. A dated grant
ends what was derived from it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from sqlalchemy import Double, Integer, Uuid, bindparam, inspect, null, select, union_all
from sqlalchemy.orm import InstanceState

from onegov_auth.clock import Clock, utcnow
from onegov_auth.models import DEFAULT, primary_key
from onegov_auth.models.effective import check, effective, groups_of, next_end
from onegov_auth.permissions.kept import Kept

if TYPE_CHECKING:
    from onegov_auth.database import Database
    from onegov_auth.models import Entities

__all__ = ["Content", "Rights", "Standing", "contents_of"]

#: An object as a role mapping names it: the name of its table, with the schema if it has one, and its id.
Content = tuple[str, str]


class _Known(NamedTuple):
    """What is known of somebody's permissions: all of them, or the answer to the first question."""

    stamp: int | None
    until: float | None
    tokens: frozenset[str] | None = None
    first: str = ""
    answer: bool = False

    @property
    def weight(self) -> int:
        return 1 + len(self.tokens or ())


@dataclass(frozen=True, slots=True)
class Standing:
    """
    What somebody may beyond the own role.

    Attributes:
        superuser: Whether that is everything.
        roles: The roles on single objects.
        stamp: As of :class:`onegov_auth.permissions.kept.Derived`.
        until: The same.
    """

    superuser: bool = False
    roles: dict[Content, frozenset[str]] = field(default_factory=dict)
    stamp: int | None = None
    until: float | None = None

    @property
    def weight(self) -> int:
        """How much it is."""
        return 1 + len(self.roles)

    def roles_on(self, model: object) -> Iterator[str]:
        """The roles that role mappings give on *model*, and on what it says it takes roles from."""
        if self.roles:
            for content in contents_of(model):
                yield from self.roles.get(content, ())


class Rights:
    """
    The permissions of users, as of this moment.

    Args:
        database: Where they are.
        entities: The mapped classes.
        clock: The time, by which grants end.
    """

    def __init__(self, database: Database, entities: Entities = DEFAULT, clock: Clock = utcnow) -> None:
        self._clock = clock
        kind = primary_key(entities.user).type
        self._key: Callable[[str], Any] = UUID if isinstance(kind, Uuid) else int if isinstance(kind, Integer) else str
        self._has = database.prepare(_has_statement(entities))
        self._tokens = database.prepare(_tokens_statement(entities))
        self._standing = database.prepare(_standing_statement(entities))
        self._known: Kept[_Known] = Kept(self._now)
        self._standings: Kept[Standing] = Kept(self._now)

    def has(self, uid: str, stamp: int, token: str) -> bool:
        """
        Whether a user has a permission.

        The first question costs one statement; another one finds all the user has, for the second question or for
        somebody with grants. From then on nothing does, until the rights change.

        Args:
            uid: The user's id, as it stands in an identity.
            stamp: The user's rights stamp, as this request read it.
            token: The permission's.
        """
        known = self._known.get(uid, stamp)
        if known is None:
            return self._ask(uid, token)
        if known.tokens is not None:
            return token in known.tokens
        return known.answer if token == known.first else token in self._load(uid)

    def tokens(self, uid: str, stamp: int) -> frozenset[str]:
        """All permissions of a user; the arguments are those of :meth:`has`."""
        known = self._known.get(uid, stamp)
        return self._load(uid) if known is None or known.tokens is None else known.tokens

    def standing(self, uid: str, stamp: int) -> Standing:
        """What a user may beyond the own role; the arguments are those of :meth:`has`."""
        known = self._standings.get(uid, stamp)
        return self._stand(uid) if known is None else known

    def _ask(self, uid: str, token: str) -> bool:
        row = self._has(user_id=self._key(uid), token=token, now=self._now())
        if row is None:
            return False
        answer, stamp, has_grants = row
        if has_grants and not answer:
            return token in self._load(uid)
        # What is had by hand has no end, and who has no grants gets none by waiting.
        self._known.put(uid, _Known(stamp, None, first=token, answer=bool(answer)))
        return bool(answer)

    def _load(self, uid: str) -> frozenset[str]:
        rows = self._tokens.all(user_id=self._key(uid), now=self._now())
        # The one row without a token is the user's.
        tokens = frozenset(token for token, _, _ in rows if token is not None)
        for token, stamp, until in rows:
            if token is None:
                self._known.put(uid, _Known(stamp, until, tokens))
                return tokens
        return frozenset()

    def _stand(self, uid: str) -> Standing:
        found: defaultdict[Content, set[str]] = defaultdict(set)
        superuser, stamp, until = False, None, None
        for type_, id_, role, *own in self._standing.all(user_id=self._key(uid), now=self._now()):
            if type_ is None:
                superuser, stamp, until = own
            else:
                found[type_, id_].add(role)
        roles = {content: frozenset(roles) for content, roles in found.items()}
        standing = Standing(bool(superuser), roles, stamp, until)
        if stamp is not None:
            self._standings.put(uid, standing)
        return standing if stamp is not None else Standing()

    def _now(self) -> float:
        return self._clock().timestamp()


def contents_of(model: object) -> Iterator[Content]:
    """
    How role mappings may name *model*, and one after the other what it takes roles from.

    Nothing is inherited unless a class says so by ``roles_from``, such as a page that names the page above it.
    """
    seen: set[int] = set()
    while model is not None and id(model) not in seen:
        seen.add(id(model))
        yield from _names_of(model)
        model = getattr(model, "roles_from", None)


def _names_of(model: object) -> Iterator[Content]:
    state: Any = inspect(model, raiseerr=False)
    # What has no row yet, or a key of several columns, can't be named.
    if isinstance(state, InstanceState) and state.identity is not None and len(state.identity) == 1:
        table, key = str(state.mapper.base_mapper.local_table), state.identity[0]
        yield table, str(key)
        if isinstance(key, UUID):
            # As SQLite casts it to text.
            yield table, key.hex


def _has_statement(entities: Entities) -> Any:
    user, now = _parameters(entities)
    return check(entities, user, bindparam("token", type_=entities.permission.token.type), now)


def _tokens_statement(entities: Entities) -> Any:
    user, now = _parameters(entities)
    users, permissions = entities.user, entities.permission
    own = select(null(), users.rights_stamp, next_end(entities, user, now)).where(primary_key(users) == user)
    held = select(permissions.token, null(), null()).where(effective(entities, user, now))
    return union_all(own, held)


def _standing_statement(entities: Entities) -> Any:
    user, now = _parameters(entities)
    users, mappings = entities.user, entities.role_mapping
    own = select(null(), null(), null(), users.is_superuser, users.rights_stamp, next_end(entities, user, now))
    name = select(users.username).where(primary_key(users) == user).scalar_subquery()
    mapped = select(mappings.content_type, mappings.content_id, mappings.role, null(), null(), null())
    return union_all(
        own.where(primary_key(users) == user),
        mapped.where(mappings.username == name),
        mapped.where(mappings.group_id.in_(groups_of(entities, user, now))),
    )


def _parameters(entities: Entities) -> tuple[Any, Any]:
    return bindparam("user_id", type_=primary_key(entities.user).type), bindparam("now", type_=Double())
