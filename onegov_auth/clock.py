"""Time as a parameter: nothing in this framework asks the system directly."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

__all__ = ["Clock", "utcnow"]

#: Returns the current time, aware and in UTC.
Clock: TypeAlias = Callable[[], datetime]


def utcnow() -> datetime:
    """The system's time, aware and in UTC: the clock used unless told otherwise."""
    return datetime.fromtimestamp(time.time(), UTC)
