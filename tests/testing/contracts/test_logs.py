"""Secrets in logs are found wherever they stand."""

from __future__ import annotations

import logging

import pytest

from onegov_auth.testing.contracts.logs import leaks

log = logging.getLogger("leaky")


@pytest.mark.sec("LOG-02")
def test_a_secret_is_found(caplog: pytest.LogCaptureFixture) -> None:
    """In the message, in an argument that is not shown, and in a traceback."""
    caplog.set_level(logging.DEBUG)
    log.info("nothing here")
    assert leaks(caplog, ["canary"]) == []

    try:
        int("canary")
    except ValueError:
        log.exception("failed")
    assert leaks(caplog, ["other", "canary"]) == ["leaky"]

    for text, arguments in (("a canary", ()), ("%.1s", ("canary",))):
        caplog.clear()
        log.debug(text, *arguments)
        assert leaks(caplog, ["other", "canary"]) == ["leaky"]
