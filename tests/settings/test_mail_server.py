"""The address of a mail server."""

from __future__ import annotations

from pathlib import Path

import pytest

from onegov_auth.settings.mail_server import MailServer


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("smtp://mail.example.org", ("mail.example.org", 25, "starttls", None, None)),
        ("smtp://mail.example.org:587/", ("mail.example.org", 587, "starttls", None, None)),
        ("smtp://mail.example.org?tls=none", ("mail.example.org", 25, "none", None, None)),
        ("smtps://ann:p%40ss%2Fword@mail.example.org", ("mail.example.org", 465, "implicit", "ann", "p@ss/word")),
        ("smtps://ann@mail.example.org", ("mail.example.org", 465, "implicit", "ann", "")),
        ("smtp://localhost", ("localhost", 25, "none", None, None)),
        ("smtp://[::1]:2525", ("::1", 2525, "none", None, None)),
        ("smtp://ann:x@127.0.0.1:25?tls=starttls", ("127.0.0.1", 25, "starttls", "ann", "x")),
    ],
)
def test_addresses(url: str, wanted: tuple[object, ...]) -> None:
    """Host, port, encryption, user and password; outside of this machine encryption is what is meant by silence."""
    server = MailServer.parse(url)

    assert (server.host, server.port, server.tls, server.user, server.password) == wanted


def test_an_authority_of_ones_own(tmp_path: Path) -> None:
    """A file with certificates replaces the system's authorities."""
    (tmp_path / "ca.pem").write_text("")

    assert MailServer.parse(f"smtps://mail.example.org?ca_file={tmp_path}/ca.pem").ca_file == tmp_path / "ca.pem"


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("smtp://", "must be an address"),
        ("smtp://host/path", "must be an address"),
        ("smtp://host#part", "must be an address"),
        ("smtp://CANARY:x@host:port", "is not an address"),
        ("smtp://[CANARY", "is not an address"),
        ("smtp://host?starttls=yes", "may have the options tls and ca_file only"),
        ("smtp://host?tls=maybe", "must have tls=starttls or tls=none"),
        ("smtp://host?tls=", "must have tls=starttls or tls=none"),
        ("smtps://host?tls=none", "must not have the option tls with smtps://"),
        ("smtps://host?ca_file=/no/such/file", "names a ca_file that is not there"),
    ],
)
def test_faults(url: str, fault: str) -> None:
    """Every other address is a fault, told in a sentence that repeats nothing of it."""
    with pytest.raises(ValueError, match=fault) as caught:
        MailServer.parse(url)

    assert "CANARY" not in str(caught.value)


@pytest.mark.sec("ASVS-12.3.1")
def test_no_password_in_the_clear() -> None:
    """A password is not sent without TLS over a network."""
    with pytest.raises(ValueError, match="must not send a password without TLS"):
        MailServer.parse("smtp://ann:x@mail.example.org?tls=none")


def test_the_password_is_not_shown() -> None:
    """The repr shows no password."""
    assert "CANARY" not in repr(MailServer.parse("smtps://ann:CANARY@mail.example.org"))
