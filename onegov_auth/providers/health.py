"""Which providers could not be reached the last time they were asked; a hint for people, and never a decision."""

from __future__ import annotations

from collections.abc import MutableMapping
from datetime import datetime, timedelta

from onegov_auth.clock import Clock
from onegov_auth.outcomes import Unavailable
from onegov_auth.providers.resources import Resources

__all__ = ["Health"]

#: Nobody who reads that a provider is down tries it; without an end, it would stay down for a quiet site.
REMEMBERED = timedelta(minutes=15)

#: An OAuth error that a browser brought along (RFC 6749 §4.1.2.1): anybody could write it into an address.
BROUGHT = frozenset({"server_error", "temporarily_unavailable"})


class Health:
    """
    What this process knows of the providers of one application.

    Args:
        resources: Where it is kept; may be lost at any time.
        application: The application id; tenants share nothing.
        clock: The time.
    """

    def __init__(self, resources: Resources, application: str, clock: Clock) -> None:
        self._resources = resources
        self._application = application
        self._clock = clock

    def note(self, name: str, verdict: object) -> None:
        """
        Remember whether the provider *name* could be asked.

        Args:
            name: Its configured name.
            verdict: What it came to; everything but ``Unavailable`` is an answer.
        """
        if not isinstance(verdict, Unavailable):
            self._down.pop(name, None)
        elif verdict.code not in BROUGHT:
            self._down[name] = self._clock()

    def is_down(self, name: str) -> bool:
        """Whether the provider *name* could not be reached the last time, which is not long ago."""
        since = self._down.get(name)
        return since is not None and self._clock() - since < REMEMBERED

    def last_failure(self, name: str) -> datetime | None:
        """When the provider *name* could not be reached, if it counts as down; None if it does not."""
        return self._down.get(name) if self.is_down(name) else None

    @property
    def _down(self) -> MutableMapping[str, datetime]:
        # Single reads and writes of a dict are atomic; the last one to know wins.
        return self._resources.get(("onegov_auth.health", self._application), dict[str, datetime])
