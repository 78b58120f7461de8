"""What those who run the site do about open sessions and attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onegov_auth.administration.acting import Administering
from onegov_auth.domain import Step
from onegov_auth.models import as_key
from onegov_auth.outcomes import Done, Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onegov_auth.administration.acting import Deed
    from onegov_auth.domain import Client, Identity

__all__ = ["ManagingAccess"]


class ManagingAccess(Administering):
    """
    The part of :class:`onegov_auth.auth.Auth` for the pages of sessions and attempts.

    All methods take who does it (*by*) and from where (*client*), and may return ``Refused("not_allowed")``.
    """

    def end_open_sessions(self, by: Identity, client: Client, session_ids: Sequence[Any]) -> int | Refused:
        """
        End sessions of anybody (ASVS 7.4.5).

        Args:
            by: Who does it; this very session is not ended, nor are those of people with more power.
            client: From where.
            session_ids: Which; those that are over are passed over.

        Returns:
            How many were ended.
        """

        def work(deed: Deed) -> int:
            rows = self.entities.session
            ended = 0
            for key in sorted({as_key(rows, one) for one in session_ids} - {by.session_id, None}, key=str):
                row = deed.db.get(rows, key)
                user = None if row is None else self.managed(deed, row.user_id)
                if row is None or user is None or isinstance(user, Refused) or not self.sessions.end(deed.db, row.id):
                    continue
                ended += 1
                deed.tell("session_ended", user, Step("provider", row.provider))
            return ended

        return self.administer("session_ended", by, client, work)

    def unlock_tries(
        self, by: Identity, client: Client, *, name: str | None = None, address: str | None = None
    ) -> int | Refused:
        """
        Let a name or an address try again that failed too often (RATE-08).

        Returns:
            How many failures were forgiven; ``Refused`` with ``nothing_named``.
        """
        if not name and not address:
            return Refused("nothing_named")

        def work(deed: Deed) -> int:
            count = self.attempts.unlock(deed.db, name=name or None, address=address or None)
            deed.tell("unlocked", None, Step("tries", str(count)), Step("of", name or address or ""))
            return count

        return self.administer("unlocked", by, client, work)

    def purge_attempts(self, by: Identity, client: Client, older_than: int) -> Done | Refused:
        """
        Delete the record of attempts older than some days.

        Returns:
            ``Done("attempts_purged")``; ``Refused`` with ``too_young`` for less than a day: that would lift lockouts.
        """
        if older_than < 1:
            return Refused("too_young")

        def work(deed: Deed) -> Done:
            count = self.attempts.purge(deed.db, older_than=older_than)
            deed.tell("attempts_purged", None, Step("days", str(older_than)), Step("attempts", str(count)))
            return Done("attempts_purged")

        return self.administer("attempts_purged", by, client, work)
