"""The demo's mailbox: every mail the demo sends, on a page."""

from __future__ import annotations

import mailbox
import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from markupsafe import Markup, escape

__all__ = ["Mail", "mails_in"]

#: An address; the full stop behind it is the sentence's.
_URL = re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:]")


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail: to whom, about what, and its text with links."""

    to: str
    subject: str
    text: Markup


def mails_in(folder: Path) -> list[Mail]:
    """The mails of a maildir, the latest first."""
    if not folder.is_dir():
        return []
    box = mailbox.Maildir(folder, create=False)
    try:
        keys = sorted(box.keys(), key=lambda key: box.get_message(key).get_date(), reverse=True)
        return [_mail(message_from_bytes(box.get_bytes(key), EmailMessage, policy=default)) for key in keys]
    finally:
        box.close()


def _mail(message: EmailMessage) -> Mail:
    body = message.get_body(("plain",))
    text = "" if body is None else "\n".join(body.get_content().splitlines())
    return Mail(str(message["To"]), str(message["Subject"]), _linked(text))


def _linked(text: str) -> Markup:
    parts, end = [], 0
    for match in _URL.finditer(text):
        url = escape(match.group())
        parts += [escape(text[end : match.start()]), Markup('<a href="{0}">{0}</a>').format(url)]
        end = match.end()
    return Markup("").join([*parts, escape(text[end:])])
