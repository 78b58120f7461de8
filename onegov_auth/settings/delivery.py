"""What leaves the house: tokens, mails, text messages."""

from __future__ import annotations

from datetime import timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Literal

from pydantic import Field, field_validator

from onegov_auth.settings.mail_server import MailServer
from onegov_auth.settings.types import Duration, Secret, Section

__all__ = ["JWT", "SMS", "APITokens", "Mail", "Tokens"]

NOTHING = timedelta(0)


class APITokens(Section):
    """
    Tokens that programs of a person use.

    Attributes:
        expires: How long a new one is good, at most.
        prefix: What each begins with, so that a leaked one is recognised.
    """

    expires: Duration = Field(timedelta(days=365), gt=NOTHING)
    prefix: str = Field("oga", pattern=r"^[a-z][a-z0-9]{1,15}$")


class JWT(Section):
    """
    Short-lived signed tokens for API clients.

    Attributes:
        enabled: Whether they are issued and taken.
        algorithm: How they are signed (RFC 8037, RFC 7518 §3.4).
        access: How long one is good.
        refresh: How long a new one can be had without logging in.
    """

    enabled: bool = False
    algorithm: Literal["EdDSA", "ES256"] = "EdDSA"
    access: Duration = Field(timedelta(minutes=10), gt=NOTHING)
    refresh: Duration = Field(timedelta(days=30), gt=NOTHING)


class Tokens(Section):
    """
    Tokens instead of a cookie.

    Attributes:
        api: See :class:`APITokens`.
        jwt: See :class:`JWT`.
    """

    api: APITokens = APITokens()
    jwt: JWT = JWT()


class Mail(Section):
    """
    How mails are sent.

    Attributes:
        url: ``smtp://user:password@host:port``, ``smtps://…``, ``console:`` or ``maildir:PATH``; see
            :class:`onegov_auth.settings.mail_server.MailServer`.
        sender: The sender's name and address.
    """

    url: Secret = Secret("console:")
    sender: str = Field("auth@localhost", pattern=r"^[^\r\n]*[^\s@]+@[^\s@]+$")

    @field_validator("url")
    @classmethod
    def _known(cls, value: Secret) -> Secret:
        scheme, _, rest = value.reveal().partition(":")
        if scheme not in {"smtp", "smtps", "console", "maildir"}:
            raise ValueError("must begin with smtp://, smtps://, console: or maildir:")
        if scheme in {"smtp", "smtps"}:
            MailServer.parse(value.reveal())
        elif scheme == "maildir" and not rest:
            raise ValueError("must name a folder: maildir:PATH")
        return value

    @field_validator("sender")
    @classmethod
    def _address(cls, value: str) -> str:
        name, address = parseaddr(value)
        try:
            Address(name, addr_spec=address)
        except (ValueError, IndexError, MessageError):
            # The standard library's parser stumbles over what is empty, by Python's version in another way.
            address = ""
        if not address:
            raise ValueError("must be an address such as Example <auth@example.org>")
        return value


class SMS(Section):
    """
    How text messages are sent.

    Attributes:
        url: ``spool:PATH``, a folder from which a gateway fetches them.
        sender: The name the phone shows.
    """

    url: Secret
    sender: str = ""

    @field_validator("url")
    @classmethod
    def _known(cls, value: Secret) -> Secret:
        if ":" not in value.reveal():
            raise ValueError("must be an address such as spool:PATH")
        return value
