"""Browsers in which somebody is not asked for a second factor for some time (``second_factors.trusted_device``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onegov_auth.domain import Client, hexadecimal
from onegov_auth.tokens import issue, read

if TYPE_CHECKING:
    from datetime import timedelta

    from sqlalchemy.orm import Session

    from onegov_auth.clock import Clock
    from onegov_auth.keys import Keys
    from onegov_auth.second_factors.store import FactorStore

__all__ = ["TrustedDevices"]

PURPOSE = "trusted-device"


class TrustedDevices:
    """
    Signs and reads the cookie.

    It names one user, and is void as soon as the password or any of the factors changes. It stands in for the factor
    only: the password is asked for all the same (NIST 800-63B-4 §5.1: a browser that is remembered proves nobody).

    Args:
        store: Knows the factors.
        keys: Sign.
        valid: How long; nothing switches it off.
        clock: The time.
    """

    def __init__(self, store: FactorStore, keys: Keys, valid: timedelta, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._valid = valid
        self._clock = clock

    @property
    def offered(self) -> bool:
        """Whether people may choose it."""
        return bool(self._valid)

    def trust(self, db: Session, user_id: Any) -> str | None:
        """The cookie's value for a user who has just proven a factor; ``None`` where it is switched off."""
        state = self._store.state(db, user_id) if self.offered else None
        if state is None:
            return None
        data = {"user": hexadecimal(user_id)}
        return issue(self._keys, PURPOSE, data, self._valid, self._clock, voided_by=state)

    def is_trusted(self, db: Session, user_id: Any, client: Client) -> bool:
        """Whether this browser was trusted by this very user, and nothing has changed since."""
        if not self.offered or not client.trusted:
            return False
        state = self._store.state(db, user_id)
        data = read(self._keys, PURPOSE, client.trusted, self._clock, voided_by=state)
        return state is not None and data is not None and data.get("user") == hexadecimal(user_id)
