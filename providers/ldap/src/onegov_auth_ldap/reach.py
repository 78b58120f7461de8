"""The doctor's first steps: the way to a server, from its name to its certificate. No password is sent here."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from onegov_auth.providers import Check, CheckState, Clock
from onegov_auth_ldap.errors import DirectoryError
from onegov_auth_ldap.session import Session
from onegov_auth_ldap.settings import LDAPSettings
from onegov_auth_ldap.steps import Finding, timed
from onegov_auth_ldap.wire import Deadline, connect, tls_context

__all__ = ["Way"]

#: A certificate that ends sooner is worth a warning: renewing one takes people, and people have holidays.
SOON = timedelta(days=21)

#: What to change, by a part of OpenSSL's message.
_CURES = {
    "self-signed certificate": "set tls.ca_file to a file with the certificate of the authority that issued it",
    "self signed certificate": "set tls.ca_file to a file with the certificate of the authority that issued it",
    "unable to get local issuer": "set tls.ca_file to a file with the certificate of the authority that issued it",
    "unable to get issuer": "the server should send the certificates between its own and the authority's, or put them "
    "into tls.ca_file",
    "has expired": "renew the certificate on the server, or the authority's in tls.ca_file",
    "not yet valid": "the clock of this machine or of the one that issued the certificate is wrong",
    "mismatch": "use one of the names in the certificate in servers, or have one issued for this name",
    "Missing Authority Key Identifier": "have it issued again with the extension authorityKeyIdentifier (RFC 5280 "
    "§4.2.1.1), which Python 3.13 and newer demand",
    "Missing Subject Key Identifier": "have the authority's certificate issued again with subjectKeyIdentifier "
    "(RFC 5280 §4.2.1.2), which Python 3.13 and newer demand",
    "Basic Constraints": "have the authority's certificate issued again with critical basicConstraints (RFC 5280 "
    "§4.2.1.9), which Python 3.13 and newer demand",
}


@dataclass(frozen=True, slots=True)
class Way:
    """
    The way to one server.

    Attributes:
        url: The server.
        settings: The provider's.
        clock: For the dates of certificates.
    """

    url: str
    settings: LDAPSettings
    clock: Clock

    def walk(self) -> Iterator[Check]:
        """Name, port and certificate, as far as it leads; the last step fails where it ends."""
        for name, look in (("dns", self._resolve), ("tcp", self._connect), ("tls", self._protect)):
            step = timed(f"{name} {self.url}", look)
            yield step
            if step.state is CheckState.FAILED:
                return

    @property
    def _host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def _port(self) -> int:
        address = urlsplit(self.url)
        return address.port or (636 if address.scheme == "ldaps" else 389)

    def _deadline(self) -> Deadline:
        return Deadline(self.settings.timeouts.login.total_seconds())

    def _resolve(self) -> str:
        try:
            found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise DirectoryError("dns", f"{self._host} has no address") from error
        return ", ".join(dict.fromkeys(str(address[0]) for *_, address in found))

    def _connect(self) -> str:
        connect(self._host, self._port, self._deadline(), self.settings.timeouts.connect.total_seconds()).close()
        return f"port {self._port} is open"

    def _protect(self) -> str | Finding:
        tls = self.settings.tls
        if not (tls.start_tls or self.url.startswith("ldaps:")):
            return Finding("passwords travel in clear text", CheckState.WARNING, "use ldaps://, or tls.start_tls: true")
        context = tls_context(tls)
        try:
            told = self._shake_hands(context)
        except DirectoryError as error:
            if error.reason != "tls":
                raise
            raise DirectoryError("tls", f"{error.detail}; {self._describe()}", hint=_cure(error.detail)) from error
        if not tls.verify:
            return Finding(f"{told}; nothing of it is checked", CheckState.WARNING, "take out tls.verify: false")
        return self._warned(told, context)

    def _warned(self, told: str, context: ssl.SSLContext) -> str | Finding:
        """What works today and will not for long."""
        end = self._certificate(context).not_valid_after_utc
        if end - self.clock() < SOON:
            return Finding(told, CheckState.WARNING, "renew the certificate before that day")
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        try:
            self._shake_hands(context)
        except DirectoryError as error:
            said = f"{told}; Python 3.13 and newer refuse it: {error.detail}"
            return Finding(said, CheckState.WARNING, _cure(error.detail))
        return told

    def _describe(self) -> str:
        """The certificate that was refused, read on a connection on which nothing else is said."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        try:
            return self._shake_hands(context)
        except DirectoryError:
            return "its certificate can't be read"

    def _shake_hands(self, context: ssl.SSLContext) -> str:
        return describe(self._certificate(context))

    def _certificate(self, context: ssl.SSLContext) -> x509.Certificate:
        session = Session(self.url, self.settings, context, self.clock())
        try:
            session.open(self._deadline())
            return x509.load_der_x509_certificate(session.certificate())
        except ValueError as error:
            raise DirectoryError("tls", "the certificate can't be read") from error
        finally:
            session.close()


def describe(certificate: x509.Certificate) -> str:
    """Whom a certificate is for, who issued it and until when it is good."""
    try:
        names = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
        shown = ", ".join(str(name.value) for name in names)  # type: ignore[attr-defined]  # its type is the base class
    except (x509.ExtensionNotFound, ValueError):
        shown = "no name, which no client takes since RFC 6125 §6.4.4"
    until: datetime = certificate.not_valid_after_utc
    return f"for {shown}; issued by {certificate.issuer.rfc4514_string()}; good until {until:%Y-%m-%d}"


def _cure(detail: str) -> str:
    found = (cure for part, cure in _CURES.items() if part.casefold() in detail.casefold())
    return next(found, "set tls.ca_file to the authority that signed the server's certificate, and use the name in it")
