"""The blocks tokens, mail and sms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from onegov_auth.settings.delivery import Mail, Tokens

Faults = Callable[..., tuple[str, ...]]


def test_mail_to_the_console_by_default() -> None:
    """Unless it is said otherwise, mails are printed."""
    assert Mail().url.reveal() == "console:"


def test_default_tokens() -> None:
    """API tokens last a year; JSON Web Tokens are off."""
    tokens = Tokens()

    assert (tokens.api.expires, tokens.api.prefix) == (timedelta(days=365), "oga")
    assert tokens.jwt.enabled is False


@pytest.mark.parametrize("url", ["smtp://a:b@host:25", "smtps://host", "console:", "maildir:var/mail"])
def test_mail(faults: Faults, url: str) -> None:
    """Mails go over SMTP, to the console or into a folder."""
    assert faults(mail={"url": url, "sender": "Example <auth@example.org>"}) == ()


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"mail": {"url": "http://x"}}, "mail.url: must begin with smtp://, smtps://, console: or maildir:"),
        ({"mail": {"url": "maildir:"}}, "mail.url: must name a folder: maildir:PATH"),
        ({"mail": {"url": "smtp://host/x"}}, "mail.url: must be an address such as smtp://user:password@host:port"),
        ({"mail": {"sender": "<@@>@x"}}, "mail.sender: must be an address such as Example <auth@example.org>"),
        ({"mail": {"sender": "nobody"}}, r"mail.sender: must look like ^[^\r\n]*[^\s@]+@[^\s@]+$"),
        ({"sms": {"url": "nowhere"}}, "sms.url: must be an address such as spool:PATH"),
        ({"sms": {}}, "sms.url: is required"),
        ({"tokens": {"api": {"prefix": "A-B"}}}, "tokens.api.prefix: must look like ^[a-z][a-z0-9]{1,15}$"),
        ({"tokens": {"jwt": {"algorithm": "none"}}}, "tokens.jwt.algorithm: must be one of 'EdDSA' or 'ES256'"),
    ],
    ids=str,
)
def test_faults(faults: Faults, changes: dict[str, Any], fault: str) -> None:
    """An address that leads nowhere and an algorithm that is none are faults."""
    assert faults(**changes) == (fault,)


@pytest.mark.sec("HOST-06")
def test_sender_has_one_line(faults: Faults) -> None:
    """A line end in the sender can't add a header."""
    (fault,) = faults(mail={"sender": "a@example.org\r\nBcc: b@example.org"})

    assert fault.startswith("mail.sender: must look like")
