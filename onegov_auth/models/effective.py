"""
The permissions that a user has in effect, as parts of statements.

Own ∪ bundles ∪ groups ∪ groups' bundles, each given by hand or by a grant that has not expired; superusers have all
there are. A statement for one permission goes from the permission and the user towards each other along the indexes;
one for all of them gathers keys, and looks the permissions up once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, exists, func, or_, select, union_all

from onegov_auth.models.base import key_name, primary_key

if TYPE_CHECKING:
    from onegov_auth.models.entities import Entities

__all__ = [
    "all_permissions",
    "check",
    "counts",
    "effective",
    "groups_of",
    "holders",
    "is_holder",
    "next_end",
    "permissions_of_group",
]


def counts(entities: Entities, now: Any) -> ColumnElement[bool]:
    """The condition under which a grant counts at *now*, a time or an expression of one."""
    expires: Any = entities.grant.expires
    return or_(expires.is_(None), expires > now)


def groups_of(entities: Entities, user: Any, now: Any) -> CompoundSelect[Any]:
    """The ids of the groups that the user of the key *user* is in at *now*."""
    members = entities.user_groups.c
    return union_all(select(members.group_id).where(members.user_id == user), _granted(entities, "group_id", user, now))


def all_permissions(entities: Entities, user: Any, now: Any) -> CompoundSelect[Any]:
    """The ids of the permissions that the user of the key *user* has at *now*, some of them more than once."""
    own, bundles = entities.user_permissions.c, entities.user_bundles.c
    group_permissions, group_bundles = entities.group_permissions.c, entities.group_bundles.c
    content = entities.bundle_permissions.c
    held = union_all(
        select(bundles.bundle_id).where(bundles.user_id == user),
        _granted(entities, "bundle_id", user, now),
        select(group_bundles.bundle_id).where(group_bundles.group_id.in_(groups_of(entities, user, now))),
    )
    return union_all(
        select(own.permission_id).where(own.user_id == user),
        _granted(entities, "permission_id", user, now),
        select(group_permissions.permission_id).where(
            group_permissions.group_id.in_(groups_of(entities, user, now)),
        ),
        select(content.permission_id).where(content.bundle_id.in_(held)),
    )


def effective(entities: Entities, user: Any, now: Any) -> ColumnElement[bool]:
    """The condition on the rows of the catalogue that the user of the key *user* has them at *now*."""
    users = entities.user
    superuser = select(users.is_superuser).where(primary_key(users) == user).scalar_subquery()
    return or_(superuser, primary_key(entities.permission).in_(all_permissions(entities, user, now)))


def check(entities: Entities, user: Any, token: Any, now: Any) -> Any:
    """
    Whether the user of the key *user* has the permission of that token by hand, for the first of many questions.

    The one row has the answer, the user's rights stamp, and whether there are grants that count at *now*: somebody who
    has some may have the permission by them, which :func:`effective` finds. There is no row without such a user. User
    and permission are looked up once, and every way leads along indexes from one to the other: a ``UNION ALL``, because
    PostgreSQL may gather everything the user has for an ``OR`` of several ``EXISTS``.
    """
    users, permission = entities.user, entities.permission
    own, bundles, members = entities.user_permissions.c, entities.user_bundles.c, entities.user_groups.c
    group_permissions, group_bundles = entities.group_permissions.c, entities.group_bundles.c
    content, key, who = entities.bundle_permissions.c, primary_key(permission), primary_key(users)
    ways = (
        select(1).where(own.user_id == who, own.permission_id == key),
        select(1)
        .join_from(entities.user_bundles, entities.bundle_permissions, content.bundle_id == bundles.bundle_id)
        .where(bundles.user_id == who, content.permission_id == key),
        select(1)
        .join_from(entities.user_groups, entities.group_permissions, group_permissions.group_id == members.group_id)
        .where(members.user_id == who, group_permissions.permission_id == key),
        select(1)
        .join_from(entities.user_groups, entities.group_bundles, group_bundles.group_id == members.group_id)
        .join(entities.bundle_permissions, content.bundle_id == group_bundles.bundle_id)
        .where(members.user_id == who, content.permission_id == key),
    )
    corresponding = [way.correlate(users, permission) for way in ways]
    granted: Any = exists().where(entities.grant.user_id == who, counts(entities, now)).correlate(users)
    has: Any = and_(key.is_not(None), or_(users.is_superuser, exists(union_all(*corresponding))))
    return (
        select(has, users.rights_stamp, granted)
        .join_from(users, permission, permission.token == token, isouter=True)
        .where(who == user)
    )


def holders(entities: Entities, permission: Any, now: Any) -> CompoundSelect[Any]:
    """The ids of the users who have the permission of the key *permission* at *now*, some of them more than once."""
    own, bundles, members = entities.user_permissions.c, entities.user_bundles.c, entities.user_groups.c
    grants: Any = entities.grant
    with_it, groups = _ways_to(entities, permission)
    granted = or_(grants.permission_id == permission, grants.bundle_id.in_(with_it), grants.group_id.in_(groups))
    return union_all(
        select(own.user_id).where(own.permission_id == permission),
        select(bundles.user_id).where(bundles.bundle_id.in_(with_it)),
        select(members.user_id).where(members.group_id.in_(groups)),
        select(grants.user_id).where(granted, counts(entities, now)),
        select(primary_key(entities.user)).where(entities.user.is_superuser),
    )


def is_holder(entities: Entities, users: Any, permission: Any, now: Any) -> ColumnElement[bool]:
    """
    The condition on rows of users that they have the permission of the key *permission* at *now*.

    Finds the same people as :func:`holders`, one after the other: some of very many are found without a list of all.

    Args:
        entities: The mapped classes.
        users: The class of the users, or an alias of it.
        permission: The key.
        now: The time.
    """
    key: Any = getattr(users, key_name(entities.user))
    own, bundles, members = entities.user_permissions.c, entities.user_bundles.c, entities.user_groups.c
    grants: Any = entities.grant
    with_it, groups = _ways_to(entities, permission)
    given = or_(grants.permission_id == permission, grants.bundle_id.in_(with_it), grants.group_id.in_(groups))
    ways = [
        exists().where(own.user_id == key, own.permission_id == permission),
        exists().where(bundles.user_id == key, bundles.bundle_id.in_(with_it)),
        exists().where(members.user_id == key, members.group_id.in_(groups)),
        exists().where(grants.user_id == key, given, counts(entities, now)),
    ]
    return or_(users.is_superuser, *(way.correlate(users) for way in ways))


def _ways_to(entities: Entities, permission: Any) -> tuple[Select[Any], CompoundSelect[Any]]:
    """The ids of the bundles it is in, and those of the groups that give it."""
    content, group_permissions = entities.bundle_permissions.c, entities.group_permissions.c
    with_it = select(content.bundle_id).where(content.permission_id == permission)
    groups = union_all(
        select(group_permissions.group_id).where(group_permissions.permission_id == permission),
        select(entities.group_bundles.c.group_id).where(entities.group_bundles.c.bundle_id.in_(with_it)),
    )
    return with_it, groups


def permissions_of_group(entities: Entities, group: Any) -> CompoundSelect[Any]:
    """The ids of the permissions that the group of the key *group* gives its members."""
    own, bundles, content = entities.group_permissions.c, entities.group_bundles.c, entities.bundle_permissions.c
    return union_all(
        select(own.permission_id).where(own.group_id == group),
        select(content.permission_id)
        .join(entities.group_bundles, bundles.bundle_id == content.bundle_id)
        .where(bundles.group_id == group),
    )


def next_end(entities: Entities, user: Any, now: Any) -> ColumnElement[Any]:
    """When the first grant of the user of the key *user* ends that counts at *now*; NULL without one."""
    grants: Any = entities.grant
    ending = select(func.min(grants.expires)).where(grants.user_id == user, grants.expires > now)
    return ending.scalar_subquery()


def _granted(entities: Entities, name: str, user: Any, now: Any) -> Select[Any]:
    given: Any = getattr(entities.grant, name)
    grants: Any = entities.grant
    return select(given).where(grants.user_id == user, given.is_not(None), counts(entities, now))
