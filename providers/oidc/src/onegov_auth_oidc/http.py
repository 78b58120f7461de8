"""One question to the OpenID provider, and an answer of limited size within limited time."""

from __future__ import annotations

import codecs
import json
import socket
import ssl
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from typing import NoReturn, cast

import httpcore

from onegov_auth_oidc.connections import Client
from onegov_auth_oidc.errors import OIDCUnreachableError
from onegov_auth_oidc.network import ForbiddenAddressError, deadline
from onegov_auth_oidc.urls import host_of, url_fault

__all__ = ["Http", "HttpAnswer", "json_object"]

#: Metadata and key sets are a few kilobytes; a UserInfo answer with all groups stays below this.
MAX_BYTES = 1024 * 1024
#: For one question and its answer together.
TOTAL_SECONDS = 10.0

# RuntimeError: the client was closed in between, because resources may be lost at any time.
_TROUBLE = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    UnicodeError,
    RuntimeError,
)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def json_object(text: bytes) -> dict[str, object] | None:
    """
    The JSON object in *text*; ``None`` for everything else.

    ``NaN`` and ``Infinity`` are no JSON (RFC 8259 §6), though Python reads them.
    """
    value = _json(text)
    return value if isinstance(value, dict) else None


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def _json(text: bytes) -> object:
    try:
        # RFC 8259 §8.1: UTF-8; a mark of the byte order, which nobody should write, may be ignored.
        value: object = _DECODER.decode(text.removeprefix(codecs.BOM_UTF8).decode())
    except (ValueError, RecursionError):
        return None
    return value


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """
    What came back.

    Attributes:
        status: The HTTP status.
        body: At most ``MAX_BYTES``; hidden, because tokens may be in it.
        host: Who answered, for messages.
        date: What time it is there (RFC 9110 §6.6.1), as it stands in the header.
        content_type: What the body is said to be, in lower case and without parameters.
        location: Where a redirect would lead; none is followed.
    """

    status: int
    body: bytes
    host: str
    date: str | None = None
    content_type: str = ""
    location: str = ""

    def __repr__(self) -> str:
        return f"HttpAnswer({self.status}, host={self.host!r})"

    def json_list(self) -> list[object]:
        """
        The JSON list in the body.

        Raises:
            OIDCUnreachableError: If there is none.
        """
        found = _json(self.body)
        if not isinstance(found, list):
            raise OIDCUnreachableError("garbage", f"{self.host} answered no JSON list")
        return found

    def json(self) -> dict[str, object]:
        """
        The JSON object in the body.

        Raises:
            OIDCUnreachableError: If there is none.
        """
        found = json_object(self.body)
        if found is None:
            raise OIDCUnreachableError("garbage", f"{self.host} answered no JSON object")
        return found

    def ok(self) -> HttpAnswer:
        """
        This answer, if it is a success.

        Raises:
            OIDCUnreachableError: With any status but 200; a redirect is not followed.
        """
        if self.status != HTTPStatus.OK:
            raise OIDCUnreachableError("http_status", f"{self.host} answered {self.status}")
        return self


@dataclass(frozen=True, slots=True)
class Http:
    """
    Asks the provider.

    Attributes:
        client: The connections; see :func:`onegov_auth_oidc.connections.make_client`.
        plain_loopback: Whether ``http`` is allowed on this machine.
        total: Seconds for one question and its answer.
        max_bytes: How large an answer may be.
    """

    client: Client
    plain_loopback: bool = False
    total: float = TOTAL_SECONDS
    max_bytes: int = MAX_BYTES

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> HttpAnswer:
        """
        Ask for *url*.

        Raises:
            OIDCUnreachableError: If there is no answer, or one that is too large or too slow.
        """
        return self._ask("GET", url, headers or {}, None)

    def post(self, url: str, headers: Mapping[str, str], body: str) -> HttpAnswer:
        """Send *body* to *url*, once; see :meth:`get` for errors."""
        return self._ask("POST", url, headers, body.encode("ascii"))

    def reach(self, url: str) -> None:
        """
        Make sure that the server is there, without asking anything.

        Raises:
            OIDCUnreachableError: If it is not, or says itself that it is out of order.
        """
        answer = self._ask("HEAD", url, {}, None)
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise OIDCUnreachableError("http_status", f"{answer.host} answered {answer.status}")

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def _ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> HttpAnswer:
        fault = url_fault(url, plain_loopback=self.plain_loopback)
        if fault is not None:
            raise OIDCUnreachableError("insecure_address", f"the address {fault}")
        host = host_of(url)
        try:
            with deadline(self.total), closing(self.client.ask(method, url, headers, body)) as response:
                return self._read(response, host)
        except httpcore.TimeoutException as error:
            raise OIDCUnreachableError("timeout", f"{host} did not answer in time") from error
        except ForbiddenAddressError as error:
            raise OIDCUnreachableError("address", f"{host} is further inside than the issuer") from error
        except _TROUBLE as error:
            raise _unreachable(error, host) from error

    def _read(self, response: httpcore.Response, host: str) -> HttpAnswer:
        body = bytearray()
        # Of this client, which waits.
        for chunk in cast("Iterable[bytes]", response.stream):
            body += chunk
            if len(body) > self.max_bytes:
                raise OIDCUnreachableError("too_large", f"{host} answered more than {self.max_bytes} bytes")
        # Of two headers of one name the first counts.
        found = {name.lower(): value.decode("latin-1") for name, value in reversed(response.headers)}
        content_type = found.get(b"content-type", "").partition(";")[0].strip().lower()
        return HttpAnswer(
            response.status, bytes(body), host, found.get(b"date"), content_type, found.get(b"location", "")
        )


def _unreachable(error: BaseException, host: str) -> OIDCUnreachableError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return OIDCUnreachableError("tls", f"{host}: {cause.reason or 'the connection is not secure'}")
        if isinstance(cause, socket.gaierror):
            return OIDCUnreachableError("dns", f"{host} is not known")
        cause = cause.__cause__ or cause.__context__
    return OIDCUnreachableError("unreachable", f"{host} can't be reached")
