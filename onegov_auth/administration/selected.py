"""Something done with several accounts at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from onegov_auth.administration.changes import Changes
from onegov_auth.administration.people import ManagingPeople
from onegov_auth.models import as_key, key_of
from onegov_auth.outcomes import Refused
from onegov_auth.statements import savepoint

if TYPE_CHECKING:
    from onegov_auth.administration.acting import Deed
    from onegov_auth.domain import Client, Identity
    from onegov_auth.models import User

__all__ = ["ManagingSelected", "ManyDone"]


@dataclass(frozen=True, slots=True)
class ManyDone:
    """
    What became of it.

    Attributes:
        done: With how many it was done.
        refused: With how many it was not, by the code of why.
    """

    done: int
    refused: Mapping[str, int] = field(default_factory=dict)


class ManagingSelected(ManagingPeople):
    """The part of :class:`onegov_auth.auth.Auth` for several accounts at once."""

    def act_on_users(
        self, by: Identity, client: Client, action: str, user_ids: Sequence[Any], value: str | None = None
    ) -> ManyDone | Refused:
        """
        Do something with all of them, in one unit of work.

        Whom who acts may not change is passed over and counted. If nobody who administers would be left, nothing is
        done at all.

        Args:
            by: Who does it.
            client: From where.
            action: ``activate``, ``deactivate``, ``end_sessions``, ``add_to_group``, ``remove_from_group``,
                ``set_role`` or ``delete``.
            user_ids: Whose accounts.
            value: The key of the group, or the role.

        Returns:
            With how many; ``Refused`` with ``unknown_action``, ``last_administrator`` or ``not_allowed``.
        """
        ways: dict[str, Callable[[Deed, User], Any]] = {
            "activate": partial(self._set_active, active=True),
            "deactivate": partial(self._set_active, active=False),
            "end_sessions": self._end_sessions,
            "add_to_group": partial(self._regroup, key=value, member=True),
            "remove_from_group": partial(self._regroup, key=value, member=False),
            "set_role": partial(self._set_role, role=value or ""),
            "delete": self._delete,
        }
        if action not in ways:
            return Refused("unknown_action")
        way = ways[action]

        def work(deed: Deed) -> ManyDone:
            refused: Counter[str] = Counter()
            done = 0
            # In one order: two who do it at once would else wait for each other.
            for key in sorted(set(user_ids), key=str):
                before, told = savepoint(deed.db), len(deed.events)
                user = self.managed(deed, key)
                result = user if isinstance(user, Refused) else way(deed, user)
                if isinstance(result, Refused):
                    refused[result.code] += 1
                    before.rollback()
                    del deed.events[told:]
                else:
                    done += 1
            return ManyDone(done, dict(refused))

        return self.administer(f"users_{action}", by, client, work)

    def _regroup(self, deed: Deed, user: User, *, key: Any, member: bool) -> Refused | None:
        group = as_key(self.entities.group, key)
        keys = {key_of(one) for one in user.groups} - {group}
        return self._change_one(deed, user, "groups", keys | {group} if member else keys)

    def _set_role(self, deed: Deed, user: User, *, role: str) -> Refused | None:
        return self._change_one(deed, user, "role", role)

    def _change_one(self, deed: Deed, user: User, name: str, value: Any) -> Refused | None:
        changes = Changes(self.rules, self.entities, deed, user)
        refused = changes.make({name: value})
        if refused is None:
            deed.db.flush()
            if changes.steps:
                deed.tell("user_changed", user, *changes.steps)
        return refused
