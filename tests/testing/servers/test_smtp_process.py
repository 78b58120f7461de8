"""What the throw-away mail server does with a mail."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from unittest.mock import sentinel

import pytest
from aiosmtpd.smtp import Envelope

from onegov_auth.testing.servers.smtp_process import Keeper


@pytest.mark.parametrize(
    ("receiver", "answer", "taken"),
    [("ann@example.org", "250 OK", True), ("nobody@example.org", "550 5.1.1 No such user here", False)],
)
def test_receivers(tmp_path: Path, receiver: str, answer: str, taken: bool) -> None:
    """Receivers are taken, but for some names."""
    envelope = Envelope()
    found = asyncio.run(Keeper(tmp_path).handle_RCPT(sentinel.server, sentinel.session, envelope, receiver, []))

    assert found == answer
    assert (receiver in envelope.rcpt_tos) is taken


@pytest.mark.parametrize("content", [b"Subject: x\r\n\r\nText", "Subject: x\r\n\r\nText", None])
def test_mails_are_numbered(tmp_path: Path, content: Any) -> None:
    """Each mail is a file of its own, with who was to get it."""
    envelope = Envelope()
    envelope.mail_from, envelope.rcpt_tos, envelope.content = (
        "a@example.org",
        ["b@example.org", "c@example.org"],
        content,
    )
    for _ in range(2):
        asyncio.run(Keeper(tmp_path).handle_DATA(sentinel.server, sentinel.session, envelope))

    assert sorted(file.name for file in tmp_path.iterdir()) == ["000000.eml", "000001.eml"]
    head = b"X-Envelope-From: a@example.org\r\nX-Envelope-To: b@example.org, c@example.org\r\n"
    assert (tmp_path / "000001.eml").read_bytes().startswith(head)
