"""Where shared, losable things live: connection pools, key caches, health."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import TypeVar, cast

__all__ = ["Resources"]

T = TypeVar("T")


class Resources:
    """
    A thread-safe box of things made once and used by all threads.

    Providers are frozen; what they have to remember between two requests is kept here. Everything
    in it may be lost at any time, and none of it decides alone whether somebody gets in.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._things: dict[Hashable, object] = {}

    def get(self, key: Hashable, factory: Callable[[], T]) -> T:
        """The thing of that *key*, made by *factory* if it is not there yet."""
        # Reading a dict is atomic in CPython; the lock only keeps two threads from making the same thing.
        if key not in self._things:
            with self._lock:
                if key not in self._things:
                    self._things[key] = factory()
        return cast("T", self._things[key])

    def put(self, key: Hashable, thing: object) -> None:
        """Keep *thing* under *key*, in place of what was there."""
        with self._lock:
            self._things[key] = thing

    def clear(self) -> None:
        """Forget everything; what has a ``close`` method is closed."""
        with self._lock:
            things, self._things = self._things, {}
        for thing in things.values():
            close = getattr(thing, "close", None)
            if callable(close):
                close()
