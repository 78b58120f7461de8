from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

from onegov_auth.cli.demo.mails import mails_in
from onegov_auth.mail.transports import Maildir


def send(folder: Path, to: str, subject: str, text: str) -> None:
    message = EmailMessage()
    message["To"], message["Subject"] = to, subject
    message.set_content(text)
    with Maildir(folder).connected() as hand_over:
        hand_over(message)


def test_mails(tmp_path: Path) -> None:
    """Mails are shown with their links, and as text whatever stands in them."""
    folder = tmp_path / "mails"
    send(folder, "ann@example.org", "Zürich <b>", "Open https://example.org/?a=1&b=2. Or <script>")

    (mail,) = mails_in(folder)
    assert (mail.to, mail.subject) == ("ann@example.org", "Zürich <b>")
    link = '<a href="https://example.org/?a=1&amp;b=2">https://example.org/?a=1&amp;b=2</a>'
    assert mail.text == f"Open {link}. Or &lt;script&gt;"


def test_no_mails(tmp_path: Path) -> None:
    """Before the first mail there is no folder, and nothing to show."""
    assert mails_in(tmp_path / "mails") == []
