"""
The catalogue: which permissions an application knows, declared in its code and kept in the table.

The code decides. When an application starts, what it declares is added and described, and what it no longer declares
is removed with everything it was given by, which is told to the log.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from onegov_auth.errors import RegistryError
from onegov_auth.models import primary_key
from onegov_auth.models.rights import Concerned
from onegov_auth.permissions.classes import Permission

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.database import Database
    from onegov_auth.models import Entities

__all__ = ["Changes", "Declaration", "catalogue", "sync_catalogue", "validate_permission_set"]

log = logging.getLogger("onegov_auth.permissions")

#: A permission class, a token, or a token and what it allows.
Declaration: TypeAlias = type[Permission] | str | tuple[str, str]

#: Two processes that start at once may both find a token missing.
_INSERT: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


@dataclass(frozen=True, slots=True)
class Changes:
    """
    What a sync changed; the tokens in order.

    Attributes:
        added: Were not in the table.
        described: Had another description, or none.
        removed: Are declared no more.
    """

    added: tuple[str, ...] = ()
    described: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def catalogue(declared: Iterable[Declaration]) -> dict[str, str | None]:
    """
    Tokens to descriptions.

    A token may be declared more than once; the first description of it is the one that counts.

    Raises:
        RegistryError: If a token is empty, or something else is declared.
    """
    found: dict[str, str | None] = {}
    for entry in declared:
        token, description = _read(entry)
        if not isinstance(token, str) or not token.strip():
            raise RegistryError(f"{entry!r} declares no permission: give a class, a token, or token and description")
        found[token] = found.get(token) or description
    return found


def validate_permission_set(tokens: Iterable[str], declared: Collection[str]) -> None:
    """
    Make sure that all of these are declared: a token that is mistyped is one that nobody can ever have.

    Raises:
        RegistryError: If some are not; it names them.
    """
    unknown = sorted(set(tokens) - set(declared))
    if unknown:
        raise RegistryError(f"no such permission: {', '.join(unknown)}; declare it in the application's permissions")


def sync_catalogue(
    database: Database, declared: Mapping[str, str | None], entities: Entities, *, remove: bool = True
) -> Changes:
    """
    Bring the table in line with what is declared, in one unit of work; without a difference, nothing is written.

    Any number of processes may do that at once. Superusers and everybody who had a removed permission have other
    rights from then on.

    Args:
        database: Where the table is.
        declared: Tokens to descriptions; see :func:`catalogue`.
        entities: The mapped classes.
        remove: Whether what is not declared is removed, with everything it was given by.

    Raises:
        sqlalchemy.exc.DBAPIError: If there is no such table.
    """
    with database.read() as db:
        if not _differs(_present(db, entities), declared, remove=remove):
            return Changes()
    changes, lost = database.once(lambda db: _sync(db, entities, declared, remove=remove))
    for name in ("added", "described"):
        tokens = getattr(changes, name)
        if tokens:
            log.info("Permissions %s: %s", name, ", ".join(tokens))
    for token, had in lost.items():
        log.warning("Permission removed, the application declares it no more: %s (it was given to %s)", token, had)
    return changes


def _read(entry: Declaration) -> tuple[Any, str | None]:
    if isinstance(entry, tuple):
        token, description = entry
        return token, description
    if isinstance(entry, type) and issubclass(entry, Permission):
        return getattr(entry, "token", ""), entry.description
    return entry, None


def _present(db: Session, entities: Entities) -> dict[str, str | None]:
    rows = entities.permission
    return {row.token: row.description for row in db.execute(select(rows.token, rows.description))}


def _differs(present: Mapping[str, str | None], declared: Mapping[str, str | None], *, remove: bool) -> bool:
    if remove and present.keys() - declared.keys():
        return True
    return any(token not in present or present[token] != text for token, text in declared.items())


def _sync(
    db: Session, entities: Entities, declared: Mapping[str, str | None], *, remove: bool
) -> tuple[Changes, dict[str, str]]:
    # Another process may do the same now: what was changed here is what the statements say.
    present, rows = _present(db, entities), cast("Any", entities.permission)
    added = [token for token in sorted(declared.keys() - present.keys()) if _add(db, entities, token, declared[token])]
    described = []
    for token in sorted(declared.keys() & present.keys()):
        if declared[token] != present[token]:
            other = (rows.token == token, rows.description.is_distinct_from(declared[token]))
            described += _tokens(db, update(rows).where(*other).values(description=declared[token]), rows)
    unknown = sorted(present.keys() - declared.keys()) if remove else []
    had = {token: _holders(db, entities, token) for token in unknown}
    if added or unknown:
        gone = set(db.scalars(select(primary_key(rows)).where(rows.token.in_(unknown))))
        Concerned(entities, permissions=gone, superusers=True).move(db)
    removed = _tokens(db, delete(rows).where(rows.token.in_(unknown)), rows) if unknown else []
    return Changes(tuple(added), tuple(described), tuple(removed)), {token: had[token] for token in removed}


def _tokens(db: Session, statement: Any, rows: Any) -> list[str]:
    """Run a statement that changes rows, and say which."""
    changed = statement.returning(rows.token).execution_options(synchronize_session=False)
    return sorted(db.scalars(changed))


def _add(db: Session, entities: Entities, token: str, description: str | None) -> bool:
    insert = _INSERT[db.get_bind().dialect.name](entities.permission)
    # By the ORM, for the keys that it makes.
    made = insert.values(token=token, description=description).on_conflict_do_nothing()
    return db.execute(made.returning(primary_key(entities.permission))).first() is not None


def _holders(db: Session, entities: Entities, token: str) -> str:
    """How many users, groups and bundles lose a permission with its row, in words for the log."""
    key, row = primary_key(entities.permission), entities.permission
    given: dict[str, Any] = {
        "users": entities.user_permissions.c.permission_id,
        "groups": entities.group_permissions.c.permission_id,
        "bundles": entities.bundle_permissions.c.permission_id,
        "users by grants": entities.grant.permission_id,
    }
    counts = {
        what: db.scalar(select(func.count()).where(column == key, row.token == token)) for what, column in given.items()
    }
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "nobody"
