"""The throw-away mail server."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from onegov_auth.testing.servers import ServerFailedError, ServerMissingError, Smtp


@pytest.fixture(name="client")
def _client(smtp: Smtp) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP("127.0.0.1", smtp.port, timeout=10) as client:
        yield client


def mail(to: str = "ann@example.org") -> EmailMessage:
    """A small mail."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "auth@example.org", to, "Hello"
    message.set_content("Text")
    return message


def test_mails_are_kept(smtp: Smtp, client: smtplib.SMTP) -> None:
    """What is sent can be read, in order, over a restart too, until it is forgotten."""
    client.send_message(mail("ann@example.org"))
    client.send_message(mail("bob@example.org"), to_addrs=["eve@example.org", "pat@example.org"])

    assert [message["To"] for message in smtp.wait_for(2)] == ["ann@example.org", "bob@example.org"]
    assert smtp.messages[1]["X-Envelope-To"] == "eve@example.org, pat@example.org"
    client.close()
    smtp.restart()
    assert len(smtp.messages) == 2
    smtp.forget()
    assert smtp.messages == []


def test_too_few_mails(smtp: Smtp) -> None:
    """Whoever waits for more mails than come is told."""
    with pytest.raises(ServerFailedError, match="0 of 1 mails came"):
        smtp.wait_for(1, timeout=0.05)


@pytest.mark.parametrize(("name", "code"), [("nobody", 550), ("denied", 550), ("later", 451)])
def test_refusals(client: smtplib.SMTP, name: str, code: int) -> None:
    """Some receivers are refused by name."""
    with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
        client.send_message(mail(f"{name}@example.org"))

    assert [answer[0] for answer in caught.value.recipients.values()] == [code]


def test_passwords_are_asked_for() -> None:
    """A server with a user takes nothing from others."""
    with Smtp(tls="starttls", user="ann") as server, smtplib.SMTP("127.0.0.1", server.port, timeout=10) as client:
        client.starttls()
        with pytest.raises(smtplib.SMTPException):
            client.send_message(mail())
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("ann", "wrong")
        client.login("ann", server.password)
        client.send_message(mail())

        assert len(server.messages) == 1


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the library isn't installed, the extra that brings it is named."""
    monkeypatch.setattr("onegov_auth.testing.servers.smtp.find_spec", lambda _name: None)
    with pytest.raises(ServerMissingError, match=r"onegov-auth\[testing\]"):
        Smtp().start()
