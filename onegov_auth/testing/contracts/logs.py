"""Looking for secrets in what was logged."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import pytest

__all__ = ["leaks"]

_FORMATTER = logging.Formatter("%(name)s %(message)s")


def leaks(caplog: pytest.LogCaptureFixture, secrets: Iterable[str]) -> list[str]:
    """Which loggers wrote one of *secrets*: in the message, the arguments or the traceback."""
    wanted = tuple(secrets)
    return sorted(
        {
            record.name
            for record in caplog.records
            if any(secret in f"{_FORMATTER.format(record)} {record.args!r}" for secret in wanted)
        }
    )
