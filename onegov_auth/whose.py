"""Whose a session or a token is: what every look-up of one selects of its user, in the same statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, String, cast, func, literal_column, select

from onegov_auth.domain import hexadecimal
from onegov_auth.models import primary_key

if TYPE_CHECKING:
    from onegov_auth.models import Entities

__all__ = ["Whose", "select_whose"]


def select_whose(entities: Entities, table: Any, *columns: Any) -> Select[Any]:
    """
    The *columns* of *table* and, after them, those that :class:`Whose` reads; of users who may be in only.

    Args:
        entities: The mapped classes.
        table: Sessions or tokens, with a ``user_id``.
        columns: What is selected of it.
    """
    users: Any = entities.user.__table__
    key = primary_key(entities.user)
    members: Any = entities.user_groups
    comma: Any = literal_column("','")
    groups = (
        select(func.aggregate_strings(cast(members.c.group_id, String), comma))
        .where(members.c.user_id == key)
        .scalar_subquery()
    )
    of_user = (key, users.c.username, users.c.role, users.c.rights_stamp, users.c.language, groups)
    return select(*columns, *of_user).join_from(table, users, table.c.user_id == key).where(users.c.active)


class Whose:
    """Reads the columns that :func:`select_whose` adds; lives as long as the look-up it belongs to."""

    def __init__(self) -> None:
        self._groups: dict[str, frozenset[str]] = {}

    def read(self, columns: Sequence[Any], application: str) -> dict[str, Any]:
        """What an :class:`onegov_auth.domain.Identity` of *application* says of its user."""
        uid, username, role, rights, language, groups = columns
        return {
            "userid": username,
            "uid": hexadecimal(uid),
            "role": role,
            "groupids": self._groupids(groups) if groups else frozenset(),
            "application_id": application,
            "rights": rights,
            "language": language,
        }

    def _groupids(self, groups: str) -> frozenset[str]:
        known = self._groups.get(groups)
        if known is None:
            if len(self._groups) > 10_000:
                self._groups.clear()
            known = self._groups[groups] = frozenset(part.replace("-", "") for part in groups.split(","))
        return known
