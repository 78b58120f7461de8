"""Queries and commands over the tables."""

from onegov_auth.collections.groups import UserGroupCollection
from onegov_auth.collections.tans import TANCollection
from onegov_auth.collections.unverified import awaits_activation, delete_unverified
from onegov_auth.collections.users import MIN_PASSWORD_LENGTH, UserCollection

__all__ = [
    "MIN_PASSWORD_LENGTH",
    "TANCollection",
    "UserCollection",
    "UserGroupCollection",
    "awaits_activation",
    "delete_unverified",
]
