"""What a process keeps of users' rights: one thing for each user, bounded, and void when the user's rights move."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

__all__ = ["MAX_WEIGHT", "Derived", "Kept"]

#: How much is kept, in permissions and users together; some 20 MB at most.
MAX_WEIGHT = 250_000


class Derived(Protocol):
    """Something that was derived from a user's rights."""

    @property
    def stamp(self) -> int | None:
        """The user's ``rights_stamp`` at that time; ``None`` if there was no such user."""

    @property
    def until(self) -> float | None:
        """When the first of the grants ends it was derived from, in seconds since 1970."""

    @property
    def weight(self) -> int:
        """How much it is."""


D = TypeVar("D", bound=Derived)


class Kept(Generic[D]):
    """
    The last thing derived of each user.

    Reading takes no lock: an entry is replaced, never changed.

    Args:
        now: The time in seconds since 1970; asked only for what has an end.
        max_weight: What is kept at most; the oldest entries make room.
    """

    def __init__(self, now: Callable[[], float], max_weight: int = MAX_WEIGHT) -> None:
        self._now = now
        self._max_weight = max_weight
        self._entries: dict[str, D] = {}
        self._weight = 0
        self._lock = threading.Lock()

    def get(self, uid: str, stamp: int) -> D | None:
        """What is known of the user while the rights are those of *stamp*; ``None`` if nothing is."""
        entry = self._entries.get(uid)
        if entry is None or entry.stamp != stamp:
            return None
        if entry.until is not None and self._now() >= entry.until:
            return None
        return entry

    def put(self, uid: str, entry: D) -> None:
        """Keep *entry* as what is known of the user, and as the newest."""
        with self._lock:
            before = self._entries.pop(uid, None)
            self._weight += entry.weight - (0 if before is None else before.weight)
            self._entries[uid] = entry
            while self._weight > self._max_weight and len(self._entries) > 1:
                oldest = next(iter(self._entries))
                self._weight -= self._entries.pop(oldest).weight
