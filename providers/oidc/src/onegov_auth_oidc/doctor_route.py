"""What the doctor sees on the way to an OpenID provider: its name, its certificate."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from onegov_auth.providers import Check, CheckState, Clock
from onegov_auth_oidc.network import CONNECT_SECONDS, Resolve, resolve
from onegov_auth_oidc.settings import OIDCSettings
from onegov_auth_oidc.urls import PORTS

__all__ = ["examine_route"]

#: Certificates of a common authority are renewed thirty days before their end; twenty-one say that it did not work.
SOON = timedelta(days=21)

#: What to do about a certificate, by the number that OpenSSL gives the reason (``X509_V_ERR_…``).
HINTS = {
    9: "it is not good yet: compare this machine's clock",
    10: "the provider has to renew it; if it did, compare this machine's clock",
    62: "it is of another host: compare issuer",
    64: "it is of another host: compare issuer",
}
UNTRUSTED = "the server has to send its whole chain; an authority of your own belongs into network.ca_file"


def examine_route(settings: OIDCSettings, clock: Clock, resolve: Resolve = resolve) -> Iterator[Check]:
    """
    Name and certificate of the issuer's host; nothing is asked of it.

    Args:
        settings: The provider's block.
        clock: The time, for the certificate's end.
        resolve: Finds the addresses of a host.
    """
    parts = urlsplit(settings.issuer)
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    if settings.network.proxy is not None:
        proxy = urlsplit(settings.network.proxy.reveal())
        yield Check("proxy", CheckState.OK, f"{host} is reached by {proxy.hostname}:{proxy.port or 80}")
        return
    began = time.perf_counter()
    try:
        addresses = resolve(host, port)
    except OSError:
        hint = "check the issuer's host name and this machine's name server"
        yield Check("DNS", CheckState.FAILED, f"{host} is not known", hint, time.perf_counter() - began)
        return
    yield Check("DNS", CheckState.OK, f"{host} is {', '.join(addresses)}", seconds=time.perf_counter() - began)
    if parts.scheme == "http":
        yield Check("TLS", CheckState.WARNING, "none: whoever is on the way can be anybody", "use https://")
    else:
        yield _tls(settings, clock, host, port)


def _tls(settings: OIDCSettings, clock: Clock, host: str, port: int) -> Check:
    began = time.perf_counter()
    context = ssl.create_default_context(cafile=settings.network.ca_file)
    try:
        with (
            socket.create_connection((host, port), timeout=CONNECT_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host) as secure,
        ):
            certificate, version = secure.getpeercert() or {}, secure.version()
    except ssl.SSLCertVerificationError as error:
        hint = HINTS.get(error.verify_code, UNTRUSTED)
        return Check("TLS", CheckState.FAILED, error.verify_message, hint, time.perf_counter() - began)
    except ssl.SSLError as error:
        return Check("TLS", CheckState.FAILED, error.reason or "no TLS", "does this port speak TLS?")
    except OSError as error:
        hint = "check the firewall between this machine and the provider, and that it is running"
        told = f"{host}:{port}: {error.strerror or 'no answer in time'}"
        return Check("TLS", CheckState.FAILED, told, hint, time.perf_counter() - began)
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    detail = f"{version}, by {_issued_by(certificate)}, until {ends:%Y-%m-%d}"
    seconds = time.perf_counter() - began
    if ends - clock() < SOON:
        return Check("TLS", CheckState.WARNING, detail, "the certificate is not renewed in time", seconds)
    return Check("TLS", CheckState.OK, detail, seconds=seconds)


def _issued_by(certificate: Mapping[str, Any]) -> str:
    names = dict(pair for part in certificate.get("issuer", ()) for pair in part)
    return str(names.get("organizationName") or names.get("commonName") or "somebody")
