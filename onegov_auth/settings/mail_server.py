"""The address of a mail server, as ``mail.url`` has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from onegov_auth.settings.hosts import is_loopback

__all__ = ["MailServer"]

#: RFC 8314 §3.3 for smtps; smtp has the port of a relay, and a submission server's 587 is written out.
_PORTS = {"smtp": 25, "smtps": 465}


@dataclass(frozen=True, slots=True)
class MailServer:
    """
    Where and how mails are handed over.

    Attributes:
        host: The server.
        port: Its port.
        tls: ``implicit`` from the first byte (RFC 8314 §3.3), ``starttls`` before anything else is said, or
            ``none``. There is no "if offered": whoever is between could take the offer away (RFC 8314 §4.1).
        user: Whom to log in as; ``None`` for nobody.
        password: With which password.
        ca_file: Whom to trust in place of the system's authorities.
    """

    host: str
    port: int
    tls: Literal["implicit", "starttls", "none"]
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None

    @classmethod
    def parse(cls, url: str) -> Self:
        """
        The server of ``smtp://user:password@host:port?tls=…&ca_file=…`` or ``smtps://…``.

        Without ``tls``, ``smtp`` means STARTTLS, and no encryption to this very machine.

        Raises:
            ValueError: With a sentence that does not repeat the address, which may hold a password.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise ValueError("is not an address such as smtp://user:password@host:port") from None
        if not host or parts.path not in {"", "/"} or parts.fragment:
            raise ValueError("must be an address such as smtp://user:password@host:port")
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        tls = _tls(parts.scheme, host, options.pop("tls", None))
        ca_file = options.pop("ca_file", None)
        if options:
            raise ValueError("may have the options tls and ca_file only")
        if ca_file is not None and not Path(ca_file).is_file():
            raise ValueError("names a ca_file that is not there")
        if parts.username and tls == "none" and not is_loopback(host):
            # ASVS 12.3.1
            raise ValueError("must not send a password without TLS: take tls=none out")
        return cls(
            host=host,
            port=port or _PORTS[parts.scheme],
            tls=tls,
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password or "") if parts.username else None,
            ca_file=None if ca_file is None else Path(ca_file),
        )


def _tls(scheme: str, host: str, wanted: str | None) -> Literal["implicit", "starttls", "none"]:
    if scheme == "smtps":
        if wanted is not None:
            raise ValueError("must not have the option tls with smtps://, which always is encrypted")
        return "implicit"
    if wanted == "none" or (wanted is None and is_loopback(host)):
        return "none"
    if wanted not in {None, "starttls"}:
        raise ValueError("must have tls=starttls or tls=none")
    return "starttls"
