"""How a mail leaves the house."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from pathlib import Path
from typing import Any

import pytest

from onegov_auth.mail.transports import SMTP, Console, Maildir, NotSentError, Transport, transport_for
from onegov_auth.settings.mail_server import MailServer
from onegov_auth.testing.plugin import require_server
from onegov_auth.testing.servers import Smtp
from onegov_auth.testing.servers.certificates import Authority


def mail(to: str = "ann@example.org", text: str = "Grüezi") -> EmailMessage:
    """A small mail."""
    message = EmailMessage(policy=POLICY)
    message["From"] = Address("Example", addr_spec="auth@example.org")
    name, _, domain = to.partition("@")
    message["To"] = Address(username=name, domain=domain)
    message["Subject"] = "Grüße"
    message.set_content(text)
    message.add_alternative(f"<p>{text}</p>", subtype="html")
    return message


def send(transport: Transport, *messages: EmailMessage) -> None:
    """Hand mails over, in one go."""
    with transport.connected() as hand:
        for message in messages:
            hand(message)


def failure(transport: Transport, *messages: EmailMessage) -> tuple[str, bool, bool]:
    """Why mails are not sent, whether for good, and whether only this one."""
    with pytest.raises(NotSentError) as caught:
        send(transport, *messages)
    return caught.value.reason, caught.value.final, caught.value.alone


@pytest.fixture(name="serve")
def _serve() -> Iterator[Callable[..., Smtp]]:
    started: list[Smtp] = []

    def serve(**options: Any) -> Smtp:
        started.append(require_server(lambda: Smtp(**options)))
        return started[-1]

    yield serve
    for server in started:
        server.close()


@pytest.mark.parametrize(
    ("tls", "user"),
    [(None, None), ("starttls", None), ("implicit", None), ("starttls", "ann:of@govikon"), ("implicit", "ann")],
)
def test_smtp(serve: Callable[..., Smtp], tls: Any, user: str | None) -> None:
    """Mails arrive over a server of each kind, several over one connection."""
    server = serve(tls=tls, user=user)
    send(transport_for(server.url), mail("ann@example.org"), mail("bob@example.org"))

    first, second = server.messages
    body = first.get_body(("plain",))
    assert (first["X-Envelope-To"], second["X-Envelope-To"]) == ("ann@example.org", "bob@example.org")
    assert (first["X-Envelope-From"], first["Subject"]) == ("auth@example.org", "Grüße")
    assert body is not None
    assert body.get_content() == "Grüezi\n"


@pytest.mark.parametrize(
    ("receiver", "wanted"),
    [
        ("nobody@example.org", ("recipient", True, True)),
        ("denied@example.org", ("recipient", False, True)),
        ("later@example.org", ("recipient", False, True)),
    ],
)
def test_refused_receivers(smtp: Smtp, receiver: str, wanted: object) -> None:
    """Who does not exist is given up; what the server may think better of is tried again; others are not held up."""
    assert failure(transport_for(smtp.url), mail(receiver)) == wanted
    with transport_for(smtp.url).connected() as hand:
        with pytest.raises(NotSentError):
            hand(mail(receiver))
        hand(mail("ann@example.org"))

    assert [message["To"] for message in smtp.messages] == ["ann@example.org"]


def test_refused_mails(smtp: Smtp) -> None:
    """A mail that the server does not like holds up no other one."""
    spam = mail()
    spam.replace_header("Subject", "Spam")

    assert failure(transport_for(smtp.url), spam) == ("refused", False, True)


def test_a_host_that_can_be_none() -> None:
    """A name that no host has is told from a server that is down."""
    assert failure(transport_for(f"smtp://{'x' * 70}.localhost"), mail()) == ("host", False, False)


def test_addresses_in_all_letters(smtp: Smtp) -> None:
    """An address with other letters than English ones arrives at a server that takes such (RFC 6531)."""
    send(transport_for(smtp.url), mail("zoë@example.org"))

    assert [message["X-Envelope-To"] for message in smtp.messages] == ["zoë@example.org"]


def test_a_server_that_is_down(smtp: Smtp) -> None:
    """A server that isn't there is told from one that refuses: it is nobody's mail's fault."""
    smtp.stop()

    assert failure(transport_for(smtp.url), mail()) == ("unreachable", False, False)


def test_a_server_that_hangs(smtp: Smtp) -> None:
    """A server that says nothing is given up after the time-out."""
    transport = SMTP(MailServer.parse(smtp.url), timeout=0.5)
    smtp.pause()

    assert failure(transport, mail()) == ("timeout", False, False)
    smtp.resume()


def test_a_server_that_ends(smtp: Smtp) -> None:
    """A connection that breaks between two mails is noticed with the second, and the first was sent."""
    with pytest.raises(NotSentError) as caught, transport_for(smtp.url).connected() as hand:
        hand(mail("ann@example.org"))
        smtp.stop()
        hand(mail("bob@example.org"))

    assert (caught.value.reason, caught.value.alone) == ("unreachable", False)
    assert [message["To"] for message in smtp.messages] == ["ann@example.org"]


@pytest.mark.sec("ASVS-12.3.1", "ASVS-12.3.2")
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_foreign_certificates(serve: Callable[..., Smtp], tls: Any, tmp_path: Path) -> None:
    """A certificate of an authority that isn't trusted gets no mail and no password."""
    server = serve(tls=tls, user="ann")
    stranger = Authority.at(tmp_path, "stranger").ca_file
    trusted, _, _ = server.url.partition("ca_file=")

    assert failure(transport_for(f"{trusted}ca_file={stranger}"), mail()) == ("tls", False, False)
    assert failure(transport_for(trusted.rstrip("?&")), mail()) == ("tls", False, False)
    assert server.messages == []


@pytest.mark.sec("ASVS-12.3.1", "ASVS-12.3.2")
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_names_in_certificates(serve: Callable[..., Smtp], tls: Any) -> None:
    """A certificate has to be for the host that the settings name."""
    server = serve(tls=tls, names=["other.example.org"])

    assert failure(transport_for(server.url), mail()) == ("tls", False, False)
    assert server.messages == []


@pytest.mark.sec("ASVS-12.3.1")
def test_no_encryption_where_it_is_asked_for(smtp: Smtp) -> None:
    """A server that offers no STARTTLS gets no mail: whoever is between could have taken the offer away."""
    assert failure(transport_for(f"{smtp.url}?tls=starttls"), mail()) == ("not_supported", False, False)
    assert smtp.messages == []


def test_a_wrong_password(serve: Callable[..., Smtp]) -> None:
    """A server that knows us not is tried again, because somebody may put the settings right."""
    server = serve(tls="starttls", user="ann")

    assert failure(transport_for(server.url.replace("ann:", "bob:")), mail()) == ("login", False, False)


def test_no_word_of_the_servers(smtp: Smtp) -> None:
    """What the server said, which may repeat the address, is no part of the error."""
    with pytest.raises(NotSentError) as caught:
        send(transport_for(smtp.url), mail("nobody@example.org"))

    assert str(caught.value) == "the message was not sent: recipient"


def test_console() -> None:
    """On the console a mail is its receiver, its subject and its text."""
    stream = io.StringIO()
    send(Console(stream), mail())

    assert "To: ann@example.org\nSubject: Grüße\n\nGrüezi\n" in stream.getvalue()
    assert "<p>" not in stream.getvalue()


def test_console_is_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """Unless told otherwise that is stderr; a mail without text shows its head."""
    message = EmailMessage()
    message["To"] = "ann@example.org"
    message.set_content(b"x", maintype="image", subtype="png")
    send(transport_for("console:"), message)

    assert "To: ann@example.org" in capsys.readouterr().err


def test_maildir(tmp_path: Path) -> None:
    """In a folder a mail is a file, which mail programs read; the folder is made."""
    path = tmp_path / "far" / "mail"
    send(transport_for(f"maildir:{path}"), mail())

    (file,) = (path / "new").iterdir()
    assert message_from_bytes(file.read_bytes())["To"] == "ann@example.org"


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    """Where no folder can be made, the mail waits."""
    (tmp_path / "mail").write_text("a file")

    assert failure(Maildir(tmp_path / "mail" / "in"), mail()) == ("folder", False, False)
