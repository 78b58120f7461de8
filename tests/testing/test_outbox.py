"""Caught mails."""

from __future__ import annotations

from typing import Any

import pytest

from onegov_auth.testing.outbox import CaughtMailer, Outbox


def test_mails_are_caught_before_the_page_is_answered(
    application: Any, make_user: Any, auth_client: Any, outbox: Outbox
) -> None:
    """The link in one can be followed in the next line of a test."""
    make_user("ann@example.org")
    client = auth_client()
    form = client.get("/auth/request-password").form
    form["email"] = "ann@example.org"
    form.submit()

    assert isinstance(application.auth.mailer, CaughtMailer)
    assert outbox is application.auth.mailer.outbox
    assert [mail["To"] for mail in outbox.mails] == ["ann@example.org"]
    assert outbox.to("ann@example.org") == outbox.mails
    assert outbox.link("reset-password").startswith("/auth/reset-password?token=")
    assert "New password" in client.get(outbox.link("reset-password", "ann@example.org")).follow().text


def test_a_link_that_is_not_there(outbox: Outbox) -> None:
    """What was expected is named."""
    with pytest.raises(AssertionError, match="no mail to anybody leads to activate"):
        outbox.link("activate")
    with pytest.raises(AssertionError, match=r"no mail to ann@example\.org leads to activate"):
        outbox.link("activate", "ann@example.org")
