"""What is unique and indexed by several columns or by an expression, whatever the columns are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, case, func, inspect

if TYPE_CHECKING:
    from onegov_auth.models.attempt import AttemptMixin
    from onegov_auth.models.entities import Entities
    from onegov_auth.models.grant import GrantMixin
    from onegov_auth.models.user import UserMixin

__all__ = ["USERNAME", "constrain"]

#: In the ``info`` of the column of canonical names: of which column of the row they are made.
USERNAME = "onegov_auth.username"


def constrain(entities: Entities) -> None:
    """Add the constraints and indexes that the classes can't declare without knowing their columns' names."""
    _users(entities.user)
    _attempts(entities.attempt)
    _grants(entities.grant)


def _users(class_: type[UserMixin]) -> None:
    table: Any = inspect(class_).local_table
    # Named as the first seed's where the table is; in another one beside it they need names of their own.
    of = "" if table.name == "users" else f"_{table.name}"
    columns = inspect(class_).columns
    columns["username_key"].info[USERNAME] = columns["username"].key
    Index(f"lowercase_username{of}", func.lower(columns["username"]), unique=True)
    table.append_constraint(UniqueConstraint(columns["source"], columns["source_id"], name=f"unique_source_id{of}"))


def _attempts(class_: type[AttemptMixin]) -> None:
    # By number, because an account's budget begins with its last success; what was refused in a lockout is left out,
    # so that whoever knocks on makes no look-up slower.
    _index(class_, "name", "attempt_type", "user_input", "is_during_lockout", "id")
    _index(class_, "person", "attempt_type", "person", "is_during_lockout", "id")
    _index(class_, "address", "attempt_type", "source_ip", "is_during_lockout", "datetime_utc")


def _index(class_: type[Any], of: str, *names: str) -> None:
    table: Any = inspect(class_).local_table
    Index(f"ix_{table.name}_of_{of}", *(inspect(class_).columns[name] for name in names))


def _grants(class_: type[GrantMixin]) -> None:
    table: Any = inspect(class_).local_table
    columns = inspect(class_).columns
    rights = [columns[name] for name in ("permission_id", "bundle_id", "group_id")]
    counted = [case((column.is_(None), 0), else_=1) for column in rights]
    table.append_constraint(CheckConstraint(sum(counted[1:], counted[0]) == 1, name="one_right"))
    for column in rights:
        # One by hand, and one by each provider.
        origin = func.coalesce(columns["origin"], "")
        Index(f"unique_{table.name}_{column.name}", columns["user_id"], column, origin, unique=True)
