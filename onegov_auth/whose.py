"""Whose a session or a token is: what every look-up of one selects of its user, in the same statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, String, bindparam, cast, func, literal_column, or_, select

from onegov_auth.domain import hexadecimal
from onegov_auth.models import Columns, Timestamp, UTCDateTime, primary_key

if TYPE_CHECKING:
    from datetime import datetime

    from onegov_auth.models import Entities

__all__ = ["Whose", "moment", "select_whose"]


def select_whose(entities: Entities, table: Any, *columns: Any) -> Select[Any]:
    """
    The *columns* of *table* and, after them, those that :class:`Whose` reads; of users who may be in only.

    The statement is run with the parameters of :func:`moment`.

    Args:
        entities: The mapped classes.
        table: Sessions or tokens, with a ``user_id``.
        columns: What is selected of it.
    """
    users, user = entities.user, Columns(entities.user)
    key = primary_key(users)
    members, grants = entities.user_groups.c, entities.grant
    granted = or_(grants.expires.is_(None), grants.expires > bindparam("at", type_=Timestamp()))
    of_user = (
        key,
        user.username,
        user.role,
        user.rights_stamp,
        user.language,
        _ids(members.group_id, members.user_id == key),
        _ids(grants.group_id, grants.user_id == key, grants.group_id.is_not(None), granted),
    )
    active = users.active_at(bindparam("now", type_=UTCDateTime()))
    return select(*columns, *of_user).join_from(table, users.__table__, table.c.user_id == key).where(active)


def moment(now: datetime) -> dict[str, datetime]:
    """What a statement of :func:`select_whose` has to know of the time."""
    return {"now": now, "at": now}


def _ids(column: Any, *conditions: Any) -> Any:
    comma: Any = literal_column("','")
    return select(func.aggregate_strings(cast(column, String), comma)).where(*conditions).scalar_subquery()


class Whose:
    """Reads the columns that :func:`select_whose` adds; lives as long as the look-up it belongs to."""

    def __init__(self) -> None:
        self._groups: dict[str, frozenset[str]] = {}

    def read(self, columns: Sequence[Any], application: str) -> dict[str, Any]:
        """What an :class:`onegov_auth.domain.Identity` of *application* says of its user."""
        uid, username, role, rights, language, groups, granted = columns
        if granted:
            groups = f"{groups},{granted}" if groups else granted
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
            known = self._groups[groups] = frozenset(hexadecimal(part) for part in groups.split(","))
        return known
