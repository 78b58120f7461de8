"""The process of :class:`onegov_auth.testing.servers.Smtp`: a mail server that keeps what it is given as files."""

from __future__ import annotations

import argparse
import asyncio
import ssl
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

__all__ = ["Keeper", "main"]

#: Receivers by the part before the @, and what they are told.
REFUSALS = {
    "nobody": "550 5.1.1 No such user here",
    "denied": "550 5.7.1 Relaying denied",
    "later": "451 4.7.1 Please try again later",
}


class Keeper:
    """
    Writes each mail into a file, numbered as they come.

    Args:
        folder: Where.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take a receiver, or refuse some by name."""
        refusal = REFUSALS.get(address.partition("@")[0])
        if refusal is None:
            envelope.rcpt_tos.append(address)
        return refusal or "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - the same
        """Keep a mail, or refuse one about spam."""
        if b"Subject: Spam" in (envelope.original_content or b""):
            return "554 5.7.1 Refused as unwanted"
        number = len(list(self._folder.glob("*.eml")))
        content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        head = f"X-Envelope-From: {envelope.mail_from}\r\nX-Envelope-To: {', '.join(envelope.rcpt_tos)}\r\n"
        part = self._folder / "part"
        part.write_bytes(head.encode() + content)
        part.rename(self._folder / f"{number:06}.eml")
        return "250 OK"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("--tls", choices=["starttls", "implicit"])
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    parser.add_argument("--user")
    parser.add_argument("--password")
    return parser.parse_args()


async def _serve(options: argparse.Namespace) -> None:
    context = None
    if options.tls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options.certificate, options.key)

    def authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _way: str, data: object) -> AuthResult:
        wanted = (str(options.user).encode(), str(options.password).encode())
        good = isinstance(data, LoginPassword) and (data.login, data.password) == wanted
        return AuthResult(success=good, handled=False)

    def protocol() -> SMTP:
        return SMTP(
            Keeper(options.folder),
            hostname="localhost",
            enable_SMTPUTF8=True,
            tls_context=context if options.tls == "starttls" else None,
            require_starttls=options.tls == "starttls",
            authenticator=authenticate if options.user else None,
            auth_required=bool(options.user),
            auth_require_tls=bool(options.tls == "starttls"),
        )

    loop = asyncio.get_running_loop()
    implicit = context if options.tls == "implicit" else None
    server = await loop.create_server(protocol, "127.0.0.1", options.port, ssl=implicit)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Serve until killed."""
    asyncio.run(_serve(_arguments()))


if __name__ == "__main__":
    main()
