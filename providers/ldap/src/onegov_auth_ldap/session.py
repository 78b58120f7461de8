"""One connection to one server: ldap3 behind a small typed face, with its defaults made safe."""

from __future__ import annotations

import contextlib
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

from ldap3 import BASE, DEREF_NEVER, LEVEL, NONE, SAFE_SYNC, SIMPLE, SUBTREE, Connection, Server
from ldap3.core.exceptions import LDAPException
from pyasn1.error import PyAsn1Error

from onegov_auth_ldap.addresses import Finder, addresses
from onegov_auth_ldap.entry import Entry
from onegov_auth_ldap.errors import DirectoryError
from onegov_auth_ldap.policy import NOTHING_SAID, REQUEST, Policy, read_policy
from onegov_auth_ldap.ranges import joined, open_ranges
from onegov_auth_ldap.settings import LDAPSettings
from onegov_auth_ldap.wire import Deadline, Wire, connect, secure

__all__ = ["Answer", "Query", "Scope", "Session"]

Scope: TypeAlias = Literal["base", "onelevel", "subtree"]

_SCOPES = {"base": BASE, "onelevel": LEVEL, "subtree": SUBTREE}

#: Result codes of RFC 4511 §4.1.9.
SUCCESS, SIZE_LIMIT, REFERRAL, NO_SUCH_OBJECT = 0, 4, 10, 32

#: RFC 4511 §4.3, which has no answer, with a message id that no request of ours reaches.
_UNBIND = bytes.fromhex("30070204 7fffffff 4200")

#: Seconds after an answer in which a connection is not looked at: the questions of one login follow each other.
JUST_NOW = 0.5

_START_TLS = "1.3.6.1.4.1.1466.20037"
_PAGED = "1.2.840.113556.1.4.319"
_PAGE = 500

#: What ldap3 2.9.1 and pyasn1 raise on sockets that end and on answers that are no LDAP.
_TROUBLES = (LDAPException, PyAsn1Error, OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Query:
    """
    A search.

    Attributes:
        base: Below which entry.
        filter: Built of configured parts and escaped values only.
        attributes: What to tell of each entry.
        scope: How deep.
        size: How many entries are of interest; 0 = all, page by page.
    """

    base: str
    filter: str
    attributes: tuple[str, ...]
    scope: Scope = "subtree"
    size: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What a server said to a bind or a comparison.

    Attributes:
        code: RFC 4511 §4.1.9.
        description: The name of the code.
        message: The server's diagnostic message; untrusted.
        policy: What the server's password policy says, to a bind.
    """

    code: int
    description: str
    message: str = ""
    policy: Policy = NOTHING_SAID


class Session:
    """
    One open connection; of one thread at a time.

    Args:
        url: The server.
        settings: The provider's.
        context: For TLS.
        opened: When.
        find: Finds the server's addresses.
    """

    def __init__(
        self, url: str, settings: LDAPSettings, context: ssl.SSLContext, opened: datetime, find: Finder = addresses
    ) -> None:
        self._find = find
        self.url = url
        self.opened = opened
        self._address = urlsplit(url)
        self._host = self._address.hostname or ""
        self._settings = settings
        self._context = context
        self._wire: Wire | None = None
        self._answered = float("-inf")
        # Nothing is asked of the server that was not asked by us: no schema, no referral, no lazy or anonymous bind.
        server = Server(self._host, get_info=NONE, allowed_referral_hosts=[])
        self._connection = _Connection(
            server,
            authentication=SIMPLE,
            client_strategy=SAFE_SYNC,
            auto_referrals=False,
            check_names=False,
            read_only=True,
            lazy=False,
            raise_exceptions=False,
            return_empty_attributes=False,
            auto_escape=False,
            # ldap3 takes a part of the values for all of them when it can't read the rest.
            auto_range=False,
        )

    def open(self, deadline: Deadline) -> None:
        """
        Connect, and protect the connection before anything else is said.

        Raises:
            DirectoryError: ``connect``, ``timeout``, ``tls`` or ``start_tls``.
        """
        timeouts, tls = self._settings.timeouts, self._address.scheme == "ldaps"
        seconds = timeouts.connect.total_seconds()
        wire = connect(self._host, self._address.port or (636 if tls else 389), deadline, seconds, self._find)
        if tls:
            wire = secure(wire, self._context, self._host, deadline.left(seconds))
        self._use(wire)
        if self._settings.tls.start_tls:
            self._start_tls(wire, deadline, seconds)
        self._answered = time.monotonic()

    def bind(self, name: str, password: bytes, deadline: Deadline) -> Answer:
        """
        A simple bind (RFC 4513 §5.1.3), sent exactly once.

        Args:
            name: A DN, never empty: that would be an anonymous bind.
            password: As octets, never empty. As text ldap3 would prepare it by SASLprep, which makes some passwords
                empty, and an empty one is an unauthenticated bind that succeeds (RFC 4513 §5.1.2).
            deadline: The end of the login.

        Returns:
            The answer; only code 0 is a success.

        Raises:
            DirectoryError: If there was no answer to this very request.
        """
        if not name.strip() or not password:
            raise ValueError("a simple bind needs a name and a password")
        self._connection.user, self._connection.password = name, password
        try:
            ask = partial(self._connection.bind, read_server_info=False, controls=[REQUEST])
            bound, result = self._perform(deadline, ask)[:2]
        finally:
            self._connection.password = None
        answer = self._answer(result, "bindResponse")
        if (bound is True) is not (answer.code == SUCCESS):
            raise DirectoryError("protocol", "the answer to a bind contradicts itself")
        try:
            return replace(answer, policy=read_policy(_controls(result)))
        except ValueError as error:
            raise DirectoryError("protocol", f"{self.url}: {error}") from error

    def compare(self, dn: str, attribute: str, value: bytes, deadline: Deadline) -> Answer:
        """
        Whether *attribute* of *dn* holds *value*: code 6 says yes, 5 no.

        Raises:
            DirectoryError: If there was no answer.
        """
        result = self._perform(deadline, partial(self._connection.compare, dn, attribute, value))[1]
        return self._answer(result, "compareResponse")

    def search(self, query: Query, deadline: Deadline) -> list[Entry]:
        """
        The entries that *query* finds; references to other servers are left out, never followed.

        Raises:
            DirectoryError: If the answer is not complete.
        """
        return [entry for page in self.pages(query, deadline) for entry in page]

    def pages(self, query: Query, deadline: Deadline) -> Iterator[list[Entry]]:
        """
        As :meth:`search`, page by page (RFC 2696).

        Raises:
            DirectoryError: If the answer is not complete; pages that came before are a part only.
        """
        cookie: bytes | None = None
        while True:
            paged = {} if query.size else {"paged_size": _PAGE, "paged_cookie": cookie}
            found, result = self._ask(query, deadline, **paged)
            self._judge(result, query, len(found))
            yield [self._complete(entry, deadline) for entry in found]
            cookie = _cookie(result)
            if not cookie:
                return

    def _ask(self, query: Query, deadline: Deadline, **paged: Any) -> tuple[list[Entry], Any]:
        ask = partial(
            self._connection.search,
            query.base,
            query.filter,
            _SCOPES[query.scope],
            dereference_aliases=DEREF_NEVER,
            attributes=list(query.attributes),
            size_limit=query.size,
            **paged,
        )
        _, result, found, _ = self._perform(deadline, ask)
        return [_entry(raw) for raw in found or () if raw["type"] == "searchResEntry"], result

    def _complete(self, entry: Entry, deadline: Deadline) -> Entry:
        """The entry with all values of attributes of which the server told a part (MS-ADTS §3.1.1.3.1.3.3)."""
        while wanted := open_ranges(entry):
            query = Query(entry.dn, "(objectClass=*)", wanted, "base", 1)
            found, result = self._ask(query, deadline)
            self._judge(result, query, len(found))
            entry = joined(entry, found)
        return entry

    def certificate(self) -> bytes:
        """
        The server's certificate, DER; for the doctor.

        Raises:
            ValueError: If the connection has none.
        """
        raw = None if self._wire is None else self._wire.raw
        found = raw.getpeercert(binary_form=True) if isinstance(raw, ssl.SSLSocket) else None
        if not found:
            raise ValueError("the connection has no certificate")
        return found

    def usable(self) -> bool:
        """Whether the other side neither ended the connection nor said anything unasked."""
        if self._wire is None or self._connection.closed:
            return False
        return time.monotonic() - self._answered < JUST_NOW or self._wire.quiet()

    def close(self) -> None:
        """Say goodbye if possible, and let go of the socket in any case."""
        if self._wire is None:
            return
        self._wire.allow(1.0)
        with contextlib.suppress(OSError):
            self._wire.sendall(_UNBIND)
        self._wire.close()
        self._connection.closed = True

    def _use(self, wire: Wire) -> None:
        # ldap3's own open() would connect without an end, and wrap TLS without a check of the name by OpenSSL.
        self._wire = wire
        connection = self._connection
        connection.socket = wire
        connection.closed = False
        connection.listening = True
        connection.strategy._outstanding = {}  # noqa: SLF001 - what ldap3's own open() sets

    def _start_tls(self, wire: Wire, deadline: Deadline, seconds: float) -> None:
        result = self._perform(deadline, partial(self._connection.extended, _START_TLS))[1]
        if self._answer(result, "extendedResp").code != SUCCESS:
            # RFC 4513 §3.1.1: without TLS nothing more is said on this connection.
            self.close()
            raise DirectoryError("start_tls", f"{self.url} refuses StartTLS")
        self._use(secure(wire, self._context, self._host, deadline.left(seconds)))
        self._connection.tls_started = True

    def _perform(self, deadline: Deadline, operation: Callable[[], Any]) -> Any:
        wire = self._wire
        if wire is None or self._connection.closed:
            raise DirectoryError("connection", f"{self.url} is closed")
        wire.allow(deadline.left(self._settings.timeouts.operation.total_seconds()))
        try:
            answer = operation()
        except _TROUBLES as error:
            # Whatever it was, answers that come late must not be taken for answers to the next question.
            wire.close()
            self._connection.closed = True
            lost = isinstance(error, OSError | LDAPException)
            raise DirectoryError(wire.trouble or ("connection" if lost else "protocol"), self.url) from error
        self._answered = time.monotonic()
        return answer

    def _answer(self, result: Any, kind: str) -> Answer:
        if result.get("type") != kind:
            raise DirectoryError("protocol", f"{self.url} answers something else")
        return Answer(result["result"], result["description"], str(result.get("message") or ""))

    def _judge(self, result: Any, query: Query, count: int) -> None:
        answer = self._answer(result, "searchResDone")
        if answer.code == SUCCESS or (answer.code == SIZE_LIMIT and query.size and count >= query.size):
            return
        if answer.code == NO_SUCH_OBJECT:
            raise DirectoryError("no_such_base", query.base, elsewhere=False)
        reason = {REFERRAL: "referral", SIZE_LIMIT: "limit"}.get(answer.code, "result")
        raise DirectoryError(reason, f"{self.url}: {answer.description}")


class _Connection(Connection):  # type: ignore[misc]  # ldap3 has no types
    """ldap3's, without the copies it makes for threads that share one: ours belongs to one thread at a time."""

    response: Any
    request: Any

    def _prepare_return_value(self, status: object, response: bool = False) -> tuple[object, Any, Any, Any]:
        found, request, self.response, self.request = self.response, self.request, None, None
        return status, self.result, found if response else None, request


def _entry(raw: Any) -> Entry:
    # Of an attribute without values ldap3 makes None.
    values = {name.lower(): tuple(found or ()) for name, found in raw["raw_attributes"].items()}
    try:
        dn = bytes(raw["raw_dn"]).decode("utf-8")
    except UnicodeDecodeError as error:
        raise DirectoryError("protocol", "a name is no text") from error
    return Entry(dn, values)


def _controls(result: Any) -> dict[str, bytes]:
    found = (result.get("controls") or {}).items()
    return {name: bytes(control["value"] or b"") for name, control in found if name != _PAGED}


def _cookie(result: Any) -> bytes | None:
    control = (result.get("controls") or {}).get(_PAGED) or {}
    cookie = (control.get("value") or {}).get("cookie")
    return bytes(cookie) if cookie else None
