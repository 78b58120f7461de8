"""From a kind of message and its values to a mail: text and HTML of one template."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Any
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, Template, TemplateNotFound

from onegov_auth.i18n import Translator, translator
from onegov_auth.mail.devices import device

__all__ = ["KINDS", "Letter", "Messages", "is_address", "one_line"]

_TEMPLATES = Path(__file__).parent / "templates"

#: The mails we send; an application may have templates of its own beside them.
KINDS = (
    "activate",
    "registration_taken",
    "reset",
    "reset_external",
    "password_changed",
    "email_confirm",
    "email_changed",
    "factor_changed",
    "identity_linked",
    "new_device",
    "signup_invitation",
    "recovery_code_used",
    "api_token_created",
    "invitation",
    "account_changed",
)

#: RFC 5321 §4.1.2 without quotes, comments and address literals, which nobody has; other letters by RFC 6531.
_ADDRESS = re.compile(r"[^\s@<>()\[\],;:\\\"]{1,64}@[^\s@<>()\[\],;:\\\"]{1,253}")

#: Longer values are cut: what people may type is no place for a letter of their own.
MAX_VALUE = 254

#: What a mail program makes a link of; names are not to be one (HOST-06).
_LINK = re.compile(r"(?:[a-z][a-z0-9+.-]*:/|www\.)\S*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Letter:
    """
    What is to be said to whom.

    Attributes:
        kind: The template.
        to: The receiver's address, and nothing but.
        language: The receiver's language.
        values: What the template shows; times, and the user agent in ``device``, become readable.
    """

    kind: str
    to: str
    language: str
    values: Mapping[str, object] = field(repr=False)


class Messages:
    """
    Makes mails.

    Args:
        title: The site's name.
        base_url: The site's address.
        sender: The sender, as ``Name <address>`` or as an address.
        directories: Where an application's own templates lie; ``mail/<kind>.jinja2`` there goes before ours.
    """

    def __init__(self, title: str, base_url: str, sender: str, directories: Sequence[Path] = ()) -> None:
        self._title = title
        self._base_url = base_url
        name, address = parseaddr(sender)
        self._sender = Address(name, addr_spec=address)
        own = [directory / "mail" for directory in directories]
        self._text = _environment("text", own)
        self._html = _environment("html", own)

    def has(self, kind: str) -> bool:
        """Whether there is a template of that name."""
        if re.fullmatch(r"[a-z][a-z0-9_]*", kind) is None:
            return False
        try:
            self._text.get_template(f"{kind}.jinja2")
        except TemplateNotFound:
            return False
        return True

    def make(self, letter: Letter, id_: UUID, at: datetime) -> EmailMessage:
        """
        The mail, ready to be sent.

        Args:
            letter: What is to be said to whom.
            id_: Becomes the ``Message-ID``: a mail that is sent twice after a crash has the same one.
            at: When it was written.

        Raises:
            jinja2.TemplateError: If a template of the application's does not work.
            ValueError: If the address is none.
        """
        translate = translator(letter.language)
        content: dict[str, object] = {**self._readable(letter.values, translate), "_": translate}
        content |= {"plural": translate.plural, "language": translate.language}
        content |= {"title": self._title, "base_url": self._base_url, "recipient": letter.to}
        template = self._text.get_template(f"{letter.kind}.jinja2")
        message = EmailMessage(policy=SMTP)
        message["From"] = self._sender
        local, _at, domain = letter.to.rpartition("@")
        message["To"] = Address(username=local, domain=domain)
        message["Subject"] = one_line(_block(template, "subject", content))
        message["Date"] = format_datetime(at)
        message["Message-ID"] = f"<{id_}@{self._sender.domain or 'localhost'}>"
        # RFC 3834 §5: an absence note must not answer.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(re.sub(r"\n{3,}", "\n\n", template.render(content)).strip() + "\n")
        message.add_alternative(self._html.get_template(f"{letter.kind}.jinja2").render(content), subtype="html")
        return message

    def _readable(self, values: Mapping[str, object], translate: Translator) -> dict[str, object]:
        shown: dict[str, object] = {}
        for name, value in values.items():
            if isinstance(value, datetime):
                shown[name] = translate.moment(value)
            elif name == "device":
                shown[name] = device(value if isinstance(value, str) else None, translate)
            elif isinstance(value, str) and name != "url":
                shown[name] = _harmless(value)
            else:
                shown[name] = value
        return shown


def is_address(text: str) -> bool:
    """Whether *text* is one address and nothing else: no name, no second one, no header (HOST-06, ASVS 1.3.11)."""
    return _ADDRESS.fullmatch(text) is not None and one_line(text) == text


def one_line(text: str) -> str:
    """*text* without what could end a header: line ends, control and other invisible characters become blanks."""
    return " ".join("".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text).split())


def _harmless(value: str) -> str:
    return _LINK.sub("…", one_line(value))[:MAX_VALUE]


def _block(template: Template, name: str, content: Mapping[str, Any]) -> str:
    return "".join(template.blocks[name](template.new_context(dict(content))))


def _environment(form: str, own: Sequence[Path]) -> Environment:
    """Templates find ``layout.jinja2`` and ``parts.jinja2`` of their form; an application may replace these as well."""
    folders = [*(folder / form for folder in own), *own, _TEMPLATES / form, _TEMPLATES]
    return Environment(
        loader=FileSystemLoader(folders),
        autoescape=form == "html",  # noqa: S701 - the other form is plain text
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
